"""Floor 6 · Stages 1 to 6 of ``generate``: settings, prompt, special tokens, padding, length.

Mirrors ``_prepare_…`` and ``_validate_…`` of transformers/generation/utils.py. The functions stand
in the order in which ``generate`` calls them.
"""

import difflib
import inspect

import numpy as np

from tinyhf.backend import to_host
from tinyhf.configuration.generation import FIELDS, GLOBAL_DEFAULTS, GenerationConfig
from tinyhf.errors import ArgumentError, note_once
from tinyhf.nn import DynamicCache, EncoderDecoderCache

DEFAULT_NEW_TOKENS = 20

#: Settings without effect on greedy decoding.
ONLY_FOR_SAMPLING = {
    *("temperature", "top_h", "top_k", "top_p", "min_p", "typical_p"),
    *("epsilon_cutoff", "eta_cutoff"),
}

#: What transformers has, what would change the answer, and what this version does not have.
SETTINGS_NOT_HERE = {
    *("num_beam_groups", "diversity_penalty", "constraints", "force_words_ids"),
    *("penalty_alpha", "dola_layers", "low_memory", "use_mtp", "token_healing"),
    *("assistant_early_exit", "assistant_ensemble_weight", "speculation_type", "is_assistant"),
    "watermarking_config",
}
#: What can be used in place of some of them.
INSTEAD = {
    "num_beam_groups": "There are beams without groups: num_beams=, drawn with do_sample=True.",
    "diversity_penalty": "Beams that differ more are drawn: num_beams= and do_sample=True.",
    "constraints": "prefix_allowed_tokens_fn= says what may come next.",
    "force_words_ids": "prefix_allowed_tokens_fn= says what may come next.",
    "penalty_alpha": "repetition_penalty= and no_repeat_ngram_size= avoid repetition too.",
}
ARGUMENTS_NOT_HERE = {
    *("assistant_tokenizer", "custom_generate", "decoder_input_ids"),
    *("inputs_embeds", "position_ids"),
}


def prepare_generation_config(model, generation_config, kwargs):
    """All settings in one config of our own, and the keywords that are no settings."""
    if not isinstance(generation_config, GenerationConfig | None):
        got = type(generation_config).__name__
        wanted = "a tinyhf.GenerationConfig"
        raise ArgumentError("wrong type", where="generation_config", wanted=wanted, got=got)
    own = model.generation_config.set_fields()
    given = generation_config.set_fields() if generation_config else {}
    settings = GenerationConfig(**{**own, **given})
    model_kwargs = settings.update(**kwargs)
    asked = {**given, **kwargs}
    if asked.get("max_new_tokens") is not None and asked.get("max_length") is None:
        settings.max_length = None  # what the caller says, not what the model's file says
    for name in sorted(SETTINGS_NOT_HERE & vars(settings).keys()):
        value = getattr(settings, name)
        if value not in (None, False, GLOBAL_DEFAULTS.get(name)):
            fix = INSTEAD.get(name)
            raise ArgumentError("is not available in this version", where=name, got=value, fix=fix)
    if kwargs.get("eos_token_id") is not None:
        check_end_tokens(kwargs["eos_token_id"], model.config.vocab_size)
    if not settings.do_sample and (unused := sorted(ONLY_FOR_SAMPLING & kwargs.keys())):
        note_once(f"Without do_sample=True there is no effect of {', '.join(unused)}.")
    vars(settings).update({**GLOBAL_DEFAULTS, **vars(settings)})
    return settings, model_kwargs


def check_end_tokens(eos_token_id, vocab_size):
    """Raise ArgumentError unless the model can say them all; files may hold such leftovers."""
    for token_id in np.atleast_1d(eos_token_id).tolist():
        if not 0 <= token_id < vocab_size:
            wanted, fix = f"0 to {vocab_size - 1}", "eos_token_id=None: there is no end token."
            problem, where = "is outside the vocabulary", "eos_token_id"
            raise ArgumentError(problem, where=where, wanted=wanted, got=token_id, fix=fix)


