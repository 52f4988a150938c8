"""Floor 6 · What ``generate(record_steps=True)`` keeps: for each token, how it was chosen."""

import html
from dataclasses import dataclass

import numpy as np

from tinyhf.errors import ArgumentError
from tinyhf.generation.logits_process import NEVER
from tinyhf.generation.recording_views import plot_step, step_table, steps_table

#: Dtype of the model → how far rounding may move the difference of two scores, as a share of the
#: step's largest score: a product's error grows with its largest term. Measured against
#: transformers on the tests' tiny Llamas and GPT-2s, 2,700 tokens, at most: 1.1e-6, 2.4e-3, 2.1e-2.
ROUNDING = {"float32": 1e-5, "float16": 5e-3, "bfloat16": 4e-2}


@dataclass
class Step:
    """How one token of one row was chosen.

    Args:
        step, row: which one; steps count from 0, where the prompt ends.
        is_drawn: True where it was sampled, False where the largest score won.
        stages: ``"logits"``, then the name of each processor: what the columns of ``values`` are.
        candidates: token ids (candidates,): the best ones of every stage, the likeliest first.
        values: float32 (candidates, stages): their scores; -inf is removed.
        removed: for each stage, how many tokens of the vocabulary it removed.
        probabilities_before, probabilities: float32 (candidates,): of the logits, and in the end.
        token, probability, rank: the one that was chosen; rank 1 is the likeliest.
        left: how many tokens of the vocabulary no processor removed.
        runner_up: the token that would have come next, None where there was no other.
        gap: how far ahead the chosen one was. Greedy: the difference of the two best scores.
            Sampling: with time = probability / exponential draw, what wins is the largest, and the
            gap is (best - second) / best. A score that is off by a small d moves either by d.
        rounding: the largest d that rounding may bring about; see ``ROUNDING``.
    """

    step: int
    row: int
    is_drawn: bool
    stages: tuple
    candidates: np.ndarray
    values: np.ndarray
    removed: list
    probabilities_before: np.ndarray
    probabilities: np.ndarray
    token: int
    probability: float
    rank: int
    left: int
    runner_up: int | None
    gap: float
    rounding: float

    @property
    def is_near_tie(self):
        """Whether float rounding could have chosen ``runner_up`` instead.

        Not seen: a token at the very edge of top_p and its like, which rounding lets in or out.
        """
        return self.gap <= self.rounding

    def removed_candidates(self, stage):
        """Which of ``candidates`` this stage, a place in ``stages``, removed."""
        if stage == 0:
            return self.candidates[:0]
        before, after = self.values[:, stage - 1], self.values[:, stage]
        return self.candidates[(before > NEVER) & (after == NEVER)]


class GenerationSteps:
    """All recorded steps, rows one after the other; ``print`` shows them as a table.

    Args:
        steps: ``Step``s; a row has none after its end.
        tokenizer: shows texts beside ids; None for ids alone.
    """

    def __init__(self, steps, tokenizer=None):
        self.steps = sorted(steps, key=lambda step: (step.row, step.step))
        self.tokenizer = tokenizer

    def __iter__(self):
        return iter(self.steps)

    def __len__(self):
        return len(self.steps)

    def near_ties(self):
        """The steps in which rounding could have chosen another token."""
        return [step for step in self.steps if step.is_near_tie]

    def step(self, step, row=0):
        """The ``Step`` of one token.

        Raises:
            ArgumentError: there is no such step, or no such row.
        """
        rows = {recorded.row for recorded in self.steps}
        if row not in rows:
            wanted = f"0 to {max(rows, default=-1)}"
            raise ArgumentError("there is no such row", where="row", wanted=wanted, got=row)
        of_row = {recorded.step: recorded for recorded in self.steps if recorded.row == row}
        if step not in of_row:
            wanted = f"0 to {max(of_row)}"
            raise ArgumentError(f"row {row} has none", where="step", wanted=wanted, got=step)
        return of_row[step]

    def table(self, step=None, row=0):
        """All steps as text, a line each; or one step: a line for each candidate."""
        if step is None:
            return steps_table(self.steps, self.tokenizer)
        return step_table(self.step(step, row), self.tokenizer)

    def plot(self, step, row=0):
        """One step as a matplotlib figure: the candidates' probabilities before and after.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        return plot_step(self.step(step, row), self.tokenizer)

    def __str__(self):
        return self.table()

    def _repr_html_(self):
        return f"<pre>{html.escape(str(self))}</pre>"

    def __repr__(self):
        rows = len({step.row for step in self.steps})
        ties = len(self.near_ties())
        return f"<{len(self)} steps of {rows} rows, {ties} near-ties: print() shows them>"
