"""from_pretrained and save_pretrained: what is stored, what differs, and what cannot be loaded."""

import json
import logging

import numpy
import pytest
from safetensors.numpy import load_file, save_file

from tests.tiny_llamas import SIZES, inputs, our_llama
from tinyhf import AutoModel, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, LlamaModel
from tinyhf.backend import bfloat16, float16, float32, float64
from tinyhf.checkpoint import SafetensorsFile, saving
from tinyhf.errors import (
    ArgumentError,
    CheckpointError,
    ConfigError,
    DeviceError,
    HubError,
    NotEnoughMemoryError,
    WeightMismatchError,
)
from tinyhf.models import dispatch, loading, placement

SECOND_LAYER = "model.layers.1."


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """(folder, model) of a float32 checkpoint in one file; tests only read it."""
    model, folder = our_llama("gqa"), tmp_path_factory.mktemp("saved")
    model.save_pretrained(folder)
    return folder, model


@pytest.fixture
def folder(tmp_path):
    """A checkpoint of its own, for tests that change it."""
    our_llama("gqa").save_pretrained(tmp_path)
    return tmp_path


@pytest.fixture
def heard(caplog):
    caplog.set_level(logging.WARNING, "tinyhf")
    return caplog


def change_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}), encoding="utf-8")


def change_weights(folder, change):
    arrays = load_file(folder / "model.safetensors")
    save_file(change(arrays), folder / "model.safetensors")


def assert_same_weights(model, other):
    assert list(model.state_dict()) == list(other.state_dict())
    for name, array in model.state_dict().items():
        numpy.testing.assert_array_equal(array, other.get_parameter(name))


# ---- there and back ------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["gqa", "tied", "biases", "head_dim", "llama3"])
@pytest.mark.parametrize("max_shard_size", ["1GB", "20KB"])
def test_saved_and_loaded_again(tmp_path, variant, max_shard_size):
    model = our_llama(variant)
    model.save_pretrained(tmp_path, max_shard_size=max_shard_size)
    again, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert_same_weights(again, model)
    assert info == {
        "missing_keys": set(),
        "unexpected_keys": set(),
        "mismatched_keys": set(),
        "error_msgs": [],
    }
    batch = inputs(2, 9)
    numpy.testing.assert_array_equal(again(**batch).logits, model(**batch).logits)
    assert again.config.rope_parameters == model.config.rope_parameters
    assert again.config.architectures == ["LlamaForCausalLM"]
    assert (again.name_or_path, again.training, again.device) == (str(tmp_path), False, "cpu")


def test_a_tied_head_is_stored_once_and_tied_again(tmp_path):
    our_llama("tied").save_pretrained(tmp_path)
    assert "lm_head.weight" not in load_file(tmp_path / "model.safetensors")
    model = LlamaForCausalLM.from_pretrained(tmp_path)
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_weights_belong_to_the_model_not_to_the_file(folder):
    model = LlamaForCausalLM.from_pretrained(folder)
    assert all(array.flags.owndata and array.flags.writeable for array in model.parameters())
    before = model.lm_head.weight.copy()
    model.save_pretrained(folder)  # onto the very file it came from
    assert_same_weights(LlamaForCausalLM.from_pretrained(folder), model)
    numpy.testing.assert_array_equal(model.lm_head.weight, before)


@pytest.mark.parametrize("dtype", [float16, bfloat16])
def test_half_types_survive(tmp_path, dtype):
    model = our_llama("gqa")
    for name, array in model.state_dict().items():
        model.set_parameter(name, array.astype(dtype))
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == dtype.name
    again = LlamaForCausalLM.from_pretrained(tmp_path, dtype="auto")
    assert again.dtype == dtype
    assert_same_weights(again, model)


