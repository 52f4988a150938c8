"""Tiny T5s, BARTs and Marians of every kind: made by us, or by transformers, with equal weights."""

from pathlib import Path

import numpy

import tinyhf
from tinyhf.backend.random import TorchGenerator

T5_SIZES = {
    "vocab_size": 40,
    "d_model": 16,
    "d_kv": 6,  # heads × d_kv is not d_model
    "d_ff": 20,
    "num_layers": 2,
    "num_decoder_layers": 3,
    "num_heads": 2,
    "relative_attention_num_buckets": 8,
    "relative_attention_max_distance": 10,  # shorter than the tests' texts
    "decoder_start_token_id": 3,
    "pad_token_id": 0,
}
BART_SIZES = {
    "vocab_size": 40,
    "d_model": 16,
    "encoder_layers": 3,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 20,
    "decoder_ffn_dim": 24,
    "max_position_embeddings": 24,
    "pad_token_id": 1,
    "decoder_start_token_id": 2,
}
MARIAN_SIZES = {**BART_SIZES, "pad_token_id": 39, "decoder_start_token_id": 39}

#: Family and kind → config class, config fields, class without head, class with head.
VARIANTS = {
    "t5": ("T5", T5_SIZES),
    "t5 gated": (
        "T5",
        {**T5_SIZES, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    ),
    "bart": ("Bart", BART_SIZES),
    "bart scaled": (
        "Bart",
        {**BART_SIZES, "scale_embedding": True, "activation_function": "relu"},
    ),
    "bart untied": ("Bart", {**BART_SIZES, "tie_word_embeddings": False}),
    "marian": (
        "Marian",
        {**MARIAN_SIZES, "scale_embedding": True, "activation_function": "swish"},
    ),
    "marian apart": (
        "Marian",
        {
            **MARIAN_SIZES,
            "share_encoder_decoder_embeddings": False,
            "decoder_vocab_size": 45,
        },
    ),
}
HEADS = {
    "T5": "T5ForConditionalGeneration",
    "Bart": "BartForConditionalGeneration",
    "Marian": "MarianMTModel",
}


def make(package, variant, kind="head", **fields):
    """A model of ``package`` (tinyhf or transformers): kind "head", "base" or "encoder"."""
    family, sizes = VARIANTS[variant]
    config = getattr(package, f"{family}Config")(**{**sizes, **fields})
    names = {"head": HEADS[family], "base": f"{family}Model", "encoder": "T5EncoderModel"}
    return getattr(package, names[kind])(config)


def random_values(name, shape, rng):
    """Weights that show mistakes: no bias is zero, no norm weight is one."""
    if "norm" in name and name.endswith("weight"):
        return rng.uniform(0.5, 1.5, shape).astype("float32")
    scale = 0.7 if "embed" in name or "shared" in name or "relative" in name else 0.3
    return rng.normal(0.0, scale, shape).astype("float32")


def our_model(variant, kind="head", seed=0, **fields):
    """One of our models with random weights."""
    rng = numpy.random.default_rng(seed)
    model = make(tinyhf, variant, kind, **fields)
    for name, parameter in model.state_dict().items():
        values = random_values(name, parameter.shape, rng)
        if "Marian" in VARIANTS[variant] and "embed_positions" in name:
            values = model.initial_values(name, TorchGenerator(0))  # the waves: they are not saved
        model.set_parameter(name, values)
    model.tie_weights()
    return model


def their_model(variant, kind="head", seed=0, **fields):
    """One of transformers' models with the same random weights as ``our_model``."""
    import torch
    import transformers

    theirs = make(transformers, variant, kind, **fields, attn_implementation="eager").eval()
    weights = our_model(variant, kind, seed, **fields).state_dict()
    theirs.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    return theirs


def inputs(variant, rows=3, source=17, seq=15, seed=1):
    """Right-padded source ids and their mask, decoder ids and theirs."""
    rng = numpy.random.default_rng(seed)
    pad = VARIANTS[variant][1]["pad_token_id"]
    arrays = {}
    for prefix, length in (("", source), ("decoder_", seq)):
        lengths = numpy.linspace(length, length // 2, rows).astype(int)
        mask = (numpy.arange(length) < lengths[:, None]).astype("int64")
        ids = numpy.where(mask, rng.integers(4, 39, (rows, length)), pad)
        arrays |= {f"{prefix}input_ids": ids, f"{prefix}attention_mask": mask}
    return arrays


def labels(variant, **sizes):
    """What to write; padding and some tokens do not count."""
    arrays = inputs(variant, **sizes, seed=2)
    ids, mask = arrays["decoder_input_ids"], arrays["decoder_attention_mask"]
    counted = mask.astype(bool) & (numpy.random.default_rng(3).random(ids.shape) > 0.2)
    return numpy.where(counted, ids, -100)


# ---- stored numbers ------------------------------------------------------------------------------

GOLDEN = Path(__file__).parent / "golden" / "encoder_decoders"
STORED = ("t5", "t5 gated", "bart scaled", "marian", "marian apart")


def arrays_of(output):
    """The arrays of an output by name: those of a tuple as "decoder_hidden_states.0" …"""
    arrays = {}
    for name, value in output.items():
        if name != "past_key_values":
            several = value if isinstance(value, tuple) else ()
            parts = {f"{name}.{number}": part for number, part in enumerate(several)}
            arrays |= parts or {name: value}
    return {name: numpy.asarray(array) for name, array in arrays.items()}


def golden(variant):
    """(model, its inputs, what transformers computed) of a stored case."""
    folder = GOLDEN / variant.replace(" ", "_")
    model = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(folder)
    with numpy.load(folder / "expected.npz") as stored:
        arrays = dict(stored)
    given = {key.removeprefix("input."): arrays.pop(key) for key in list(arrays) if "input." in key}
    return model, given, arrays
