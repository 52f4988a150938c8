"""Floor 6 · Stages 8 to 10 of ``generate``: what bends scores, what ends rows, what draws.

Mirrors ``_get_logits_processor`` and ``_get_stopping_criteria`` in transformers/generation/utils.py
"""

import numpy as np

from tinyhf.backend.random import TorchGenerator, default_generator
from tinyhf.errors import ArgumentError
from tinyhf.generation.logits_process import (
    LogitsProcessorList,
    MinLengthLogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    MinPLogitsWarper,
    NoRepeatNGramLogitsProcessor,
    PrefixConstrainedLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
    TypicalLogitsWarper,
)
from tinyhf.generation.stopping_criteria import (
    EosTokenCriteria,
    MaxLengthCriteria,
    MaxTimeCriteria,
    StoppingCriteriaList,
    StopStringCriteria,
)


def get_logits_processor(
    generation_config, input_ids, attention_mask, prefix_allowed_tokens_fn, custom
):
    """What bends the scores, in transformers' order: what the text forbids, then sampling."""
    processors = LogitsProcessorList()
    ends = generation_config.eos_token_id
    if generation_config.repetition_penalty not in (None, 1.0):
        padding = 0  # or the number of ids before each row's text, as often as stage 11 repeats it
        if attention_mask is not None and attention_mask.ndim == 2:
            padding = np.repeat(
                attention_mask.argmax(axis=1), generation_config.num_return_sequences
            )
        processors.append(
            RepetitionPenaltyLogitsProcessor(generation_config.repetition_penalty, padding)
        )
    if generation_config.no_repeat_ngram_size:
        processors.append(NoRepeatNGramLogitsProcessor(generation_config.no_repeat_ngram_size))
    if generation_config.min_new_tokens is not None and ends is not None:  # wins over min_length
        prompt_length = input_ids.shape[1]
        minimum = MinNewTokensLengthLogitsProcessor(
            prompt_length, generation_config.min_new_tokens, ends
        )
        processors.append(minimum)
    elif generation_config.min_length and ends is not None:
        processors.append(MinLengthLogitsProcessor(generation_config.min_length, ends))
    if prefix_allowed_tokens_fn is not None:
        processors.append(PrefixConstrainedLogitsProcessor(prefix_allowed_tokens_fn))
    processors = merge(processors, custom, "logits_processor")
    if generation_config.do_sample:
        processors.extend(get_logits_warpers(generation_config))
    return processors


def get_logits_warpers(generation_config):
    """What makes sampling bolder or more careful."""
    warpers = []
    if generation_config.temperature not in (None, 1.0):
        warpers.append(TemperatureLogitsWarper(generation_config.temperature))
    if generation_config.top_k:
        warpers.append(TopKLogitsWarper(generation_config.top_k))
    if generation_config.top_p not in (None, 1.0):
        warpers.append(TopPLogitsWarper(generation_config.top_p))
    if generation_config.min_p is not None:
        warpers.append(MinPLogitsWarper(generation_config.min_p))
    if generation_config.typical_p not in (None, 1.0):
        warpers.append(TypicalLogitsWarper(generation_config.typical_p))
    return warpers


def get_stopping_criteria(generation_config, custom, tokenizer):
    """What ends a row, in transformers' order."""
    criteria = StoppingCriteriaList([MaxLengthCriteria(generation_config.max_length)])
    if generation_config.max_time is not None:
        criteria.append(MaxTimeCriteria(generation_config.max_time))
    if generation_config.stop_strings is not None:
        if tokenizer is None:
            fix = "Call generate(tokenizer=...)."
            raise ArgumentError("needs the model's tokenizer", where="stop_strings", fix=fix)
        criteria.append(StopStringCriteria(tokenizer, generation_config.stop_strings))
    if generation_config.eos_token_id is not None:
        criteria.append(EosTokenCriteria(generation_config.eos_token_id))
    criteria = merge(criteria, custom, "stopping_criteria")
    has_end = any(isinstance(criterion, EosTokenCriteria) for criterion in criteria)
    if has_end and generation_config.pad_token_id is None:
        fix = "Rows that end before the others are filled up with it."
        raise ArgumentError("is missing", where="pad_token_id", wanted="a token id", fix=fix)
    return criteria


def merge(built, custom, name):
    """``built``, with the caller's ``custom`` in place of those of the same type, or behind."""
    custom = [] if custom is None else custom
    if not isinstance(custom, list | tuple):
        raise ArgumentError("must be a list", where=name, got=type(custom).__name__)
    merged = type(built)(next((c for c in custom if type(c) is type(b)), b) for b in built)
    merged.extend([c for c in custom if c not in merged])
    return merged


def choose_generator(seed, generator):
    """The stream to draw from: the one given, a new one, or the default stream going on."""
    if generator is None:
        return default_generator() if seed is None else TorchGenerator(seed)
    if seed is not None:
        raise ArgumentError("give one of them, not both", where="seed and generator")
    if not isinstance(generator, TorchGenerator):
        raise ArgumentError(
            "draws other numbers than torch",
            where="generator",
            wanted="a tinyhf.TorchGenerator",
            got=type(generator).__name__,
        )
    return generator
