"""Floor 6 · Stages 8 to 10 of ``generate``: what bends scores, what ends rows, what draws.

Mirrors ``_get_logits_processor`` and ``_get_stopping_criteria`` in transformers/generation/utils.py
"""

import numpy as np

from tinyhf.backend.random import TorchGenerator, default_generator
from tinyhf.errors import ArgumentError, note_once
from tinyhf.generation.logits_length import (
    ExponentialDecayLengthPenalty,
    ForcedBOSTokenLogitsProcessor,
    ForcedEOSTokenLogitsProcessor,
    MinLengthLogitsProcessor,
    MinNewTokensLengthLogitsProcessor,
    SuppressTokensAtBeginLogitsProcessor,
)
from tinyhf.generation.logits_process import (
    EncoderNoRepeatNGramLogitsProcessor,
    EncoderRepetitionPenaltyLogitsProcessor,
    InfNanRemoveLogitsProcessor,
    LogitNormalization,
    LogitsProcessorList,
    NoBadWordsLogitsProcessor,
    NoRepeatNGramLogitsProcessor,
    PrefixConstrainedLogitsProcessor,
    RepetitionPenaltyLogitsProcessor,
    SequenceBiasLogitsProcessor,
    SuppressTokensLogitsProcessor,
)
from tinyhf.generation.logits_warpers import (
    EpsilonLogitsWarper,
    EtaLogitsWarper,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopHLogitsWarper,
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

#: What a group of settings says when it has no effect: most calls can skip the whole group.
REPETITION = {
    "sequence_bias": None,
    "encoder_repetition_penalty": 1.0,
    "repetition_penalty": 1.0,
    "no_repeat_ngram_size": 0,
    "encoder_no_repeat_ngram_size": 0,
    "bad_words_ids": None,
}
FORCING = {
    "forced_bos_token_id": None,
    "forced_eos_token_id": None,
    "remove_invalid_values": False,
    "exponential_decay_length_penalty": None,
    "suppress_tokens": None,
    "begin_suppress_tokens": None,
}


def differs(config, settings):
    """Whether ``config`` says anything else than these ``settings``."""
    return [*map(vars(config).get, settings)] != [*settings.values()]


def get_logits_processor(
    generation_config,
    input_ids,
    attention_mask,
    prefix_allowed_tokens_fn,
    custom,
    encoder_input_ids=None,
):
    """What bends the scores, in transformers' order: penalties, bans, the caller's own, sampling.

    Args:
        encoder_input_ids: what the encoder reads (batch, seq); None, without encoder: input_ids.
    """
    processors = LogitsProcessorList()
    if differs(generation_config, REPETITION):
        read = input_ids if encoder_input_ids is None else encoder_input_ids
        processors += get_repetition_processors(generation_config, attention_mask, read)
    if generation_config.eos_token_id is not None:
        processors += get_minimum_processors(generation_config, input_ids.shape[1])
    if prefix_allowed_tokens_fn is not None:
        num_beams = generation_config.num_beams
        check_callable(prefix_allowed_tokens_fn, "prefix_allowed_tokens_fn")
        processors.append(PrefixConstrainedLogitsProcessor(prefix_allowed_tokens_fn, num_beams))
    if differs(generation_config, FORCING):
        processors += get_forcing_processors(generation_config, input_ids.shape[1])
    processors = merge(processors, custom, "logits_processor")
    if generation_config.do_sample:
        processors += get_logits_warpers(generation_config)
    if generation_config.renormalize_logits:
        processors.append(LogitNormalization())
    return processors


def get_repetition_processors(config, attention_mask, encoder_input_ids):
    """What must not be said, or not again."""
    processors = []
    if config.sequence_bias is not None:
        processors.append(SequenceBiasLogitsProcessor(config.sequence_bias))
    if (penalty := config.encoder_repetition_penalty) not in (None, 1.0):
        processors.append(EncoderRepetitionPenaltyLogitsProcessor(penalty, encoder_input_ids))
    if config.repetition_penalty not in (None, 1.0):
        padding = 0  # or the number of ids before each row's text, as often as stage 11 repeats it
        if attention_mask is not None and attention_mask.ndim == 2:
            expand_size = max(config.num_beams, config.num_return_sequences)
            padding = attention_mask.argmax(axis=1).repeat(expand_size)
        processors.append(RepetitionPenaltyLogitsProcessor(config.repetition_penalty, padding))
    if config.no_repeat_ngram_size:
        processors.append(NoRepeatNGramLogitsProcessor(config.no_repeat_ngram_size))
    if size := config.encoder_no_repeat_ngram_size:
        processors.append(EncoderNoRepeatNGramLogitsProcessor(size, encoder_input_ids))
    if config.bad_words_ids is not None:
        processors.append(NoBadWordsLogitsProcessor(config.bad_words_ids, config.eos_token_id))
    return processors


def get_minimum_processors(config, prompt_length):
    """What holds back the end; min_new_tokens wins over min_length."""
    minimum, ends = config.min_new_tokens, config.eos_token_id
    if minimum is not None:
        note_minimum("min_new_tokens", minimum, config.max_length - prompt_length)
        return [MinNewTokensLengthLogitsProcessor(prompt_length, minimum, ends)]
    if not config.min_length:
        return []
    note_minimum("min_length", config.min_length, config.max_length)
    return [MinLengthLogitsProcessor(config.min_length, ends)]


def note_minimum(name, minimum, maximum):
    """Say so where the text ends before it may."""
    if minimum > maximum:
        note_once(f"{name}={minimum} has no room: at most {maximum} tokens fit.")


def get_forcing_processors(config, prompt_length):
    """What must be said first or last, and what never."""
    processors = []
    if config.forced_bos_token_id is not None:
        processors.append(ForcedBOSTokenLogitsProcessor(config.forced_bos_token_id))
    if (forced := config.forced_eos_token_id) is not None:
        processors.append(ForcedEOSTokenLogitsProcessor(config.max_length, forced))
    if config.remove_invalid_values:
        processors.append(InfNanRemoveLogitsProcessor())
    if (decay := config.exponential_decay_length_penalty) is not None:
        if config.eos_token_id is None:
            fix = "exponential_decay_length_penalty= makes the end more probable, and none is set."
            raise ArgumentError("is missing", where="eos_token_id", wanted="a token id", fix=fix)
        processors.append(ExponentialDecayLengthPenalty(decay, config.eos_token_id, prompt_length))
    if config.suppress_tokens is not None:
        processors.append(SuppressTokensLogitsProcessor(config.suppress_tokens))
    if (suppressed := config.begin_suppress_tokens) is not None:
        begins_forced = prompt_length == 1 and config.forced_bos_token_id is not None
        begin = prompt_length + begins_forced
        processors.append(SuppressTokensAtBeginLogitsProcessor(suppressed, begin))
    return processors


def get_logits_warpers(generation_config):
    """What makes sampling bolder or more careful; a beam can always go on without an end token."""
    ends = generation_config.eos_token_id or [None]
    keep = 1 if generation_config.num_beams == 1 else len(ends) + 1  # the fewest tokens to keep
    warpers = []
    if generation_config.temperature not in (None, 1.0):
        warpers.append(TemperatureLogitsWarper(generation_config.temperature))
    if generation_config.top_h is not None:
        warpers.append(TopHLogitsWarper(generation_config.top_h))
    if generation_config.top_k:
        warpers.append(TopKLogitsWarper(generation_config.top_k, keep))
    if generation_config.top_p not in (None, 1.0):
        warpers.append(TopPLogitsWarper(generation_config.top_p, keep))
    if generation_config.min_p is not None:
        warpers.append(MinPLogitsWarper(generation_config.min_p, keep))
    if generation_config.typical_p not in (None, 1.0):
        warpers.append(TypicalLogitsWarper(generation_config.typical_p, keep))
    if generation_config.epsilon_cutoff:
        warpers.append(EpsilonLogitsWarper(generation_config.epsilon_cutoff, keep))
    if generation_config.eta_cutoff:
        warpers.append(EtaLogitsWarper(generation_config.eta_cutoff, keep))
    return warpers


def get_stopping_criteria(generation_config, custom, tokenizer):
    """What ends a row, in transformers' order."""
    criteria = StoppingCriteriaList([MaxLengthCriteria(generation_config.max_length)])
    if generation_config.max_time is not None:
        criteria.append(MaxTimeCriteria(generation_config.max_time))
    if generation_config.stop_strings is not None:
        if not callable(tokenizer):
            fix = "Call generate(tokenizer=...)."
            problem, where = "needs the model's tokenizer", "stop_strings"
            raise ArgumentError(problem, where=where, got=tokenizer, fix=fix)
        criteria.append(StopStringCriteria(tokenizer, generation_config.stop_strings))
    if generation_config.eos_token_id is not None:
        criteria.append(EosTokenCriteria(generation_config.eos_token_id))
    criteria = merge(criteria, custom, "stopping_criteria")
    has_end = any(isinstance(criterion, EosTokenCriteria) for criterion in criteria)
    if has_end and generation_config.pad_token_id is None:
        fix = "Rows that end before the others are filled up with it."
        raise ArgumentError("is missing", where="pad_token_id", wanted="a token id", fix=fix)
    return criteria


def check_callable(function, name):
    """Raise ArgumentError unless it can be called."""
    if not callable(function):
        raise ArgumentError("must be a function", where=name, got=function)


def merge(built, custom, name):
    """``built``, with the caller's ``custom`` in place of those of the same type, or behind."""
    if custom is None:
        return built
    if not isinstance(custom, list | tuple):
        raise ArgumentError("must be a list", where=name, got=type(custom).__name__)
    for function in custom:
        check_callable(function, name)
    merged = type(built)(next((c for c in custom if type(c) is type(b)), b) for b in built)
    merged.extend([c for c in custom if c not in merged])
    return merged


def choose_generator(seed, generator):
    """The stream to draw from: the one given, a new one, or the default stream going on."""
    if generator is None:
        return default_generator() if seed is None else TorchGenerator(seed)
    if seed is not None:
        raise ArgumentError("give one of them, not both", where="seed and generator")
    if isinstance(generator, TorchGenerator):
        return generator
    if isinstance(generator, np.random.Generator | np.random.RandomState):
        raise ArgumentError(
            "draws other numbers than torch",
            where="generator",
            wanted="a tinyhf.TorchGenerator",
            got=type(generator).__name__,
            fix="Pass seed=, or TorchGenerator(seed), which is made of NumPy only too.",
        )
    if hasattr(generator, "get_state"):  # torch.Generator: our draws would not move it on
        raise ArgumentError(
            "is torch's own",
            where="generator",
            wanted="a tinyhf.TorchGenerator or a state",
            got=type(generator).__name__,
            fix="Pass its generator.get_state().",
        )
    return TorchGenerator(0).set_state(generator)
