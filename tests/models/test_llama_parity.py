"""Fresh random Llamas in transformers and here: names, every stage, caches, printing."""

import functools

import numpy
import pytest

from tests.tiny_llamas import (
    VARIANTS,
    as_tensors,
    assert_close,
    inputs,
    our_llama,
    positions,
    their_llama,
    their_output,
)
from tinyhf import LlamaConfig, LlamaForCausalLM

pytestmark = pytest.mark.parity

SIZES = {
    "tiny": {},
    "thin": {
        "hidden_size": 48,
        "intermediate_size": 20,
        "num_hidden_layers": 5,
        "num_attention_heads": 12,
        "num_key_value_heads": 3,
        "vocab_size": 33,
        "rms_norm_eps": 1e-3,
    },
    "wide": {
        "hidden_size": 512,
        "intermediate_size": 1376,
        "num_attention_heads": 8,
        "vocab_size": 2000,
        "head_dim": 64,
        "hidden_act": "relu",
        "max_position_embeddings": 32,
    },
}
SEQ = 24
EVERYTHING = {"output_hidden_states": True, "output_attentions": True}


@pytest.fixture(scope="module", params=[(v, s) for v in VARIANTS for s in SIZES], ids="-".join)
def pair(request):
    """(ours, theirs) with the same weights."""
    pytest.importorskip("transformers")
    variant, size = request.param
    theirs = their_llama(variant, **SIZES[size])
    ours = our_llama(variant, **SIZES[size])
    for name, parameter in theirs.named_parameters():
        ours.set_parameter(name, parameter.detach().numpy())
    ours.tie_weights()
    return ours, theirs


@pytest.fixture
def batch(pair):
    return inputs(3, SEQ, pair[0].config.vocab_size)


def outputs(pair, **arrays):
    ours, theirs = pair
    return ours(**arrays, **EVERYTHING), their_output(theirs, **arrays, **EVERYTHING)


def assert_alike(ours, theirs):
    """Every array of two outputs, and that none is missing."""
    assert list(ours) == list(theirs.keys())
    for name in ("loss", "logits", "last_hidden_state"):
        if name in ours:
            assert_close(ours[name], theirs[name].numpy())
    for name in ("hidden_states", "attentions"):
        for a, b in zip(ours[name], theirs[name], strict=True):
            assert_close(a, b.numpy())
    for ours_layer, layer in zip(ours.past_key_values, theirs.past_key_values.layers, strict=True):
        assert_close(ours_layer[0], layer.keys.numpy())
        assert_close(ours_layer[1], layer.values.numpy())


def test_names_in_order(pair):
    ours, theirs = pair
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [name for name, _ in ours.named_parameters()] == [
        name for name, _ in theirs.named_parameters()
    ]
    assert [name for name, _ in ours.named_modules()] == [
        name for name, _ in theirs.named_modules()
    ]
    assert ours.num_parameters() == theirs.num_parameters()


def test_printed_alike(pair):
    assert repr(pair[0]) == repr(pair[1])
    assert repr(pair[0].model.layers[0]) == repr(pair[1].model.layers[0])


def test_every_stage_of_a_left_padded_batch(pair, batch):
    assert_alike(*outputs(pair, **batch))


def test_positions_as_generate_makes_them(pair, batch):
    position_ids = positions(batch["attention_mask"])
    assert_alike(*outputs(pair, **batch, position_ids=position_ids))


def test_without_a_mask(pair, batch):
    assert_alike(*outputs(pair, input_ids=batch["input_ids"]))


def test_embeddings_in_place_of_ids(pair, batch):
    vectors = pair[0].model.embed_tokens(batch["input_ids"])
    assert_alike(*outputs(pair, inputs_embeds=vectors, attention_mask=batch["attention_mask"]))


def test_the_model_without_head(pair, batch):
    del batch["labels"]
    bases = [model.model for model in pair]
    assert_alike(*outputs(bases, **batch))


def test_cache_step_by_step(pair, batch):
    """A prompt in two parts, then single tokens, past the length that "dynamic" was trained for."""
    ours, theirs = pair
    mask, caches, start = batch["attention_mask"], [None, None], 0
    for end in (9, 14, 15, 16, 17, SEQ):
        step = {
            "input_ids": batch["input_ids"][:, start:end],
            "attention_mask": mask[:, :end],
            "position_ids": positions(mask)[:, start:end],
        }
        output = ours(**step, past_key_values=caches[0], **EVERYTHING)
        expected = their_output(theirs, **step, past_key_values=caches[1], **EVERYTHING)
        assert_alike(output, expected)
        caches, start = [output.past_key_values, expected.past_key_values], end


def test_prepared_steps_are_those_of_transformers(pair, batch):
    """The arrays that each step of ``generate`` passes on."""
    seen = {}
    for name, model in zip(("ours", "theirs"), pair, strict=True):
        seen[name] = []
        original = model.forward

        @functools.wraps(original)
        def forward(*args, original=original, steps=seen[name], **kwargs):
            steps.append(kwargs)
            return original(*args, **kwargs)

        model.forward = forward
        given = {name: batch[name] for name in ("input_ids", "attention_mask")}
        given = as_tensors(given) if name == "theirs" else given
        model.generate(**given, max_new_tokens=3, do_sample=False)
        del model.forward
    assert len(seen["ours"]) == len(seen["theirs"]) == 3
    for ours, theirs in zip(seen["ours"], seen["theirs"], strict=True):
        for name in ("input_ids", "attention_mask", "position_ids"):
            numpy.testing.assert_array_equal(ours[name], theirs[name].numpy())


def test_our_start_is_distributed_as_theirs():
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "pad_token_id": 3}
    sizes |= {"vocab_size": 300, "intermediate_size": 200, "attention_bias": True}
    theirs = transformers.LlamaForCausalLM(transformers.LlamaConfig(**sizes)).state_dict()
    ours = LlamaForCausalLM(LlamaConfig(**sizes)).init_weights(seed=0).state_dict()
    for name, tensor in theirs.items():
        assert ours[name].mean() == pytest.approx(float(tensor.mean()), abs=2e-3), name
        assert ours[name].std() == pytest.approx(float(tensor.float().std(correction=0)), rel=0.05)
    assert not ours["model.embed_tokens.weight"][3].any()
    assert not theirs["model.embed_tokens.weight"][3].any()