def choose_generation_mode(generation_config, assistant_model):
    """The name transformers has for what these settings ask for."""
    if assistant_model is not None or generation_config.prompt_lookup_num_tokens is not None:
        return "assisted_generation"
    if generation_config.num_beams > 1:
        return "beam_sample" if generation_config.do_sample else "beam_search"
    return "sample" if generation_config.do_sample else "greedy_search"


def validate_model_kwargs(model, model_kwargs, assistant_model=None):
    """The keywords that are not None; each must be an argument of the model's ``forward``.

    Also the ``assistant_model``, if there is one: it goes to the loop, not to ``forward``.
    """
    if not model.can_generate():
        fix = f"Load it with {model.auto_class}."
        raise ArgumentError(f"{type(model).__name__} has no language-model head", fix=fix)
    given = {**model_kwargs, "assistant_model": assistant_model}.items()
    model_kwargs = {name: value for name, value in given if value is not None}
    used = inspect.signature(model.prepare_inputs_for_generation).parameters.keys()
    for name in sorted((ARGUMENTS_NOT_HERE - used) & model_kwargs.keys()):
        raise ArgumentError("is not available in this version", where=f"generate({name}=)")
    known = {"assistant_model"} | inspect.signature(model.forward).parameters.keys()
    for name in sorted(model_kwargs.keys() - known):
        names = {*FIELDS, *known, *inspect.signature(model.generate).parameters}
        nearest = difflib.get_close_matches(name, names, n=1)
        fix = f"Did you mean {nearest[0]}=?" if nearest else None
        raise ArgumentError(f"generate() and the model know no argument {name!r}", fix=fix)
    cache = model_kwargs.get("past_key_values")
    if not isinstance(cache, DynamicCache | EncoderDecoderCache | None):
        wanted, got = "a DynamicCache or EncoderDecoderCache", type(cache).__name__
        raise ArgumentError("is no cache", where="past_key_values", wanted=wanted, got=got)
    return model_kwargs


def prepare_model_inputs(model, inputs, model_kwargs, generation_config):
    """The prompt on the host: int64 (batch, seq)."""
    input_ids = model_kwargs.pop("input_ids", None)
    if inputs is not None and input_ids is not None:
        raise ArgumentError("are the same thing: give one of them", where="inputs and input_ids")
    input_ids = inputs if input_ids is None else input_ids
    if input_ids is None:
        if generation_config.bos_token_id is None:
            raise ArgumentError("is missing, and there is no bos_token_id", where="input_ids")
        input_ids = [[generation_config.bos_token_id]]
    if hasattr(input_ids, "keys"):
        fix = "Unpack it: generate(**inputs)."
        raise ArgumentError("is not ids but all a tokenizer returns", where="inputs", fix=fix)
    return read_ids(input_ids, model.config.vocab_size)


def read_ids(input_ids, vocab_size, where="input_ids"):
    """Ids on the host: int64 (batch, seq)."""
    try:
        input_ids = np.asarray(to_host(input_ids))
    except ValueError as error:
        fix = "Let the tokenizer pad them: padding=True."
        raise ArgumentError("rows differ in length", where=where, fix=fix) from error
    check_input_ids(input_ids, vocab_size, where)
    return input_ids.astype(np.int64)


def check_input_ids(input_ids, vocab_size, where="input_ids"):
    """Raise ArgumentError unless these are ids of the vocabulary: (batch, seq), neither 0."""

    def wrong(problem, wanted, got, fix=None):
        return ArgumentError(problem, where=where, wanted=wanted, got=got, fix=fix)

    if input_ids.ndim != 2:
        raise wrong("has the wrong shape", "(batch, seq)", input_ids.shape)
    if input_ids.size == 0:
        raise wrong("the prompt is empty", "at least one token a row", input_ids.shape)
    if input_ids.dtype.kind not in "iu":
        raise wrong("ids must be whole numbers", "int64", input_ids.dtype.name)
    outside = input_ids[(input_ids < 0) | (input_ids >= vocab_size)]
    if outside.size:
        wanted, fix = f"0 to {vocab_size - 1}", "Is this the tokenizer that belongs to the model?"
        raise wrong("is outside the vocabulary", wanted, outside[0].item(), fix)


