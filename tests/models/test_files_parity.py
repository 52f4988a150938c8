"""Checkpoints written by transformers and read here, and the other way round."""

import json
import logging

import numpy
import pytest

from tests.tiny_encoders import our_encoder, their_encoder
from tests.tiny_llamas import VARIANTS, assert_close, inputs, our_llama, their_llama, their_output
from tinyhf import AutoModel, AutoModelForCausalLM, LlamaForCausalLM
from tinyhf.backend import as_dtype, bfloat16

pytestmark = pytest.mark.parity

NO_DIFFERENCE = {
    "missing_keys": set(),
    "unexpected_keys": set(),
    "mismatched_keys": set(),
    "error_msgs": [],
}
sharded_or_not = pytest.mark.parametrize("max_shard_size", ["1GB", "20KB"])


@pytest.fixture(autouse=True)
def transformers():
    """The module, told to be quiet, as we are."""
    transformers = pytest.importorskip("transformers")
    transformers.logging.set_verbosity_error()
    logging.getLogger("tinyhf").setLevel(logging.ERROR)
    yield transformers
    logging.getLogger("tinyhf").setLevel(logging.NOTSET)


def bits(tensor):
    """The numbers of a tensor as they are stored."""
    import torch

    return tensor.detach().contiguous().view(torch.uint8).numpy().tobytes()


def assert_alike(ours, theirs):
    assert list(ours.state_dict()) == list(theirs.state_dict())
    batch = inputs(2, 20)
    expected = their_output(theirs.float(), **batch)
    output = ours(**batch)
    assert_close(output.logits, expected.logits.numpy())
    assert_close(output.loss, expected.loss.numpy())


@sharded_or_not
@pytest.mark.parametrize("variant", VARIANTS)
def test_saved_by_us_read_by_transformers(transformers, tmp_path, variant, max_shard_size):
    ours = our_llama(variant)
    ours.save_pretrained(tmp_path, max_shard_size=max_shard_size)
    theirs, info = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, output_loading_info=True, attn_implementation="eager"
    )
    assert {name: set(info[name]) for name in info} == {name: set() for name in info}
    assert str(theirs.dtype) == "torch.float32"
    assert_alike(ours, theirs)


@sharded_or_not
@pytest.mark.parametrize("variant", VARIANTS)
def test_saved_by_transformers_read_by_us(tmp_path, variant, max_shard_size):
    theirs = their_llama(variant)
    theirs.save_pretrained(tmp_path, max_shard_size=max_shard_size)
    ours, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert info == NO_DIFFERENCE
    assert_alike(ours, theirs)


@pytest.mark.parametrize("variant", ["gqa", "tied"])
@pytest.mark.parametrize("max_shard_size", ["13KB", "20KB", "50KB"])
def test_shards_and_index_are_alike(tmp_path, variant, max_shard_size):
    """As long as no tensor is larger than a shard: then transformers leaves the order of names."""
    their_llama(variant).save_pretrained(tmp_path / "theirs", max_shard_size=max_shard_size)
    our_llama(variant).save_pretrained(tmp_path / "ours", max_shard_size=max_shard_size)
    files = [sorted(path.name for path in (tmp_path / who).iterdir()) for who in ("ours", "theirs")]
    assert files[0] == files[1]
    ours, theirs = (
        json.loads((tmp_path / who / "model.safetensors.index.json").read_text())
        for who in ("ours", "theirs")
    )
    assert ours == theirs


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_checkpoints_of_ours(transformers, tmp_path, dtype):
    ours = our_llama("gqa")
    for name, array in ours.state_dict().items():
        ours.set_parameter(name, array.astype(as_dtype(dtype)))
    ours.save_pretrained(tmp_path, max_shard_size="20KB")
    theirs = transformers.LlamaForCausalLM.from_pretrained(tmp_path, attn_implementation="eager")
    assert str(theirs.dtype) == f"torch.{dtype}"
    for name, tensor in theirs.state_dict().items():
        assert bits(tensor) == ours.get_parameter(name).tobytes()
    assert_alike(ours, theirs)