def test_an_interrupted_save_leaves_the_earlier_one_whole(folder, monkeypatch):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def fail_at_the_second(arrays, path, metadata):
        save_file(arrays, path, metadata)
        if "00002" in str(path):
            raise KeyboardInterrupt

    monkeypatch.setattr(saving, "save_file", fail_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        our_llama("biases", vocab_size=64).save_pretrained(folder, max_shard_size="20KB")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_model_without_weights_cannot_be_saved(tmp_path):
    with pytest.raises(AttributeError, match="has no values yet"):
        LlamaForCausalLM(LlamaConfig(**SIZES)).save_pretrained(tmp_path / "new")
    assert not list(tmp_path.glob("new/*"))


# ---- dtype and device ----------------------------------------------------------------------------


class FakeTorchDtype:
    def __str__(self):
        return "torch.bfloat16"


@pytest.mark.parametrize(
    ("asked", "dtype"),
    [
        (None, float32),
        ("auto", float32),
        ("float16", float16),
        ("bfloat16", bfloat16),
        ("torch.float16", float16),
        (numpy.float64, float64),
        (numpy.dtype("float16"), float16),
        (bfloat16, bfloat16),
        (FakeTorchDtype(), bfloat16),
    ],
)
@pytest.mark.parametrize("keyword", ["dtype", "torch_dtype"])
def test_dtype(saved, asked, dtype, keyword):
    folder, original = saved
    model = LlamaForCausalLM.from_pretrained(folder, **{keyword: asked})
    assert {array.dtype for array in model.parameters()} == {dtype}
    assert model.dtype == dtype
    expected = original.lm_head.weight.astype(dtype)
    numpy.testing.assert_array_equal(model.lm_head.weight, expected)


@pytest.mark.parametrize("asked", ["float8", "half", "int8", int, 16, ["float16"], object()])
def test_a_dtype_that_is_none(saved, asked):
    with pytest.raises(
        ArgumentError, match=r'dtype: unknown dtype \(wanted "auto", float64, float'
    ):
        LlamaForCausalLM.from_pretrained(saved[0], dtype=asked)


def test_auto_asks_the_config_then_the_weights(folder):
    change_config(folder, dtype="float16")
    assert LlamaForCausalLM.from_pretrained(folder, dtype="auto").dtype == float16
    change_config(folder, dtype=None)
    change_weights(folder, lambda arrays: {k: v.astype(bfloat16) for k, v in arrays.items()})
    assert LlamaForCausalLM.from_pretrained(folder, dtype="auto").dtype == bfloat16


@pytest.mark.parametrize("device_map", [None, "cpu", "auto"])
def test_device(saved, device_map, monkeypatch):
    monkeypatch.setattr(placement, "parse_device", no_gpu)
    assert LlamaForCausalLM.from_pretrained(saved[0], device_map=device_map).device == "cpu"


def no_gpu(device):
    if device not in (None, "cpu"):
        raise DeviceError("there is no GPU")
    return "cpu"


@pytest.mark.parametrize("device_map", [["cpu"], 1.5, {"": ["cpu"]}])
def test_a_device_map_that_is_none(saved, device_map):
    with pytest.raises(
        ArgumentError, match=r'device_map: no such map \(wanted None, "cpu", "cuda"'
    ):
        LlamaForCausalLM.from_pretrained(saved[0], device_map=device_map)


# ---- memory --------------------------------------------------------------------------------------


def test_a_load_that_cannot_fit_says_so_with_the_arithmetic(saved, monkeypatch):
    folder, model = saved
    count = model.num_parameters()
    monkeypatch.setattr(dispatch, "free_memory", lambda device: count * 4 - 1)
    monkeypatch.setattr(loading, "load_state_dict", None)  # nothing may be opened
    with pytest.raises(NotEnoughMemoryError) as refused:
        LlamaForCausalLM.from_pretrained(folder)
    assert f"{count:,} parameters × 4 bytes (float32) = {count * 4 / 1e3:.3g} kB" in str(
        refused.value
    )
    assert "are free on 'cpu'" in str(refused.value)
    assert f'dtype="float16" needs {count * 2 / 1e3:.3g} kB' in str(refused.value)
    assert isinstance(refused.value, MemoryError)


@pytest.mark.parametrize("free", [lambda count: count * 4, lambda count: None])
def test_a_load_that_just_fits_or_cannot_be_judged(saved, monkeypatch, free):
    folder, model = saved
    monkeypatch.setattr(dispatch, "free_memory", lambda device: free(model.num_parameters()))
    LlamaForCausalLM.from_pretrained(folder)


def test_tied_weights_need_memory_once(tmp_path, monkeypatch):
    our_llama("tied").save_pretrained(tmp_path)
    needed = our_llama("tied").num_parameters() * 4
    monkeypatch.setattr(dispatch, "free_memory", lambda device: needed)
    LlamaForCausalLM.from_pretrained(tmp_path)


# ---- progress ------------------------------------------------------------------------------------


def test_progress_bar_for_several_shards_only(tmp_path, capfd):
    model = our_llama("gqa")
    model.save_pretrained(tmp_path / "one")
    model.save_pretrained(tmp_path / "more", max_shard_size="20KB")
    LlamaForCausalLM.from_pretrained(tmp_path / "one")
    assert capfd.readouterr() == ("", "")
    LlamaForCausalLM.from_pretrained(tmp_path / "more")
    out, err = capfd.readouterr()
    assert out == ""
    assert "Loading checkpoint shards: 100%" in err


# ---- names that differ ---------------------------------------------------------------------------


def test_nothing_differs_nothing_is_said(saved, heard):
    LlamaForCausalLM.from_pretrained(saved[0])
    assert heard.text == ""


def test_fewer_layers_in_the_config(saved, heard):
    folder, original = saved
    config = LlamaConfig.from_pretrained(folder)
    config.num_hidden_layers = 1
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, config=config, output_loading_info=True
    )
    unused = {name for name in original.state_dict() if name.startswith(SECOND_LAYER)}
    assert len(unused) == 9
    assert info["unexpected_keys"] == unused
    assert info["missing_keys"] == info["mismatched_keys"] == set()
    assert f"unexpected  {SECOND_LAYER}mlp.up_proj.weight  (48, 32), not used" in heard.text
    assert "the config has num_hidden_layers = 1, the checkpoint has 2" in heard.text
    assert len(model.model.layers) == 1
    assert LlamaForCausalLM.from_pretrained(folder, num_hidden_layers=1).config == model.config


