"""Tiny ChatGLMs: stored under ``tests/golden``, or where the project's workshop has more."""

import functools
import json
import lzma
import tempfile
from pathlib import Path

import numpy
import pytest

from tinyhf import ChatGLMConfig, ChatGLMForConditionalGeneration, ChatGLMTokenizer

GOLDEN = Path(__file__).parent / "golden" / "chatglm"
REFERENCE = Path(__file__).resolve().parents[2] / "shared" / "reference" / "chatglm6b"
TOKENIZER_CASES = ("texts", "batch", "batch_texts")

#: Largest differences from the reference, of numbers up to 11 and up to 66. Measured: 1.4e-5, 9e-5.
LOGITS_TOLERANCE = 1e-4
LAYER_TOLERANCE = {"rtol": 1e-4, "atol": 5e-4}

needs_reference = pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="needs ../shared/reference of the project's workshop"
)


def tokenizer_folder(folder):
    """The small tokenizer, unpacked into ``folder``."""
    pieces = lzma.decompress((GOLDEN / "ice_text.model.xz").read_bytes())
    (folder / "ice_text.model").write_bytes(pieces)
    config = (GOLDEN / "tokenizer_config.json").read_text(encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(config, encoding="utf-8")
    return folder


@functools.cache
def our_tokenizer():
    """The small tokenizer."""
    with tempfile.TemporaryDirectory() as folder:
        return ChatGLMTokenizer.from_pretrained(tokenizer_folder(Path(folder)))


def our_chat_model():
    """A random model whose special ids are those of the small tokenizer."""
    names = ("bos_token_id", "eos_token_id", "mask_token_id", "gmask_token_id", "pad_token_id")
    ids = {name: getattr(our_tokenizer(), name) for name in names}
    return our_chatglm(vocab_size=len(our_tokenizer()), **ids)


SIZES = {
    "vocab_size": 60,
    "hidden_size": 32,
    "inner_hidden_size": 48,
    "num_layers": 3,
    "num_attention_heads": 4,
    "max_sequence_length": 64,
    "use_cache": True,
    "mask_token_id": 50,
    "gmask_token_id": 51,
    "bos_token_id": 52,
    "eos_token_id": 53,
    "pad_token_id": 3,
}


def our_chatglm(**fields):
    """A ChatGLM whose weights show mistakes: no bias is zero, no norm weight is one."""
    model = ChatGLMForConditionalGeneration(ChatGLMConfig(**{**SIZES, **fields}))
    rng = numpy.random.default_rng(5)
    for name, place in model.state_dict().items():
        wide = rng.normal(0.0, 0.3, place.shape)
        if name.endswith("layernorm.weight"):
            wide = wide / 3 + 1
        model.set_parameter(name, wide.astype(numpy.float32))
    model.tie_weights()
    return model


def prompt(length=6, seed=1):
    """Ids of a text that ends in [gMASK] <sop>: (1, length + 2)."""
    text = numpy.random.default_rng(seed).integers(4, 50, length)
    ends = SIZES["gmask_token_id"], SIZES["bos_token_id"]
    return numpy.array([[*text, *ends]])


@functools.cache
def reference_model(name, **fields):
    """A model of the workshop's reference folder, in float32 unless ``fields`` say otherwise."""
    return ChatGLMForConditionalGeneration.from_pretrained(REFERENCE / name, **fields)


def reference_case(name, folder="cases"):
    return dict(numpy.load(REFERENCE / folder / f"{name}.npz"))


def reference_json(name):
    return json.loads((REFERENCE / name).read_text(encoding="utf-8"))
