"""Floor 6 · When a row is finished: long enough, at its end token, at a stop string, out of time.

Mirrors transformers/generation/stopping_criteria.py. After every new token each criterion answers
with one True or False a row; a row is finished when any of them says so.
"""

import time

import numpy as np


class StoppingCriteria:
    """Base of all criteria, and of a user's own."""

    def __call__(self, input_ids, scores):
        """Which rows are finished.

        Args:
            input_ids: (rows, tokens so far), on the host.
            scores: one (rows, vocabulary) a step with ``output_scores=True``, else None.

        Returns:
            bool (rows,), or one bool for all of them.
        """
        raise NotImplementedError(f"{type(self).__name__} has no __call__(input_ids, scores)")


class StoppingCriteriaList(list):
    """Criteria of which one is enough."""

    def __call__(self, input_ids, scores):
        is_done = np.zeros(len(input_ids), bool)
        for criterion in self:
            is_done |= criterion(input_ids, scores)
        return is_done


class MaxLengthCriteria(StoppingCriteria):
    """Finished at ``max_length`` tokens, prompt included."""

    def __init__(self, max_length):
        self.max_length = max_length

    def __call__(self, input_ids, scores):
        return input_ids.shape[1] >= self.max_length


class MaxTimeCriteria(StoppingCriteria):
    """Finished ``max_time`` seconds after it was made; the token at work is still completed."""

    def __init__(self, max_time, initial_timestamp=None):
        self.max_time = max_time
        self.initial_timestamp = time.time() if initial_timestamp is None else initial_timestamp

    def __call__(self, input_ids, scores):
        return time.time() - self.initial_timestamp > self.max_time


class EosTokenCriteria(StoppingCriteria):
    """Finished when the last token is one of the end-of-sequence tokens."""

    def __init__(self, eos_token_id):
        self.eos_token_id = np.atleast_1d(eos_token_id)

    def __call__(self, input_ids, scores):
        return np.isin(input_ids[:, -1], self.eos_token_id)


class StopStringCriteria(StoppingCriteria):
    """Finished when the last token completes one of the ``stop_strings``.

    It need not end where the token ends: " st" and "opped" complete "stop". One that lies in the
    prompt as a whole does not count.
    """

    def __init__(self, tokenizer, stop_strings):
        self.tokenizer = tokenizer
        self.stop_strings = [stop_strings] if isinstance(stop_strings, str) else list(stop_strings)
        # A tokenizer may drop the space before the first token of a text: this one goes first.
        self._anchor = "abcdef"
        self._anchor_ids = list(tokenizer(self._anchor, add_special_tokens=False)["input_ids"])
        # A token has at least one byte, so no more tokens than this can belong to a stop string.
        self._window = max(len(text.encode("utf-8")) for text in self.stop_strings)

    def __call__(self, input_ids, scores):
        last_ids = input_ids[:, -self._window :].tolist()
        return np.array([self._just_completed(ids) for ids in last_ids])

    def _just_completed(self, ids):
        text = self._decode(ids)
        old = len(self._decode(ids[:-1]).rstrip("\ufffd"))  # half a character is not there yet
        return any(
            text.find(stop_string, max(0, old - len(stop_string) + 1)) >= 0
            for stop_string in self.stop_strings
        )

    def _decode(self, ids):
        text = self.tokenizer.decode(
            self._anchor_ids + ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        return text[text.index(self._anchor) + len(self._anchor) :]
