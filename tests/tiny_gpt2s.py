"""Tiny GPT-2s and GPTBigCodes: made by us, by transformers, or stored under ``tests/golden``."""

import math

import numpy

from tests.tiny_llamas import GOLDEN, inputs
from tinyhf import (
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPTBigCodeConfig,
    GPTBigCodeForCausalLM,
)

SIZES = {
    "vocab_size": 60,
    "n_positions": 48,
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 4,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": 0,
}

GPT2S = {
    "gpt2": {},
    "gpt2_cross": {
        "add_cross_attention": True,
        "scale_attn_by_inverse_layer_idx": True,
        "n_inner": 24,
        "activation_function": "gelu",
    },
    "gpt2_cross_plain": {"add_cross_attention": True, "n_head": 2, "n_layer": 3},
    "gpt2_unscaled": {"scale_attn_weights": False, "layer_norm_epsilon": 0.1},
    "gpt2_upcast": {"reorder_and_upcast_attn": True, "activation_function": "relu"},
    "gpt2_untied": {"tie_word_embeddings": False, "n_head": 1},
}
GPT_BIGCODES = {
    "bigcode": {},
    "bigcode_multi_head": {"multi_query": False, "scale_attn_weights": False},
    "bigcode_small": {"n_inner": 20, "n_layer": 3, "activation_function": "gelu_new"},
    "bigcode_untied": {"tie_word_embeddings": False, "n_head": 1},
}
VARIANTS = {**GPT2S, **GPT_BIGCODES}
STORED = ("gpt2", "gpt2_cross", "bigcode", "bigcode_multi_head")


def is_gpt2(variant):
    return variant in GPT2S


def fields_of(variant, **fields):
    """The config fields of a variant, as keywords for our config or transformers'."""
    return {**SIZES, **VARIANTS[variant], **fields}


def random_values(name, shape, rng):
    """Weights that show mistakes: no bias is zero, no norm weight is one."""
    if "ln_" in name:
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    tables = {"transformer.wte.weight": 1.0, "transformer.wpe.weight": 0.4}
    narrow = math.prod(shape) ** -0.25  # about as large going out as coming in
    scale = tables.get(name, narrow if len(shape) == 2 else 0.2)
    return rng.normal(0.0, scale, shape).astype("float32")


def our_model(variant, seed=0, **fields):
    """One of our models with random weights."""
    config_class = GPT2Config if is_gpt2(variant) else GPTBigCodeConfig
    model_class = GPT2LMHeadModel if is_gpt2(variant) else GPTBigCodeForCausalLM
    rng = numpy.random.default_rng(seed)
    model = model_class(config_class(**fields_of(variant, **fields)))
    for name, parameter in model.state_dict().items():
        if name not in model.tied_weights_keys or not model.config.tie_word_embeddings:
            model.set_parameter(name, random_values(name, parameter.shape, rng))
    model.tie_weights()
    return model


def their_model(variant, seed=0, **fields):
    """One of transformers' models with the same weights: float32, attention written out."""
    import torch
    import transformers

    names = ("GPT2Config", "GPT2LMHeadModel")
    names = names if is_gpt2(variant) else ("GPTBigCodeConfig", "GPTBigCodeForCausalLM")
    config_class, model_class = (getattr(transformers, name) for name in names)
    fields = fields_of(variant, **fields)
    model = model_class(config_class(**fields, attn_implementation="eager", dtype="float32"))
    rng = numpy.random.default_rng(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(random_values(name, parameter.shape, rng)))
    return model.eval()


def inputs_of(variant, rows, seq, seed=1):
    """Left-padded ids, mask, labels and token types; for cross-attention an encoder's output."""
    arrays, rng = inputs(rows, seq, SIZES["vocab_size"], seed), numpy.random.default_rng(seed)
    arrays["token_type_ids"] = rng.integers(1, SIZES["vocab_size"], (rows, seq))
    if VARIANTS[variant].get("add_cross_attention"):
        source = 7
        states = rng.normal(0, 1, (rows, source, SIZES["n_embd"])).astype("float32")
        lengths = numpy.linspace(source, 3, rows).astype(int)
        arrays["encoder_hidden_states"] = states
        mask = (numpy.arange(source) < lengths[:, None]).astype("int64")
        arrays["encoder_attention_mask"] = mask
    return arrays


def golden(name):
    """(model, what transformers computed) of one stored case."""
    model = AutoModelForCausalLM.from_pretrained(GOLDEN / name)
    with numpy.load(GOLDEN / name / "expected.npz") as expected:
        return model, dict(expected)
