"""The KV cache grows without copying itself each time; outputs are named arrays."""

import numpy
import pytest

from tinyhf.nn import BaseModelOutputWithPast, CausalLMOutputWithPast, DynamicCache
from tinyhf.nn.cache import FIRST_CAPACITY


def states(tokens, start=0):
    """(1, 2, tokens, 3), every token with a number of its own."""
    return numpy.arange(start, start + tokens, dtype="float32")[None, None, :, None] * numpy.ones(
        (1, 2, 1, 3), "float32"
    )


@pytest.mark.parametrize("steps", [[1], [5, 1, 1], [FIRST_CAPACITY, 1], [3, 200, 1, 500]])
def test_cache_appends(steps):
    cache, seen = DynamicCache(), 0
    for tokens in steps:
        new = states(tokens, seen)
        keys, values = cache.update(new, -new, layer_idx=0)
        seen += tokens
        numpy.testing.assert_array_equal(keys, states(seen))
        numpy.testing.assert_array_equal(values, -states(seen))
        assert cache.get_seq_length() == seen
    assert keys.dtype == numpy.float32


def test_cache_does_not_copy_itself_for_each_token():
    cache, moves, last = DynamicCache(), 0, None
    for token in range(1000):
        keys, _ = cache.update(states(1, token), states(1, token), 0)
        moves += last is not None and keys.base is not last
        last = keys.base
    assert moves <= 5  # room is doubled: 64, 128, 256, 512, 1024


def test_cache_of_several_layers_reads_as_the_old_tuples():
    cache = DynamicCache()
    assert (len(cache), cache.get_seq_length()) == (0, 0)
    for layer in range(3):
        cache.update(states(2), states(2) + layer, layer)
    assert len(cache) == 3
    numpy.testing.assert_array_equal(cache[2][1], states(2) + 2)
    assert [values[0, 0, 0, 0] for _, values in cache] == [0, 1, 2]
    assert repr(cache) == "DynamicCache(3 layers, 2 tokens)"
    assert cache.get_seq_length(7) == 0


def test_cache_does_not_change_what_was_given_out_before():
    cache = DynamicCache()
    first, _ = cache.update(states(2), states(2), 0)
    before = first.copy()
    cache.update(states(3, 2), states(3, 2), 0)
    numpy.testing.assert_array_equal(first, before)


@pytest.fixture
def output():
    return CausalLMOutputWithPast(logits=numpy.ones((1, 2, 3), "float32"), attentions=("a", "b"))


def test_output_by_attribute_key_and_position(output):
    assert output.logits is output["logits"] is output[0]
    assert output[1] is output.attentions
    assert output[:1] == (output.logits,)
    assert output.loss is None


def test_output_skips_what_is_none(output):
    assert list(output) == output.keys() == ["logits", "attentions"]
    assert len(output) == 2
    assert "loss" not in output
    assert "logits" in output
    assert output.to_tuple()[0] is output.logits
    assert dict(output)["attentions"] == ("a", "b")
    assert output.get("loss") is None
    with pytest.raises(KeyError):
        output["loss"]
    with pytest.raises(IndexError):
        output[2]


def test_output_can_be_set_by_key(output):
    output["loss"] = numpy.float32(2)
    assert output.loss == output[0] == 2
    assert len(output) == 3


def test_output_prints_shapes_not_numbers(output):
    output.loss = numpy.array(1.5, "float32")
    output.attentions = tuple(numpy.zeros((1, 2, 3, 3), "float32") for _ in range(2))
    assert repr(output) == (
        "CausalLMOutputWithPast(\n"
        "  loss: () float32 = 1.5\n"
        "  logits: (1, 2, 3) float32\n"
        "  attentions: 2 × (1, 2, 3, 3) float32\n"
        ")"
    )


@pytest.mark.parity
def test_output_fields_are_those_of_transformers():
    modeling_outputs = pytest.importorskip("transformers.modeling_outputs")
    for ours in (BaseModelOutputWithPast, CausalLMOutputWithPast):
        theirs = getattr(modeling_outputs, ours.__name__)
        assert list(ours.__dataclass_fields__) == list(theirs.__dataclass_fields__)
