"""Floor 6 · Beams: several texts to each prompt, and how one step changes them.

Mirrors the helpers of ``_beam_search`` in transformers/generation/utils.py. Four pure functions on
``Beams``, in the order of a step; their shapes: batch (prompts), beams, tokens, new tokens.
"""

from typing import Any, NamedTuple

import numpy as np

from tinyhf.errors import NumericsError
from tinyhf.functional import softmax

#: The score of a beam that does not count: far below every real one.
NOT_ANY = -1e9


class Beams(NamedTuple):
    """Texts of each prompt, the best ones first, and what is known of them.

    Args:
        sequences: ids, int64 (batch, beams, tokens), prompt included.
        scores: float32 (batch, beams): log-probabilities; of finished texts / length**penalty.
        beam_indices: int64 (batch, beams, new tokens): the row each token was chosen from.
        is_finished: bool (batch, beams).
    """

    sequences: Any
    scores: Any
    beam_indices: Any
    is_finished: Any

    @property
    def new_tokens(self):
        """How long the texts are without the prompt."""
        return self.beam_indices.shape[2]

    def take(self, places):
        """Those at ``places`` (batch, beams), in this order."""
        return Beams(*(take_beams(values, places) for values in self))

    def beside(self, others):
        """These, then others, of the same prompts."""
        pairs = zip(self, others, strict=True)
        return Beams(*(np.concatenate(pair, axis=1) for pair in pairs))

    def longer(self, tokens, rows):
        """With one more token (batch, beams), chosen from scores of ``rows`` (batch, beams)."""
        sequences = np.concatenate((self.sequences, tokens[..., None]), axis=-1)
        beam_indices = np.concatenate((self.beam_indices, rows[..., None]), axis=-1)
        return self._replace(sequences=sequences, beam_indices=beam_indices)


def take_beams(values, places):
    """Of (batch, beams, ...), those at places (batch, chosen): (batch, chosen, ...)."""
    return values[np.arange(len(values))[:, None], places]


def top_k(scores, count):
    """Places of the ``count`` highest of each row, the highest first, as ``torch.topk``.

    Among equals the first is first; NaN is the highest of all.
    """
    places = np.argpartition(scores, -count, axis=-1)[:, -count:]  # in any order
    places.sort(axis=-1)
    order = np.argsort(-take_beams(scores, places), axis=-1, kind="stable")
    return take_beams(places, order)


# ---- where it begins -----------------------------------------------------------------------------


def start_beams(input_ids, num_beams):
    """(running, finished) for ids (batch * beams, tokens) in which each prompt stands ``num_beams``
    times: of these copies only the first counts, and nothing is finished."""
    prompts = input_ids.reshape(-1, num_beams, input_ids.shape[1])
    nothing = np.full(prompts.shape[:2], NOT_ANY, np.float32)  # (batch, beams)
    beam_indices = np.empty((*prompts.shape[:2], 0), np.int64)
    finished = Beams(prompts, nothing, beam_indices, np.zeros(prompts.shape[:2], bool))
    only_first = nothing.copy()
    only_first[:, 0] = 0.0
    return finished._replace(scores=only_first), finished


# ---- the verbs of a step -------------------------------------------------------------------------


def continue_beams(running, log_probs, count, generator=None):
    """The ``count`` best of all texts that are one token longer; or as many, drawn.

    Args:
        log_probs: float32 (batch * beams, vocabulary), of each next token.
        generator: draws, by probability and without replacement; None takes the best.

    Raises:
        NumericsError: a score is NaN.
    """
    batch, num_beams = running.scores.shape
    totals = log_probs.reshape(batch, num_beams, -1) + running.scores[..., None]
    vocab_size = totals.shape[-1]
    totals = totals.reshape(batch, -1)  # (batch, beams * vocabulary)
    if generator is None:
        places = top_k(totals, count)
    else:
        places = generator.multinomial(softmax(totals), count)
    scores = take_beams(totals, places)  # (batch, count)
    if np.isnan(scores).any():
        prompt = np.isnan(scores).any(axis=1).argmax()
        where = f"generate(), prompt {prompt}, new token {running.new_tokens}"
        raise NumericsError("the scores of its beams contain NaN", where=where)
    beam, token = np.divmod(places, vocab_size)
    rows = beam + num_beams * np.arange(batch)[:, None]
    return running.take(beam).longer(token, rows)._replace(scores=scores)


def keep_running(candidates, num_beams):
    """The best candidates that go on; one that is finished only where there are no others."""
    scores = candidates.scores + candidates.is_finished * np.float32(NOT_ANY)
    return candidates._replace(scores=scores).take(top_k(scores, num_beams))


def keep_finished(finished, candidates, is_open, length_penalty, fill):
    """The best of what was finished before and of what one of the leading candidates finishes now.

    Those behind the first ``num_beams`` candidates are there to go on, not to be an answer.

    Args:
        is_open: bool (batch,): prompts that still take answers.
        fill: the id with which shorter texts are filled up.
    """
    num_beams = finished.scores.shape[1]
    is_new = candidates.is_finished & is_open[:, None]  # (batch, count)
    is_new[:, num_beams:] = False
    scores = candidates.scores / candidates.new_tokens**length_penalty
    scores = np.where(is_new, scores, np.float32(NOT_ANY))
    new = candidates._replace(scores=scores, is_finished=is_new)
    shape = finished.scores.shape
    old = finished.longer(np.full(shape, fill), np.full(shape, -1))
    every = old.beside(new)
    return every.take(top_k(every.scores, num_beams))


def may_improve(running, finished, config, most_tokens):
    """Whether a running beam could still become an answer of its prompt: bool (batch,).

    Its score can only fall, but the length that it is divided by grows. With ``early_stopping``

        False    it is compared as if it ended now: quick, though more tokens might help
        "never"  it is compared as if it got all ``most_tokens`` new tokens, where these help
        True     as False, and as many answers as beams are enough
    """
    is_patient = config.early_stopping == "never" and config.length_penalty > 0
    length = most_tokens if is_patient else running.new_tokens
    best_possible = running.scores[:, 0] / length**config.length_penalty
    may = best_possible > finished.scores.min(axis=1)
    if config.early_stopping is True:
        may &= ~finished.is_finished.all(axis=1)
    return may
