"""Floor 6 · Scores of the next token are bent before one is chosen: penalties, bans, truncation.

Mirrors transformers/generation/logits_process.py. Each processor is a formula from ``(input_ids,
scores)`` to new scores; -inf means "never". Both arrays live on the host, also when the model is on
a GPU: it is only one row of scores a sequence, a processor of your own can be plain NumPy, and the
draw that comes next has to happen on the host to be torch's.

    input_ids  (rows, tokens so far)  int64
    scores     (rows, vocabulary)     float32
"""

import math

import numpy as np

from tinyhf.errors import ArgumentError
from tinyhf.functional import log_softmax, softmax

NEVER = -math.inf


class LogitsProcessor:
    """Base of all processors, and of a user's own."""

    def __call__(self, input_ids, scores):
        """New scores (rows, vocabulary) for the token that follows ``input_ids``."""
        raise NotImplementedError(f"{type(self).__name__} has no __call__(input_ids, scores)")


class LogitsProcessorList(list):
    """Processors that are applied one after the other."""

    def __call__(self, input_ids, scores):
        for processor in self:
            scores = processor(input_ids, scores)
        return scores


# ---- penalties and bans: what the text so far forbids --------------------------------------------


class RepetitionPenaltyLogitsProcessor(LogitsProcessor):
    """score / penalty if positive, score * penalty if negative, for each token already in the text.

    CTRL, Keskar et al. 2019, arXiv:1909.05858.

    Args:
        penalty: above 1 discourages, below 1 encourages.
        prompt_ignore_length: how many ids at the start of each row do not count, such as padding:
            one number, or one a row.
    """

    def __init__(self, penalty, prompt_ignore_length=0):
        self.penalty = float(penalty)
        self.prompt_ignore_length = prompt_ignore_length

    def __call__(self, input_ids, scores):
        scores = scores.copy()
        starts = np.broadcast_to(self.prompt_ignore_length, len(scores))
        for row, ids, start in zip(scores, input_ids, starts, strict=True):
            seen = row[ids[start:]]
            row[ids[start:]] = np.where(seen < 0, seen * self.penalty, seen / self.penalty)
        return scores


class NoRepeatNGramLogitsProcessor(LogitsProcessor):
    """Bans each token that would complete a run of ``ngram_size`` tokens a second time.

    Paulus et al. 2017, arXiv:1705.04304, section 2.5.
    """

    def __init__(self, ngram_size):
        self.ngram_size = ngram_size

    def __call__(self, input_ids, scores):
        length = input_ids.shape[1]
        if length < self.ngram_size:
            return scores
        runs = np.lib.stride_tricks.sliding_window_view(input_ids, self.ngram_size, axis=1)
        ending = input_ids[:, None, length - self.ngram_size + 1 :]
        row, run = (runs[..., :-1] == ending).all(axis=-1).nonzero()
        scores = scores.copy()
        scores[row, runs[row, run, -1]] = NEVER
        return scores


class MinLengthLogitsProcessor(LogitsProcessor):
    """Bans the end-of-sequence tokens while a row has fewer than ``min_length`` tokens."""

    def __init__(self, min_length, eos_token_id):
        self.min_length = min_length
        self.eos_token_id = eos_token_id

    def __call__(self, input_ids, scores):
        if input_ids.shape[1] >= self.min_length:
            return scores
        ends = np.isin(np.arange(scores.shape[1]), self.eos_token_id)
        return np.where(ends, NEVER, scores)


class MinNewTokensLengthLogitsProcessor(MinLengthLogitsProcessor):
    """Bans the end-of-sequence tokens for the first ``min_new_tokens`` after the prompt."""

    def __init__(self, prompt_length_to_skip, min_new_tokens, eos_token_id):
        super().__init__(prompt_length_to_skip + min_new_tokens, eos_token_id)


class PrefixConstrainedLogitsProcessor(LogitsProcessor):
    """Bans all tokens but those that ``prefix_allowed_tokens_fn(batch_id, ids)`` lists.

    De Cao et al. 2020, arXiv:2010.00904.

    Raises:
        ArgumentError: the list is empty.
    """

    def __init__(self, prefix_allowed_tokens_fn, num_beams=1):
        self._prefix_allowed_tokens_fn = prefix_allowed_tokens_fn
        self._num_beams = num_beams

    def __call__(self, input_ids, scores):
        constrained = np.full_like(scores, NEVER)
        for row, ids in enumerate(input_ids):
            batch_id = row // self._num_beams
            allowed = list(self._prefix_allowed_tokens_fn(batch_id, ids))
            if not allowed:
                where = f"prefix_allowed_tokens_fn, batch id {batch_id}"
                raise ArgumentError("allows no token", where=where, wanted="a list of token ids")
            constrained[row, allowed] = scores[row, allowed]
            if np.isneginf(constrained[row]).all():  # another processor banned them: this one wins
                constrained[row, allowed] = 0.0
        return constrained


