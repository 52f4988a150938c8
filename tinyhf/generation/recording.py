"""Floor 6 · ``generate(record_steps=True)``: the loop writes down how it chose each token.

transformers has no such thing. The loop stays as it is; three of its parts are replaced by ones
that do the same and remember:

    logits ─ RecordedProcessors ─ scores ─ softmax ─ RecordedGenerator ─ token ─ RecordedStops
             before and after each                       the race                which rows go on
"""

import math
import numbers

import numpy as np

from tinyhf.backend.random import TorchGenerator
from tinyhf.errors import ArgumentError, note_once
from tinyhf.functional import softmax
from tinyhf.generation.logits_process import NEVER, LogitsProcessorList
from tinyhf.generation.recorded_steps import ROUNDING, GenerationSteps, Step
from tinyhf.generation.stopping_criteria import StoppingCriteriaList

CANDIDATES = 10
NEAR_TIE = (
    "Two tokens were so close in a step that rounding could have chosen the other one: see "
    "output.steps.near_ties()."
)


def recorded(loop, record_steps, tokenizer):
    """``loop``, made to write down its steps, which its output then has.

    Args:
        loop: the method of a model that does greedy search or sampling.
        record_steps: True, or how many of the best tokens of each stage to keep.
        tokenizer: or None; for the tables.

    Raises:
        ArgumentError: ``record_steps`` is something else, or the loop is another one.
    """
    if not isinstance(record_steps, numbers.Integral) or record_steps < 1:
        wanted = "True, or how many candidates to keep"
        raise ArgumentError("not allowed", where="record_steps", wanted=wanted, got=record_steps)
    if loop.__name__ != "_sample":
        fix = "Leave it out, or num_beams= and what else asks for another way of decoding."
        problem = "shows greedy search and sampling only"
        raise ArgumentError(problem, where="record_steps", fix=fix)
    most_candidates = CANDIDATES if record_steps is True else record_steps

    def recorded_loop(
        input_ids, logits_processor, stopping_criteria, generation_config, generator, **kwargs
    ):
        recorder = StepRecorder(most_candidates, loop.__self__.dtype, generation_config.do_sample)
        generation_config.return_dict_in_generate = True
        output = loop(
            input_ids,
            logits_processor=RecordedProcessors(logits_processor, recorder),
            stopping_criteria=RecordedStops(stopping_criteria, recorder),
            generation_config=generation_config,
            generator=RecordedGenerator(generator, recorder),
            **kwargs,
        )
        output.steps = GenerationSteps(recorder.steps, tokenizer)
        if output.steps.near_ties():
            note_once(NEAR_TIE)
        return output

    return recorded_loop


class StepRecorder:
    """Is told about each step by the three stand-ins below, and makes ``Step``s of it.

    Args:
        most_candidates: how many of the best tokens of each stage are kept.
        dtype: of the model; it decides about near-ties.
        do_sample: False where no draw follows: the largest score wins.
    """

    def __init__(self, most_candidates, dtype, do_sample):
        self.most_candidates, self.rounding = most_candidates, ROUNDING[np.dtype(dtype).name]
        self.do_sample = do_sample
        self.steps, self.count, self.finished = [], 0, False

    def score(self, names, stages):
        """A step begins: ``stages`` are scores (rows, vocabulary), the logits first."""
        self.names, self.stages = names, np.stack(stages, axis=1)  # (rows, stages, vocabulary)
        if not self.do_sample:
            self.choose(stages[-1], softmax(stages[-1]))

    def choose(self, contest, probabilities):
        """It goes on: the largest of ``contest`` (rows, vocabulary) wins in each row."""
        going_on = np.flatnonzero(~np.broadcast_to(self.finished, len(contest)))
        for row in going_on.tolist():
            self.steps.append(self._make_step(row, contest[row], probabilities[row]))

    def stop(self, finished):
        """It ends, and some rows with it."""
        self.finished, self.count = self.finished | finished, self.count + 1

    def _make_step(self, row, contest, probabilities):
        stages = self.stages[row]  # (stages, vocabulary)
        token = int(contest.argmax())
        others = [other for other in best_of(contest, 2) if other != token][:1]
        best = [best_of(scores, self.most_candidates) for scores in stages]
        candidates = np.unique(np.concatenate([*best, [token], others]).astype(np.int64))
        candidates = candidates[np.lexsort((-stages[0, candidates], -stages[-1, candidates]))]
        is_removed = np.isneginf(stages)
        return Step(
            step=self.count,
            row=row,
            is_drawn=self.do_sample,
            stages=self.names,
            candidates=candidates,
            values=stages[:, candidates].T,
            removed=[0, *(is_removed[1:] & ~is_removed[:-1]).sum(axis=1).tolist()],
            probabilities_before=softmax(stages[0])[candidates],
            probabilities=probabilities[candidates],
            token=token,
            probability=float(probabilities[token]),
            rank=1 + int((probabilities > probabilities[token]).sum()),
            left=int((stages[-1] > NEVER).sum()),
            runner_up=others[0] if others else None,
            gap=float(contest[token] - contest[others[0]]) if others else math.inf,
            rounding=self.rounding * float(abs(stages[np.isfinite(stages)]).max(initial=1.0)),
        )


def best_of(scores, count):
    """Up to ``count`` tokens with the largest scores, but no removed ones: a list, best first."""
    scores = np.where(np.isnan(scores), NEVER, scores)
    least = np.partition(scores, -count)[-count] if count < len(scores) else NEVER
    best = np.flatnonzero((scores >= least) & (scores > NEVER))
    return best[np.argsort(-scores[best], kind="stable")][:count].tolist()


class RecordedProcessors(LogitsProcessorList):
    """The same processors; the recorder gets the scores before and after each."""

    def __init__(self, processors, recorder):
        super().__init__(processors)
        self.recorder = recorder

    def __call__(self, input_ids, scores):
        stages = [scores.copy()]  # a processor of the caller's may change them in place
        for processor in self:
            scores = processor(input_ids, scores)
            stages.append(scores.copy())
        names = [getattr(part, "__name__", type(part).__name__) for part in self]  # or a function's
        self.recorder.score(("logits", *names), stages)
        return scores


class RecordedGenerator(TorchGenerator):
    """Draws tokens with the times that the given generator draws; the recorder gets the race."""

    def __init__(self, generator, recorder):
        self.generator, self.recorder = generator, recorder

    def exponential(self, shape):
        self.times = self.generator.exponential(shape)
        return self.times

    def multinomial(self, probabilities, num_samples=1):
        drawn = super().multinomial(probabilities, num_samples)
        race = probabilities / self.times
        contest = np.where(probabilities > 0, race / race.max(axis=-1, keepdims=True), NEVER)
        self.recorder.choose(contest, probabilities)
        return drawn


class RecordedStops(StoppingCriteriaList):
    """The same criteria; the recorder gets to know which rows go on."""

    def __init__(self, criteria, recorder):
        super().__init__(criteria)
        self.recorder = recorder

    def __call__(self, input_ids, scores):
        finished = super().__call__(input_ids, scores)
        self.recorder.stop(finished)
        return finished