def prepare_special_tokens(generation_config):
    """Make ``eos_token_id`` a list, and ``pad_token_id`` the first of them if nobody set one."""
    if generation_config.eos_token_id is not None:
        generation_config.eos_token_id = np.atleast_1d(generation_config.eos_token_id).tolist()
        if generation_config.pad_token_id is None:
            generation_config.pad_token_id = generation_config.eos_token_id[0]


def prepare_attention_mask(input_ids, attention_mask, generation_config):
    """1 for tokens, 0 for padding: int64 (batch, seq); None where nothing is padding.

    Without a mask, padding is seen in the ids, unless it looks like the end token.
    """
    if attention_mask is None:
        padding_shows = generation_config.pad_token_id not in (
            None,
            *(generation_config.eos_token_id or []),
        )
        if not padding_shows and len(input_ids) > 1:
            note_once(
                "A batch without attention_mask, and no pad_token_id that differs from the end "
                "token: all ids count as text. Pass the attention_mask the tokenizer returns."
            )
        attention_mask = input_ids != (generation_config.pad_token_id if padding_shows else -1)
    attention_mask = read_mask(attention_mask, input_ids.shape, "attention_mask")
    if not attention_mask[:, -1].all():
        note_once(
            "A row ends with padding and will be continued after it: to generate, let the "
            'tokenizer pad in front (padding_side="left").'
        )
    return None if attention_mask.all() else attention_mask


def read_mask(mask, shape, where):
    """A mask on the host, int64, of the same shape as its ids.

    Raises:
        ArgumentError: it has another shape, or other numbers than 0 and 1.
    """
    try:
        mask = np.asarray(to_host(mask))
    except ValueError as error:
        raise ArgumentError("rows differ in length", where=where, wanted=shape) from error
    if mask.shape != shape or not np.isin(mask, (0, 1)).all():
        raise wrong_mask(mask, shape, where)
    return mask.astype(np.int64)


def wrong_mask(mask, shape, where):
    """The error that says what is wrong with it."""
    if mask.shape != shape:
        problem = "has another shape than the ids"
        return ArgumentError(problem, where=where, wanted=shape, got=mask.shape)
    wanted, got = "1 for tokens and 0 for padding", mask[~np.isin(mask, (0, 1))][0].item()
    return ArgumentError("has other values", where=where, wanted=wanted, got=got)


def prepare_generated_length(generation_config, prompt_length, max_position_embeddings):
    """Make ``max_length`` the number of tokens, prompt included, at which every row ends."""
    if generation_config.max_new_tokens is not None:
        if generation_config.max_length is not None:
            note_once("max_new_tokens and max_length are both set: max_new_tokens counts.")
        generation_config.max_length = prompt_length + generation_config.max_new_tokens
    elif generation_config.max_length is None:
        generation_config.max_length = prompt_length + DEFAULT_NEW_TOKENS
        if max_position_embeddings is not None:
            generation_config.max_length = min(
                generation_config.max_length, max_position_embeddings
            )
    if prompt_length >= generation_config.max_length:
        raise ArgumentError(
            f"the prompt has {prompt_length} tokens already",
            where="max_length",
            wanted=f"more than {prompt_length}",
            got=generation_config.max_length,
            fix="max_new_tokens= counts only what follows the prompt.",
        )
    if (
        max_position_embeddings is not None
        and generation_config.max_length > max_position_embeddings
    ):
        note_once(
            f"The text may grow to {generation_config.max_length} tokens, the model was made for "
            f"{max_position_embeddings} (max_position_embeddings)."
        )