def test_more_layers_in_the_config(saved, heard):
    model, info = LlamaForCausalLM.from_pretrained(
        saved[0], num_hidden_layers=4, output_loading_info=True
    )
    assert len(info["missing_keys"]) == 18
    assert "missing     model.layers.2.self_attn.q_proj.weight  (32, 32), now random" in heard.text
    assert "… and 6 more" in heard.text
    assert "the config has num_hidden_layers = 4, the checkpoint has 2" in heard.text
    assert model.model.layers[3].mlp.up_proj.weight.std() == pytest.approx(0.02, rel=0.2)
    model(numpy.array([[1, 2]]))


def test_biases_that_the_checkpoint_lacks_or_has(saved, tmp_path, heard):
    model = LlamaForCausalLM.from_pretrained(saved[0], attention_bias=True)
    assert not model.model.layers[0].self_attn.q_proj.bias.any()
    assert "the config asks for biases (attention_bias, mlp_bias)" in heard.text
    heard.clear()
    our_llama("biases").save_pretrained(tmp_path)
    LlamaForCausalLM.from_pretrained(tmp_path, mlp_bias=False)
    assert "unexpected  model.layers.0.mlp.down_proj.bias  (32,), not used" in heard.text
    assert "the checkpoint has biases; set attention_bias or mlp_bias" in heard.text


def test_a_checkpoint_without_head(tmp_path, heard):
    base = our_llama("gqa", model_class=LlamaModel)
    base.save_pretrained(tmp_path)
    model, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert info["missing_keys"] == {"lm_head.weight"}
    assert "missing     lm_head.weight  (96, 32), now random" in heard.text
    assert "the checkpoint has no head" in heard.text
    assert_same_weights(model.model, base)
    tied = AutoModelForCausalLM.from_pretrained(tmp_path, tie_word_embeddings=True)
    assert tied.lm_head.weight is tied.model.embed_tokens.weight


