"""Floor 6 · What the length of the text decides: when it may end, when it must, how it begins.

Mirrors transformers/generation/logits_process.py; input_ids and scores are those of
``logits_process``.
"""

import numpy as np

from tinyhf.generation.logits_process import (
    NEVER,
    LogitsProcessor,
    SuppressTokensLogitsProcessor,
    are_tokens,
    check_token_ids,
)


class MinLengthLogitsProcessor(LogitsProcessor):
    """Bans the end-of-sequence tokens while a row has fewer than ``min_length`` tokens."""

    def __init__(self, min_length, eos_token_id):
        self.min_length = min_length
        self.eos_token_id = eos_token_id

    def __call__(self, input_ids, scores):
        if input_ids.shape[1] >= self.min_length:
            return scores
        return np.where(are_tokens(self.eos_token_id, scores), NEVER, scores)


class MinNewTokensLengthLogitsProcessor(MinLengthLogitsProcessor):
    """Bans the end-of-sequence tokens for the first ``min_new_tokens`` after the prompt."""

    def __init__(self, prompt_length_to_skip, min_new_tokens, eos_token_id):
        super().__init__(prompt_length_to_skip + min_new_tokens, eos_token_id)


class ForcedEOSTokenLogitsProcessor(LogitsProcessor):
    """The last token before ``max_length`` is an end: 0 for the end tokens, -inf for all others.

    Raises:
        ArgumentError: a token is outside the vocabulary.
    """

    setting = "forced_eos_token_id"

    def __init__(self, max_length, eos_token_id):
        self.forced_length = max_length - 1
        self.token_id = eos_token_id

    def __call__(self, input_ids, scores):
        if input_ids.shape[1] != self.forced_length:
            return scores
        check_token_ids(self.token_id, scores, self.setting)
        forced = np.full_like(scores, NEVER)
        forced[:, self.token_id] = 0.0
        return forced


class ForcedBOSTokenLogitsProcessor(ForcedEOSTokenLogitsProcessor):
    """The token after the very first one, in an encoder–decoder the language: 0, others -inf."""

    setting = "forced_bos_token_id"

    def __init__(self, bos_token_id):
        super().__init__(2, bos_token_id)


class ExponentialDecayLengthPenalty(LogitsProcessor):
    """``score + |score| (factor^n - 1)`` for the end tokens, n tokens after the start.

    Args:
        exponential_decay_length_penalty: (new tokens before it starts, factor): above 1 the end
            becomes more probable.
        input_ids_seq_length: the length of the prompt.
    """

    def __init__(self, exponential_decay_length_penalty, eos_token_id, input_ids_seq_length):
        start, self.regulation_factor = exponential_decay_length_penalty
        self.regulation_start = start + input_ids_seq_length
        self.eos_token_id = eos_token_id

    def __call__(self, input_ids, scores):
        n = input_ids.shape[1] - self.regulation_start
        if n <= 0:
            return scores
        ends = are_tokens(self.eos_token_id, scores) & np.isfinite(scores)
        scores = scores.copy()
        scores[ends] += np.abs(scores[ends]) * (self.regulation_factor**n - 1)
        return scores


class SuppressTokensAtBeginLogitsProcessor(SuppressTokensLogitsProcessor):
    """Bans tokens where the text has ``begin_index`` tokens, as it has before the first new one."""

    def __init__(self, begin_suppress_tokens, begin_index):
        super().__init__(begin_suppress_tokens)
        self.begin_index = begin_index

    def __call__(self, input_ids, scores):
        if input_ids.shape[1] != self.begin_index:
            return scores
        return super().__call__(input_ids, scores)