@pytest.mark.parametrize("stored", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("asked", ["float32", "bfloat16", "float16", "auto"])
def test_every_cast_is_torchs_bit_by_bit(transformers, tmp_path, stored, asked):
    """Widening is exact; narrowing rounds to nearest even, subnormals and overflow included."""
    import torch

    model = their_llama("biases")
    with torch.no_grad():  # numbers of every magnitude
        weight = model.model.layers[0].mlp.up_proj.weight
        weight *= 10.0 ** torch.randint(-12, 8, weight.shape)
    model.to(getattr(torch, stored)).save_pretrained(tmp_path)
    theirs = transformers.LlamaForCausalLM.from_pretrained(tmp_path, dtype=asked).state_dict()
    with numpy.errstate(over="ignore"):
        ours = LlamaForCausalLM.from_pretrained(tmp_path, dtype=asked).state_dict()
    for name, tensor in theirs.items():
        assert ours[name].tobytes() == bits(tensor)


def test_a_torch_dtype_may_be_given(tmp_path):
    import torch

    their_llama().save_pretrained(tmp_path)
    assert LlamaForCausalLM.from_pretrained(tmp_path, torch_dtype=torch.bfloat16).dtype == bfloat16


# ---- with and without head -----------------------------------------------------------------------


def test_a_base_model_out_of_a_checkpoint_with_head(transformers, tmp_path):
    theirs = their_llama()
    theirs.save_pretrained(tmp_path)
    ours = AutoModel.from_pretrained(tmp_path)
    expected = transformers.AutoModel.from_pretrained(tmp_path)
    assert list(ours.state_dict()) == list(expected.state_dict())
    assert repr(ours) == repr(expected)
    for name, tensor in expected.state_dict().items():
        numpy.testing.assert_array_equal(ours.get_parameter(name), tensor.numpy())


def test_a_head_on_top_of_a_base_checkpoint(transformers, tmp_path):
    their_llama().model.save_pretrained(tmp_path / "theirs")
    AutoModel.from_pretrained(tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    for who in ("ours", "theirs"):
        ours, info = AutoModelForCausalLM.from_pretrained(tmp_path / who, output_loading_info=True)
        theirs, expected = transformers.AutoModelForCausalLM.from_pretrained(
            tmp_path / who, output_loading_info=True
        )
        assert info["missing_keys"] == set(expected["missing_keys"]) == {"lm_head.weight"}
        assert info["unexpected_keys"] == set(expected["unexpected_keys"]) == set()
        for name, tensor in theirs.model.state_dict().items():
            numpy.testing.assert_array_equal(ours.model.get_parameter(name), tensor.numpy())


# ---- what differs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variant", "fields"),
    [
        ("gqa", {"num_hidden_layers": 1}),
        ("gqa", {"num_hidden_layers": 3}),
        ("gqa", {"vocab_size": 100}),
        ("tied", {"vocab_size": 100}),
        ("gqa", {"tie_word_embeddings": True}),
        ("tied", {"tie_word_embeddings": False}),
        ("gqa", {"attention_bias": True, "mlp_bias": True}),
        ("biases", {"attention_bias": False, "intermediate_size": 64}),
        ("gqa", {"num_key_value_heads": 1}),
    ],
)
@pytest.mark.parametrize("auto_class", ["AutoModelForCausalLM", "AutoModel"])
def test_loading_info(transformers, tmp_path, variant, fields, auto_class):
    their_llama(variant).save_pretrained(tmp_path)
    _, ours = globals()[auto_class].from_pretrained(
        tmp_path, output_loading_info=True, ignore_mismatched_sizes=True, **fields
    )
    _, theirs = getattr(transformers, auto_class).from_pretrained(
        tmp_path, output_loading_info=True, ignore_mismatched_sizes=True, **fields
    )
    assert list(ours) == list(theirs)
    for name in ("missing_keys", "unexpected_keys"):
        assert ours[name] == set(theirs[name])
    assert ours["mismatched_keys"] == {
        (name, tuple(there), tuple(here)) for name, there, here in theirs["mismatched_keys"]
    }


@pytest.mark.parametrize("head", ["BertModel", "BertForMaskedLM", "RobertaForTokenClassification"])
def test_an_encoder_has_no_settings_of_generate(tmp_path, head):
    for whose, encoder in {"ours": our_encoder, "theirs": their_encoder}.items():
        encoder(head).save_pretrained(tmp_path / whose)
    files = [sorted(path.name for path in (tmp_path / who).iterdir()) for who in ("ours", "theirs")]
    assert files[0] == files[1]
