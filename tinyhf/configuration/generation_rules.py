"""Floor 4 · Which values the settings of ``generate`` may have, and what to say about others.

Mirrors ``GenerationConfig.validate`` of transformers/generation/configuration_utils.py, and what
its logits processors check.
"""

import math
import numbers
from collections.abc import Callable
from typing import NamedTuple


class Rule(NamedTuple):
    """What a value must fulfil, and what to say where it does not."""

    allows: Callable
    wanted: str


def whole_number(lowest):
    """A rule of ``RULES``."""
    return Rule(
        lambda value: isinstance(value, numbers.Integral) and value >= lowest,
        f"a whole number, {lowest} or more",
    )


def fraction(from_zero=True):
    """A rule of ``RULES``."""
    return Rule(
        lambda value: _is_number(value) and 0 <= value <= 1 and (from_zero or value > 0),
        "a number from 0 to 1" if from_zero else "a number above 0, at most 1",
    )


def _is_number(value):
    return isinstance(value, numbers.Real) and math.isfinite(value)


def _is_below_one(value):
    return _is_number(value) and 0 <= value < 1


def _is_bool(value):
    return isinstance(value, bool)


def _is_whole(value):
    return isinstance(value, numbers.Integral) and value >= 0


def _is_token_id_or_list(value):
    ids = value if isinstance(value, list | tuple) else [value]
    return bool(ids) and all(isinstance(token_id, numbers.Integral) for token_id in ids)


def _is_list_of_ids(value):
    return isinstance(value, list | tuple) and all(map(_is_whole, value))


def _is_list_of_words(value):
    return isinstance(value, list | tuple) and all(word and _is_list_of_ids(word) for word in value)


def _is_sequence_bias(value):
    if not isinstance(value, dict | list | tuple):
        return False
    pairs = list(value.items() if isinstance(value, dict) else value)
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
        return False
    numbers_only = all(isinstance(bias, numbers.Real) and bias == bias for _, bias in pairs)
    return numbers_only and _is_list_of_words([sequence for sequence, _ in pairs])


def _is_decay(value):
    if not isinstance(value, list | tuple) or len(value) != 2:
        return False
    start, factor = value
    return _is_whole(start) and _is_number(factor) and factor > 0


def _is_text_or_list(value):
    texts = value if isinstance(value, list | tuple) else [value]
    return bool(texts) and all(isinstance(text, str) and text for text in texts)


#: Field → its rule; None, not set, is always allowed.
RULES = {
    "max_length": whole_number(1),
    "max_new_tokens": whole_number(1),
    "min_length": whole_number(0),
    "min_new_tokens": whole_number(0),
    "max_time": Rule(lambda value: _is_number(value) and value >= 0, "seconds, 0 or more"),
    "stop_strings": Rule(_is_text_or_list, "a text or a list of texts, none of them empty"),
    "early_stopping": Rule(
        lambda value: _is_bool(value) or value == "never",
        'True, False or "never"',
    ),
    "num_beams": whole_number(1),
    "length_penalty": Rule(_is_number, "a number"),
    "num_return_sequences": whole_number(1),
    "temperature": Rule(
        lambda value: _is_number(value) and value > 0,
        "a number above 0; for greedy decoding set do_sample=False",
    ),
    "top_k": whole_number(0),
    "top_p": fraction(),
    "min_p": fraction(),
    "typical_p": fraction(from_zero=False),
    "repetition_penalty": Rule(lambda value: _is_number(value) and value > 0, "a number above 0"),
    "no_repeat_ngram_size": whole_number(0),
    "pad_token_id": Rule(lambda value: isinstance(value, numbers.Integral), "a token id"),
    "eos_token_id": Rule(_is_token_id_or_list, "a token id or a list of them"),
    "forced_bos_token_id": Rule(_is_whole, "a token id"),
    "forced_eos_token_id": Rule(
        lambda value: value != [] and (_is_whole(value) or _is_list_of_ids(value)),
        "a token id or a list of them",
    ),
    "suppress_tokens": Rule(_is_list_of_ids, "a list of token ids"),
    "begin_suppress_tokens": Rule(_is_list_of_ids, "a list of token ids"),
    "bad_words_ids": Rule(_is_list_of_words, "a list of lists of token ids, none of them empty"),
    "sequence_bias": Rule(
        _is_sequence_bias,
        "a list of [[token ids], number], or a dict from tuples of token ids to numbers",
    ),
    "exponential_decay_length_penalty": Rule(
        _is_decay,
        "two numbers: after how many new tokens it starts, and the factor above 0",
    ),
    "encoder_repetition_penalty": Rule(
        lambda value: _is_number(value) and value > 0,
        "a number above 0",
    ),
    "encoder_no_repeat_ngram_size": whole_number(0),
    "top_h": fraction(from_zero=False),
    "epsilon_cutoff": Rule(_is_below_one, "a number from 0, below 1"),
    "eta_cutoff": Rule(_is_below_one, "a number from 0, below 1"),
    "guidance_scale": Rule(_is_number, "a number"),
    "prompt_lookup_num_tokens": whole_number(1),
    "max_matching_ngram_size": whole_number(1),
    "num_assistant_tokens": whole_number(1),
    "num_assistant_tokens_schedule": Rule(
        lambda value: value in ("constant", "heuristic", "heuristic_transient"),
        '"constant", "heuristic" or "heuristic_transient"',
    ),
    "assistant_confidence_threshold": fraction(),
    "remove_invalid_values": Rule(_is_bool, "True or False"),
    "renormalize_logits": Rule(_is_bool, "True or False"),
}
