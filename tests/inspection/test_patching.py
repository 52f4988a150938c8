"""Values changed in flight, and passes replayed, give what a computation by hand gives."""

import numpy as np
import pytest

import tinyhf
from tests.tiny_encoder_decoders import inputs as encoder_decoder_inputs
from tests.tiny_encoder_decoders import our_model
from tests.tiny_encoders import inputs as encoder_inputs
from tests.tiny_encoders import our_encoder
from tests.tiny_llamas import inputs, our_llama
from tinyhf.errors import ArgumentError

TEXT = {"input_ids": inputs(2, 7)["input_ids"]}


@pytest.fixture
def llama():
    return our_llama()


def by_hand(llama, change, layer):
    """The logits when the residual stream after ``layer`` is ``change``d, by the stages alone."""
    model = llama.model
    hidden = model.embed_tokens(TEXT["input_ids"])
    positions = np.arange(7)[None]
    tables, mask = model.rotary_emb(positions), model.causal_mask(None, hidden, None)
    for number, block in enumerate(model.layers):
        hidden, _ = block(hidden, tables, mask, None)
        hidden = change(hidden) if number == layer else hidden
    return llama.lm_head(model.norm(hidden))


def halve(x):
    return x / 2


def test_patch_of_a_layer(llama):
    with tinyhf.patch(llama, {"model.layers.0": halve}):
        patched = llama(**TEXT).logits
    np.testing.assert_array_equal(patched, by_hand(llama, halve, 0))
    np.testing.assert_array_equal(llama(**TEXT).logits, by_hand(llama, lambda x: x, 0))


def test_patch_of_a_head(llama):
    """A muted head is a head whose columns of o_proj are zero."""

    def mute(pattern):
        return pattern * np.array([1, 0, 1, 1], np.float32)[:, None, None]

    with tinyhf.patch(llama, {"blocks.1.attn.hook_pattern": mute}):
        patched = llama(**TEXT).logits
    llama.model.layers[1].self_attn.o_proj.weight[:, 8:16] = 0
    np.testing.assert_allclose(patched, llama(**TEXT).logits, atol=1e-5)


def test_patches_add_up_and_a_trace_sees_them(llama):
    with tinyhf.patch(llama, {"model.layers.*": halve}), tinyhf.trace(llama) as outer:
        llama(**TEXT)
    with tinyhf.trace(llama) as plain:
        llama(**TEXT)
    np.testing.assert_array_equal(outer["model.embed_tokens"], plain["model.embed_tokens"])
    assert abs(outer["model.layers.0"] - plain["model.layers.0"]).max() > 0.1


def test_replay_runs_on_from_a_changed_value(llama):
    with tinyhf.trace(llama) as t:
        logits = llama(**TEXT).logits
    np.testing.assert_array_equal(tinyhf.replay(t, from_="model.layers.1").logits, logits)
    t["model.layers.0"] = halve(t["model.layers.0"])
    replayed = tinyhf.replay(t, from_="model.layers.1").logits
    np.testing.assert_array_equal(replayed, by_hand(llama, halve, 0))


def test_replay_does_not_use_what_the_model_would_compute_now(llama):
    with tinyhf.trace(llama) as t:
        logits = llama(**TEXT).logits
    llama.model.embed_tokens.weight *= 3
    np.testing.assert_array_equal(tinyhf.replay(t, from_="model.layers.0").logits, logits)


@pytest.mark.parametrize("family", ["bert", "t5"])
def test_replay_of_other_families(family):
    if family == "bert":
        model, text = our_encoder("BertForMaskedLM"), encoder_inputs("BertForMaskedLM")
        from_ = "bert.encoder.layer.1"
    else:
        model, text = our_model("t5"), encoder_decoder_inputs("t5")
        from_ = "decoder.block.1"
    with tinyhf.trace(model) as t:
        logits = model(**text).logits
    np.testing.assert_array_equal(tinyhf.replay(t, from_=from_).logits, logits)


def test_wrong_use(llama, tmp_path):
    def run(changes):
        with tinyhf.patch(llama, changes):
            llama(**TEXT)

    with pytest.raises(ArgumentError, match=r"no value had this name.*model\.layers\.0"):
        run({"model.layer.0": halve})
    with pytest.raises(ArgumentError, match=r"same shape.*wanted \(2, 7, 32\), got 'NoneType'"):
        run({"model.layers.0": lambda x: None})
    with tinyhf.trace(llama) as t:
        llama(**TEXT)
    with pytest.raises(ArgumentError, match=r"no such module.*model\.layers\.1"):
        tinyhf.replay(t, from_="model.layers.7")
    t.save(tmp_path / "t.safetensors")
    with pytest.raises(ArgumentError, match="no model to run"):
        tinyhf.replay(tinyhf.load_trace(tmp_path / "t.safetensors"), from_="model.layers.1")