def test_a_head_that_the_model_has_no_place_for(saved, heard):
    folder, original = saved
    base, info = AutoModel.from_pretrained(folder, output_loading_info=True)
    assert info["unexpected_keys"] == {"lm_head.weight"}
    assert info["missing_keys"] == set()
    assert_same_weights(base, original.model)


def test_a_checkpoint_of_another_family(folder, heard):
    change_weights(folder, lambda arrays: {f"encoder.{k}": v for k, v in arrays.items()})
    LlamaForCausalLM.from_pretrained(folder)
    assert "no name fits: the checkpoint is of another family" in heard.text


def test_old_rotary_frequencies_are_no_news(folder, heard):
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    change_weights(folder, lambda arrays: {**arrays, name: numpy.ones(4, "float32")})
    _, info = LlamaForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert info["unexpected_keys"] == set()
    assert heard.text == ""


# ---- shapes that differ --------------------------------------------------------------------------


def test_shapes_that_differ_are_refused_all_at_once(saved):
    with pytest.raises(WeightMismatchError) as refused:
        LlamaForCausalLM.from_pretrained(saved[0], vocab_size=100, intermediate_size=64)
    sentence = str(refused.value)
    assert sentence.startswith(f"{saved[0]}: the shapes of the weights differ")
    for name in ("lm_head.weight", "model.embed_tokens.weight"):
        assert f"{name}  (96, 32) in the checkpoint, (100, 32) in the model" in sentence
    assert "model.layers.1.mlp.down_proj.weight  (32, 48) in the checkpoint, (32, 64)" in sentence
    assert "missing" not in sentence
    assert "another vocabulary: the config has vocab_size = 100" in sentence
    assert "ignore_mismatched_sizes=True" in sentence


def test_shapes_that_differ_may_be_ignored(saved, heard):
    folder, original = saved
    model, info = LlamaForCausalLM.from_pretrained(
        folder, vocab_size=100, ignore_mismatched_sizes=True, output_loading_info=True
    )
    assert info["mismatched_keys"] == {
        (name, (96, 32), (100, 32)) for name in ("lm_head.weight", "model.embed_tokens.weight")
    }
    assert info["missing_keys"] == set()
    assert model.lm_head.weight.shape == (100, 32)
    assert model.lm_head.weight.std() == pytest.approx(0.02, rel=0.1)
    assert "mismatched  lm_head.weight  (96, 32) in the checkpoint, (100, 32) in" in heard.text
    numpy.testing.assert_array_equal(model.model.norm.weight, original.model.norm.weight)


def test_mismatched_tied_weights_stay_tied(tmp_path):
    our_llama("tied").save_pretrained(tmp_path)
    model, info = LlamaForCausalLM.from_pretrained(
        tmp_path, vocab_size=100, ignore_mismatched_sizes=True, output_loading_info=True
    )
    assert info["mismatched_keys"] == {("model.embed_tokens.weight", (96, 32), (100, 32))}
    assert info["missing_keys"] == set()
    assert model.lm_head.weight is model.model.embed_tokens.weight
    model(numpy.array([[99]]))


# ---- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize("keywords", [{}, {"num_hidden_layers": 1}])
def test_the_callers_config_is_not_changed(saved, keywords):
    config = LlamaConfig.from_pretrained(saved[0])
    before = config.to_json_string()
    model = LlamaForCausalLM.from_pretrained(saved[0], config=config, **keywords)
    model.config.rope_parameters["factor"] = 3.0
    model.config.vocab_size = 1
    assert config.to_json_string() == before


def test_rope_keywords_act(saved):
    default = LlamaForCausalLM.from_pretrained(saved[0]).model.rotary_emb.inv_freq
    for keyword in (
        {"rope_theta": 77.0},
        {"rope_scaling": {"rope_type": "linear", "factor": 2.0}},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}},
    ):
        model = LlamaForCausalLM.from_pretrained(saved[0], **keyword)
        assert (model.model.rotary_emb.inv_freq[1:] != default[1:]).all(), keyword


