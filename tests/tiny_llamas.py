"""Tiny Llamas of every kind: made by us, made by transformers, or stored under ``tests/golden``."""

import json
from pathlib import Path

import numpy

from tinyhf import LlamaConfig, LlamaForCausalLM

GOLDEN = Path(__file__).parent / "golden"

#: Largest difference from transformers, as a share of the tensor's largest number. Measured:
#: 7e-7 over the golden files, 2e-6 over `-m parity`; the rest is room for other BLAS builds.
TOLERANCE = 1e-4
#: The same between two of our own ways to the same numbers. Measured: 5e-7.
OWN_TOLERANCE = 1e-5

SIZES = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 16,  # shorter than the tests' texts, so that "dynamic" acts
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": 0,
}

#: Kinds of weights.
SHAPES = {
    "mha": {"num_key_value_heads": 4},
    "gqa": {},
    "tied": {"tie_word_embeddings": True, "num_key_value_heads": 1},
    "biases": {"attention_bias": True, "mlp_bias": True},
    "head_dim": {"head_dim": 12},
}

#: Kinds of rotary positions; they use the weights of "gqa".
ROPES = {
    "linear": {"rope_type": "linear", "factor": 4.0},
    "dynamic": {"rope_type": "dynamic", "factor": 2.0},
    "llama3": {
        "rope_type": "llama3",
        "factor": 8.0,
        "low_freq_factor": 1.0,
        "high_freq_factor": 4.0,
        "original_max_position_embeddings": 32,  # one plane of 4 is fast, one blended, two slow
    },
    "yarn": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64},
}
LONGER = {"llama3": {"max_position_embeddings": 256}, "yarn": {"max_position_embeddings": 256}}

VARIANTS = {
    **SHAPES,
    **{
        name: {"rope_parameters": {"rope_theta": 500.0, **rope}, **LONGER.get(name, {})}
        for name, rope in ROPES.items()
    },
}


def relative_error(ours, theirs):
    """The largest difference, as a share of the largest number."""
    ours, theirs = numpy.asarray(ours), numpy.asarray(theirs)
    assert ours.shape == theirs.shape
    return float(abs(ours - theirs).max() / abs(theirs).max())


def assert_close(ours, theirs, tolerance=TOLERANCE):
    assert relative_error(ours, theirs) <= tolerance


def fields_of(variant="gqa", **fields):
    """The config fields of a variant, as keywords for our LlamaConfig or transformers'."""
    return {**SIZES, **VARIANTS[variant], **fields}


def random_values(name, shape, rng):
    """Weights that show mistakes: no bias is zero, no norm weight is one."""
    if "norm" in name:
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    scale = 1.0 if "embed" in name else shape[-1] ** -0.5  # as large going out as coming in
    return rng.normal(0.0, scale, shape).astype("float32")


def our_llama(variant="gqa", seed=0, model_class=LlamaForCausalLM, **fields):
    """One of our models with random weights."""
    rng = numpy.random.default_rng(seed)
    model = model_class(LlamaConfig(**fields_of(variant, **fields)))
    for name, parameter in model.state_dict().items():
        model.set_parameter(name, random_values(name, parameter.shape, rng))
    model.tie_weights()
    return model


def their_llama(variant="gqa", seed=0, **fields):
    """One of transformers' models with random weights: float32, attention written out."""
    import torch
    import transformers

    rng = numpy.random.default_rng(seed)
    config = transformers.LlamaConfig(
        **fields_of(variant, **fields), attn_implementation="eager", dtype="float32"
    )
    model = transformers.LlamaForCausalLM(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            values = random_values(name, parameter.shape, rng)
            parameter.copy_(torch.from_numpy(values))
    return model


def as_tensors(arrays):
    """NumPy arrays by name as torch tensors; anything else as it is."""
    import torch

    return {
        name: torch.from_numpy(value) if isinstance(value, numpy.ndarray) else value
        for name, value in arrays.items()
    }


def their_output(model, **arrays):
    """What a model of transformers gives for NumPy arrays."""
    import torch

    with torch.no_grad():
        return model(**as_tensors(arrays))


def inputs(rows, seq, vocab_size=SIZES["vocab_size"], seed=1):
    """Left-padded ids, their mask, and labels in which padding and some tokens do not count."""
    rng = numpy.random.default_rng(seed)
    input_ids = rng.integers(1, vocab_size, (rows, seq))
    lengths = numpy.linspace(seq, seq // 2, rows).astype(int)
    attention_mask = (numpy.arange(seq) >= seq - lengths[:, None]).astype("int64")
    input_ids = input_ids * attention_mask
    labels = numpy.where(attention_mask & (rng.random((rows, seq)) > 0.2), input_ids, -100)
    return {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels}


def positions(attention_mask):
    """Positions of left-padded rows as ``generate`` makes them: padding does not count."""
    return (attention_mask.cumsum(-1) - 1) * attention_mask


def golden(name):
    """(model, what transformers computed) of one stored case."""
    weights = GOLDEN / (name if name in SHAPES else "gqa")
    config = LlamaConfig.from_dict(json.loads((GOLDEN / name / "config.json").read_text()))
    model = LlamaForCausalLM.from_pretrained(weights, config=config)
    with numpy.load(GOLDEN / name / "expected.npz") as expected:
        return model, dict(expected)
