"""Floor 6 · Scores of the next token are bent before one is chosen: penalties and bans.

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
from tinyhf.functional import log_softmax

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


class SequenceBiasLogitsProcessor(LogitsProcessor):
    """score + bias for each token that would complete a sequence; -inf is a ban.

    Args:
        sequence_bias: {(token ids): bias}, or a list of [[token ids], bias].

    Raises:
        ArgumentError: a token is outside the vocabulary.
    """

    setting = "sequence_bias"

    def __init__(self, sequence_bias):
        pairs = sequence_bias.items() if isinstance(sequence_bias, dict) else sequence_bias
        self.sequence_bias = {tuple(sequence): bias for sequence, bias in pairs}

    def __call__(self, input_ids, scores):
        total = np.zeros_like(scores)
        for (*beginning, last), bias in self.sequence_bias.items():
            check_token_ids([*beginning, last], scores, self.setting)
            if len(beginning) <= input_ids.shape[1]:
                ending = input_ids[:, input_ids.shape[1] - len(beginning) :]
                total[(ending == beginning).all(axis=1), last] += bias
        return scores + total


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


class EncoderRepetitionPenaltyLogitsProcessor(RepetitionPenaltyLogitsProcessor):
    """score * penalty if positive, score / penalty if negative, for each token of what was read.

    Above 1 it keeps to the words of the encoder's text; in a model without encoder, the prompt's.
    """

    def __init__(self, penalty, encoder_input_ids):
        super().__init__(1 / penalty)
        self.encoder_input_ids = encoder_input_ids

    def __call__(self, input_ids, scores):
        return super().__call__(repeat_rows(self.encoder_input_ids, scores), scores)


class NoRepeatNGramLogitsProcessor(LogitsProcessor):
    """Bans each token that would complete a run of ``ngram_size`` tokens a second time.

    Paulus et al. 2017, arXiv:1705.04304, section 2.5.
    """

    def __init__(self, ngram_size):
        self.ngram_size = ngram_size

    def __call__(self, input_ids, scores):
        return self.ban_runs_of(input_ids, input_ids, scores)

    def ban_runs_of(self, text, input_ids, scores):
        """Scores without the tokens with which ``input_ids`` would end in a run of ``text``."""
        beginning = self.ngram_size - 1
        length = input_ids.shape[1]
        if text.shape[1] <= beginning or length < beginning:
            return scores
        runs = np.lib.stride_tricks.sliding_window_view(text, self.ngram_size, axis=1)
        ending = input_ids[:, None, length - beginning :]
        row, run = (runs[..., :-1] == ending).all(axis=-1).nonzero()
        scores = scores.copy()
        scores[row, runs[row, run, -1]] = NEVER
        return scores


class EncoderNoRepeatNGramLogitsProcessor(NoRepeatNGramLogitsProcessor):
    """Bans each token that would repeat a run of ``encoder_ngram_size`` tokens of what was read."""

    def __init__(self, encoder_ngram_size, encoder_input_ids):
        super().__init__(encoder_ngram_size)
        self.encoder_input_ids = encoder_input_ids

    def __call__(self, input_ids, scores):
        return self.ban_runs_of(repeat_rows(self.encoder_input_ids, scores), input_ids, scores)


class NoBadWordsLogitsProcessor(SequenceBiasLogitsProcessor):
    """Bans each token that would complete one of these lists of ids; the end token stays allowed.

    Args:
        bad_words_ids: a list of lists of token ids.
        eos_token_id: an id or a list of them.
    """

    setting = "bad_words_ids"

    def __init__(self, bad_words_ids, eos_token_id=None):
        ends = [[token_id] for token_id in np.ravel(() if eos_token_id is None else eos_token_id)]
        super().__init__([(word, NEVER) for word in bad_words_ids if list(word) not in ends])


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
            check_token_ids(allowed, scores, f"prefix_allowed_tokens_fn, batch id {batch_id}")
            constrained[row, allowed] = scores[row, allowed]
            if np.isneginf(constrained[row]).all():  # another processor banned them: this one wins
                constrained[row, allowed] = 0.0
        return constrained


# ---- the same at every step ----------------------------------------------------------------------


class InfNanRemoveLogitsProcessor(LogitsProcessor):
    """NaN becomes 0, and what is infinite the largest number of its sign."""

    def __call__(self, input_ids, scores):
        return np.nan_to_num(scores)


class SuppressTokensLogitsProcessor(LogitsProcessor):
    """Bans tokens; an id outside the vocabulary does nothing."""

    def __init__(self, suppress_tokens):
        self.suppress_tokens = suppress_tokens

    def __call__(self, input_ids, scores):
        return np.where(are_tokens(self.suppress_tokens, scores), NEVER, scores)


class LogitNormalization(LogitsProcessor):
    """score - log Σ exp(score): log-probabilities again, after all others."""

    def __call__(self, input_ids, scores):
        return log_softmax(scores)


def are_tokens(token_ids, scores):
    """Whether each token of the vocabulary is among ``token_ids``: bool (1, vocabulary)."""
    return np.isin(np.arange(scores.shape[1]), token_ids)[None]


def check_token_ids(token_ids, scores, setting):
    """Raise ArgumentError, with the name of the ``setting``, for an id outside the vocabulary."""
    highest = int(np.max(token_ids))
    if highest >= scores.shape[1]:
        wanted = f"0 to {scores.shape[1] - 1}"
        raise ArgumentError("is outside the vocabulary", where=setting, wanted=wanted, got=highest)


def repeat_rows(prompts, scores):
    """Each prompt as often as it has rows of scores: num_return_sequences times."""
    return np.repeat(prompts, len(scores) // len(prompts), axis=0)