def test_an_unknown_argument_names_the_nearest(saved):
    with pytest.raises(ArgumentError, match=r"unknown argument 'vocab_sise'.*mean 'vocab_size'\?"):
        LlamaForCausalLM.from_pretrained(saved[0], vocab_sise=3)


@pytest.mark.parametrize(
    "leftover", ["low_cpu_mem_usage", "attn_implementation", "weights_only", "_fast_init"]
)
def test_arguments_that_change_nothing_here(saved, leftover):
    LlamaForCausalLM.from_pretrained(saved[0], **{leftover: True})


def test_quantized_weights(folder):
    change_config(folder, quantization_config={"quant_method": "gptq", "bits": 4})
    problem = r"'quantization_config': the weights are quantized \(gptq\).*Use the original"
    with pytest.raises(ConfigError, match=problem):
        AutoModelForCausalLM.from_pretrained(folder)


def test_no_such_folder(tmp_path):
    with pytest.raises(HubError):
        LlamaForCausalLM.from_pretrained(tmp_path / "nowhere", local_files_only=True)


# ---- damaged checkpoints -------------------------------------------------------------------------


def test_no_weights(folder):
    (folder / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"there are no weights \(wanted model\.safetensors"):
        LlamaForCausalLM.from_pretrained(folder)


def test_a_truncated_shard_is_named(tmp_path):
    our_llama("gqa").save_pretrained(tmp_path, max_shard_size="20KB")
    shard = sorted(tmp_path.glob("*-of-*"))[2]
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=rf"{shard.name}: does not end where its last tensor"):
        LlamaForCausalLM.from_pretrained(tmp_path)


@pytest.mark.parametrize("wrong", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", 7])
def test_an_index_that_reaches_for_other_folders(tmp_path, wrong):
    our_llama("gqa").save_pretrained(tmp_path, max_shard_size="20KB")
    path = tmp_path / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["lm_head.weight"] = wrong
    path.write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match=r"index\.json: names a shard outside its own folder"):
        LlamaForCausalLM.from_pretrained(tmp_path)


def test_a_missing_shard(tmp_path):
    our_llama("gqa").save_pretrained(tmp_path, max_shard_size="20KB")
    shard = sorted(tmp_path.glob("*-of-*"))[1]
    shard.unlink()
    with pytest.raises(
        CheckpointError, match=rf"names the shard '{shard.name}', which is not there"
    ):
        LlamaForCausalLM.from_pretrained(tmp_path)


def test_a_config_that_is_damaged(folder):
    (folder / "config.json").write_text('{"model_type": "llama", "hidden_size": NaN}')
    with pytest.raises(ConfigError, match=r"config\.json, field 'hidden_size'.*got nan"):
        AutoModelForCausalLM.from_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "llama"')
    with pytest.raises(ConfigError, match=r"config\.json: is not valid JSON"):
        AutoModelForCausalLM.from_pretrained(folder)


# ---- the way through the stages ------------------------------------------------------------------


def test_every_shard_is_opened_once_and_every_tensor_let_go(tmp_path, monkeypatch):
    our_llama("gqa").save_pretrained(tmp_path, max_shard_size="20KB")
    opened, released = [], []
    monkeypatch.setattr(
        loading, "load_state_dict", lambda path: opened.append(path) or SafetensorsFile(path)
    )
    monkeypatch.setattr(SafetensorsFile, "release", lambda self, name: released.append(name))
    model = LlamaForCausalLM.from_pretrained(tmp_path)
    assert opened == sorted(map(str, tmp_path.glob("*-of-*")))
    assert sorted(released) == sorted(model.state_dict())


def test_whole_numbers_stay_whole(folder):
    """A tensor of ids, say, has no place in a Llama, but must not be rounded to bfloat16 either."""
    array = numpy.arange(5)
    model = our_llama("gqa")
    loading.set_module_tensor_to_device(model, "lm_head.weight", "cpu", array, bfloat16)
    assert model.lm_head.weight.dtype == array.dtype
