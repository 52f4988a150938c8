"""Floor 6 · Only when sampling: how bold the draw is, and among how many tokens.

Mirrors the ``…Warper`` classes of transformers/generation/logits_process.py; input_ids and scores
are those of ``logits_process``.
"""

import numpy as np

from tinyhf.functional import log_softmax, softmax
from tinyhf.generation.logits_process import NEVER, LogitsProcessor


class TemperatureLogitsWarper(LogitsProcessor):
    """score / temperature: below 1 differences grow, above 1 they shrink."""

    def __init__(self, temperature):
        self.temperature = float(temperature)

    def __call__(self, input_ids, scores):
        return scores / self.temperature


class TopHLogitsWarper(LogitsProcessor):
    """Keeps the most probable tokens while Σ -p log p over them is at most ``top_h`` · entropy.

    Of the hundred most probable ones, and always the first. Top-H, arXiv:2509.02510.
    """

    def __init__(self, top_h):
        self.top_h = float(top_h)

    def __call__(self, input_ids, scores):
        best = np.argsort(-scores, axis=-1, kind="stable")[:, :100]
        best_scores = np.take_along_axis(scores, best, axis=-1)
        terms = _entropy_terms(best_scores)
        kept = _running_sum(terms) <= self.top_h * terms.sum(axis=-1, keepdims=True)
        kept &= best_scores > NEVER
        kept[:, 0] = True
        tail = np.ones(scores.shape, bool)
        np.put_along_axis(tail, best, ~kept, axis=-1)
        return np.where(tail, NEVER, scores)


class TopKLogitsWarper(LogitsProcessor):
    """Keeps the ``top_k`` highest scores, and all that equal the last of them.

    Fan et al. 2018, arXiv:1805.04833.
    """

    def __init__(self, top_k, min_tokens_to_keep=1):
        self.top_k = max(top_k, min_tokens_to_keep)

    def __call__(self, input_ids, scores):
        return np.where(scores < _kth_best(scores, self.top_k), NEVER, scores)


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
        oddness = np.abs(-log_softmax(scores) - _entropy(scores))
        typical_first = np.argsort(oddness, axis=-1, kind="stable")
        oddness_sorted = np.take_along_axis(oddness, typical_first, axis=-1)
        within_mass = (_cumulative_probabilities(scores, typical_first) < self.mass).sum(axis=-1)
        last = np.minimum(within_mass, scores.shape[1] - 1)[:, None]
        odd = oddness_sorted > np.take_along_axis(oddness_sorted, last, axis=-1)
        odd[:, : self.min_tokens_to_keep] = False
        np.put_along_axis(odd, typical_first, odd.copy(), axis=-1)  # sorted places → token ids
        return np.where(odd, NEVER, scores)


class EpsilonLogitsWarper(LogitsProcessor):
    """Keeps tokens of probability ``epsilon`` or more.

    Hewitt et al. 2022, arXiv:2210.15191.
    """

    def __init__(self, epsilon, min_tokens_to_keep=1):
        self.epsilon = float(epsilon)
        self.min_tokens_to_keep = min_tokens_to_keep

    def __call__(self, input_ids, scores):
        improbable = softmax(scores) < self.cutoff(scores)
        improbable &= scores < _kth_best(scores, self.min_tokens_to_keep)
        return np.where(improbable, NEVER, scores)

    def cutoff(self, scores):
        """The lowest probability that is kept."""
        return self.epsilon


class EtaLogitsWarper(EpsilonLogitsWarper):
    """Keeps tokens of probability min(ε, √ε · exp(-entropy)) or more: fewer in a surer text.

    Hewitt et al. 2022, arXiv:2210.15191.
    """

    def cutoff(self, scores):
        epsilon = np.float32(self.epsilon)
        return np.minimum(epsilon, np.sqrt(epsilon) * np.exp(-_entropy(scores)))


def _kth_best(scores, k):
    k = min(k, scores.shape[1])
    return np.partition(scores, -k, axis=-1)[:, -k, None]  # (rows, 1)


def _entropy(scores):
    return _entropy_terms(scores).sum(axis=-1, keepdims=True)  # (rows, 1)


def _entropy_terms(scores):
    log_probs = log_softmax(scores)
    with np.errstate(invalid="ignore"):  # a banned token: 0 * -inf
        return np.nan_to_num(-np.exp(log_probs) * log_probs)  # -p log p


def _cumulative_probabilities(scores, order):
    return _running_sum(softmax(np.take_along_axis(scores, order, axis=-1)))


def _running_sum(terms):
    # torch adds up in float64 and rounds each sum to float32: so the same token is the last one in
    return terms.cumsum(axis=-1, dtype=np.float64).astype(np.float32)
