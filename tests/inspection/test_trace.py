"""Every value by its name: what a trace holds, keeps in a file, and says about it."""

import numpy as np
import pytest

import tinyhf
from tests.tiny_encoder_decoders import inputs as encoder_decoder_inputs
from tests.tiny_encoder_decoders import our_model
from tests.tiny_llamas import inputs, our_llama
from tinyhf.errors import ArgumentError, CheckpointError

TEXT = {name: x for name, x in inputs(2, 7).items() if name != "labels"}


@pytest.fixture
def llama():
    return our_llama()


@pytest.fixture
def traced(llama):
    with tinyhf.trace(llama) as t:
        llama(**TEXT)
    return t


def test_values_are_those_of_the_model(llama, traced):
    output = llama(**TEXT, output_hidden_states=True, output_attentions=True)
    np.testing.assert_array_equal(traced["logits"], output.logits)
    for layer in range(2):
        pattern = traced[f"model.layers.{layer}.self_attn.pattern"]
        np.testing.assert_array_equal(pattern, output.attentions[layer])
    np.testing.assert_array_equal(traced["model.layers.0"], output.hidden_states[1])
    np.testing.assert_array_equal(traced["input_ids"], TEXT["input_ids"])


def test_results_are_the_same_bit_for_bit_and_nothing_is_left_behind(llama):
    before = llama(**TEXT).logits
    with tinyhf.trace(llama):
        during = llama(**TEXT).logits
    np.testing.assert_array_equal(before, during)
    assert all("record" not in vars(module) for module in llama.modules())
    assert all(module._forward_hooks == () for module in llama.modules())


def test_in_between_values_fit_together(traced):
    layer = "model.layers.1"
    scores, z = traced[f"{layer}.self_attn.scores"], traced[f"{layer}.self_attn.z"]
    assert scores.shape == (2, 4, 7, 7) and z.shape == (2, 4, 7, 8)
    middle = traced["model.layers.0"] + traced[f"{layer}.self_attn"]
    np.testing.assert_array_equal(traced[f"{layer}.residual_mid"], middle)
    q, rotated = traced[f"{layer}.self_attn.q"], traced[f"{layer}.self_attn.q_rotary"]
    np.testing.assert_array_equal(q[:, :, 0], rotated[:, :, 0])  # position 0 is not turned
    assert abs(q[:, :, 1:] - rotated[:, :, 1:]).max() > 0.1


@pytest.mark.parametrize(
    ("lens", "ours"),
    [
        ("blocks.0.attn.hook_pattern", "model.layers.0.self_attn.pattern"),
        ("blocks.1.attn.hook_rot_q", "model.layers.1.self_attn.q_rotary"),
        ("blocks.1.hook_resid_pre", "model.layers.0"),
        ("blocks.0.hook_resid_pre", "model.embed_tokens"),
        ("blocks.1.hook_resid_post", "model.layers.1"),
        ("blocks.1.mlp.hook_post", "model.layers.1.mlp.act"),
        ("ln_final.hook_normalized", "model.norm"),
    ],
)
def test_transformerlens_names(traced, lens, ours):
    assert traced.find(lens) == ours
    assert lens in traced


@pytest.mark.parametrize("names", ["*.pattern", ["blocks.*.attn.hook_pattern"]])
def test_only_some_names(llama, names):
    with tinyhf.trace(llama, names) as t:
        llama(**TEXT)
    assert list(t) == [f"model.layers.{layer}.self_attn.pattern" for layer in range(2)]


def test_arrays_are_copies(llama):
    with tinyhf.trace(llama, "input_ids") as t:
        ids = TEXT["input_ids"].copy()
        llama(input_ids=ids)
        ids[:] = 0
    assert t["input_ids"].any()


def test_generate_step_by_step(llama):
    with tinyhf.trace(llama) as t:
        output = llama.generate(**TEXT, max_new_tokens=3, do_sample=False)
    assert len(t.steps) == 3
    assert t.step(0)["model.layers.0"].shape[1] == 7
    assert t.step(2)["model.layers.0"].shape[1] == 1
    drawn = np.stack([t.step(i)["next_tokens"] for i in range(3)], axis=1)
    np.testing.assert_array_equal(drawn, output[:, 7:])
    with pytest.raises(ArgumentError, match=r"3 steps.*t\.step\(0\)"):
        t["logits"]
    with pytest.raises(ArgumentError, match=r"no such step.*0 to 2, got 3"):
        t.step(3)