# ---- only when sampling: how bold, and among how many --------------------------------------------


class TemperatureLogitsWarper(LogitsProcessor):
    """score / temperature: below 1 differences grow, above 1 they shrink."""

    def __init__(self, temperature):
        self.temperature = float(temperature)

    def __call__(self, input_ids, scores):
        return scores / self.temperature


class TopKLogitsWarper(LogitsProcessor):
    """Keeps the ``top_k`` highest scores, and all that equal the last of them.

    Fan et al. 2018, arXiv:1805.04833.
    """

    def __init__(self, top_k, min_tokens_to_keep=1):
        self.top_k = max(top_k, min_tokens_to_keep)

    def __call__(self, input_ids, scores):
        top_k = min(self.top_k, scores.shape[1])
        last_kept = np.partition(scores, -top_k, axis=-1)[:, -top_k, None]
        return np.where(scores < last_kept, NEVER, scores)


class TopPLogitsWarper(LogitsProcessor):
    """Keeps the most probable tokens that together reach ``top_p``: drops the tail below 1 - top_p.

    Nucleus sampling, Holtzman et al. 2019, arXiv:1904.09751.
    """

    def __init__(self, top_p, min_tokens_to_keep=1):
        self.top_p = float(top_p)
        self.min_tokens_to_keep = min_tokens_to_keep

    def __call__(self, input_ids, scores):
        ascending = np.argsort(scores, axis=-1, kind="stable")
        tail = _cumulative_probabilities(scores, ascending) <= 1 - self.top_p
        tail[:, -self.min_tokens_to_keep :] = False
        np.put_along_axis(tail, ascending, tail.copy(), axis=-1)  # sorted places → token ids
        return np.where(tail, NEVER, scores)


class MinPLogitsWarper(LogitsProcessor):
    """Keeps tokens at least ``min_p`` times as probable as the most probable one.

    Nguyen et al. 2024, arXiv:2407.01082.
    """

    def __init__(self, min_p, min_tokens_to_keep=1):
        self.min_p = float(min_p)
        self.min_tokens_to_keep = min_tokens_to_keep

    def __call__(self, input_ids, scores):
        probs = softmax(scores)
        improbable = probs < self.min_p * probs.max(axis=-1, keepdims=True)
        keep = min(self.min_tokens_to_keep, scores.shape[1])
        best = np.argpartition(probs, -keep, axis=-1)[:, -keep:]
        np.put_along_axis(improbable, best, False, axis=-1)
        return np.where(improbable, NEVER, scores)


class TypicalLogitsWarper(LogitsProcessor):
    """Keeps tokens whose surprise -log p is nearest to the entropy -Σ p log p, up to ``mass``.

    Meister et al. 2022, arXiv:2202.00666.
    """

    def __init__(self, mass=0.9, min_tokens_to_keep=1):
        self.mass = float(mass)
        self.min_tokens_to_keep = min_tokens_to_keep

    def __call__(self, input_ids, scores):
        log_probs = log_softmax(scores)
        with np.errstate(invalid="ignore"):  # a banned token: 0 * -inf
            entropy = -np.nansum(np.exp(log_probs) * log_probs, axis=-1, keepdims=True)
        oddness = np.abs(-log_probs - entropy)
        typical_first = np.argsort(oddness, axis=-1, kind="stable")
        oddness_sorted = np.take_along_axis(oddness, typical_first, axis=-1)
        within_mass = (_cumulative_probabilities(scores, typical_first) < self.mass).sum(axis=-1)
        last = np.minimum(within_mass, scores.shape[1] - 1)[:, None]
        odd = oddness_sorted > np.take_along_axis(oddness_sorted, last, axis=-1)
        odd[:, : self.min_tokens_to_keep] = False
        np.put_along_axis(odd, typical_first, odd.copy(), axis=-1)  # sorted places → token ids
        return np.where(odd, NEVER, scores)


def _cumulative_probabilities(scores, order):
    # torch adds up in float64 and rounds each sum to float32: so the same token is the last one in
    probs = softmax(np.take_along_axis(scores, order, axis=-1))
    return probs.cumsum(axis=-1, dtype=np.float64).astype(np.float32)