def test_encoder_decoder_generates_in_the_steps_of_its_decoder():
    model = our_model("t5")
    ids = encoder_decoder_inputs("t5")["input_ids"]
    with tinyhf.trace(model, ["encoder.*", "decoder.*"]) as t:
        model.generate(input_ids=ids, max_new_tokens=2)
    assert "encoder.block.0.layer.0.SelfAttention.pattern" in t.step(0)
    assert not any(name.startswith("encoder") for name in t.step(1))
    assert "decoder.block.0.layer.1.EncDecAttention.pattern" in t.step(1)


def test_saved_and_read(traced, tmp_path):
    traced.save(tmp_path / "t.safetensors")
    again = tinyhf.load_trace(tmp_path / "t.safetensors")
    assert list(again) == list(traced) and again.places == traced.places
    assert again.about["model"] == "LlamaForCausalLM"
    for name, value in traced.items():
        np.testing.assert_array_equal(again[name], value)
    assert [path.name for path in tmp_path.iterdir()] == ["t.safetensors"]


def test_straight_into_a_file(llama, tmp_path):
    path = tmp_path / "t.safetensors"
    with tinyhf.trace(llama, file=path) as t:
        llama.generate(**TEXT, max_new_tokens=2)
    assert all(isinstance(x, np.memmap) for step in t.steps for x in step.values() if x.size)
    again = tinyhf.load_trace(path)
    assert len(again.steps) == 2
    np.testing.assert_array_equal(again.step(1)["logits"], t.step(1)["logits"])
    assert [path.name for path in tmp_path.iterdir()] == ["t.safetensors"]


def test_after_an_error_the_file_holds_what_was_computed_until_then(llama, tmp_path):
    del llama.model.layers[1].mlp
    path = tmp_path / "t.safetensors"
    with pytest.raises(AttributeError), tinyhf.trace(llama, file=path):
        llama(**TEXT)
    assert list(tinyhf.load_trace(path))[-1] == "model.layers.1.residual_mid"
    assert [path.name for path in tmp_path.iterdir()] == ["t.safetensors"]


@pytest.mark.parametrize("place", ["missing/t.safetensors", "."])
def test_where_no_file_can_be(llama, tmp_path, place):
    message = "a trace cannot be written there"
    with pytest.raises(ArgumentError, match=message), tinyhf.trace(llama, file=tmp_path / place):
        pass
    assert not list(tmp_path.iterdir())


def test_other_safetensors_files_are_refused(llama, tmp_path):
    llama.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="not a trace"):
        tinyhf.load_trace(tmp_path / "model.safetensors")


def test_table(traced):
    row = next(row for row in traced.table() if row.name == "model.layers.0")
    value = traced["model.layers.0"]
    assert (row.shape, row.dtype) == ((2, 7, 32), "float32")
    assert row.mean == pytest.approx(value.mean()) and row.absmax == abs(value).max()
    assert traced.table().first_broken is None
    lines = str(traced).splitlines()
    assert len(lines) == len(traced) + 1
    assert len({line.index("float32") for line in lines if "float32" in line}) == 1


def test_the_first_nan_is_marked_with_the_stage_that_made_it(llama):
    llama.model.layers[1].mlp.up_proj.weight[3] = np.nan
    with tinyhf.trace(llama) as t:
        llama(**TEXT)
    assert t.table().first_broken.name == "model.layers.1.mlp.up_proj"
    assert "up_proj" in str(t.table("*up_proj")).splitlines()[2]
    assert "<- first NaN, made in nn/layers.py:" in str(t)


def test_unknown_names(traced):
    with pytest.raises(ArgumentError, match=r"no value of this name.*model\.layers\.0\.self_attn"):
        traced["model.layers.0.self_attn.patern"]
