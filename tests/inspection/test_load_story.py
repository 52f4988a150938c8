"""The story of a load is what ``from_pretrained`` then really does, parameter by parameter."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import tinyhf
from tests.tiny_encoder_decoders import our_model
from tests.tiny_encoders import our_encoder
from tests.tiny_llamas import our_llama
from tinyhf.backend import cast, device_of, to_host
from tinyhf.cli import main
from tinyhf.errors import ArgumentError, DeviceError, NotEnoughMemoryError
from tinyhf.inspection import plan_load
from tinyhf.inspection.load_story import load_story

GOLDEN = Path(__file__).parents[1] / "golden"
BUNDLED = Path(tinyhf.__file__).parent / "bundled" / "little-tales"


def check(folder, **arguments):
    """Tell the story, load, and hold every row against the array; returns (story, model)."""
    story = load_story(folder, **arguments)
    assert story.error is None
    model_class = getattr(tinyhf, story.model_class)
    model, info = model_class.from_pretrained(folder, output_loading_info=True, **arguments)
    assert [row.name for row in story.tensors] == list(model.state_dict())
    assert model.hf_device_map == story.placement.device_map
    for row in story.tensors:
        array = model.get_parameter(row.name)
        assert (row.shape, row.dtype) == (array.shape, array.dtype.name), row
        assert row.device in (device_of(array), "disk"), row
        CHECKS[row.source](row, array, model, info, Path(folder))
    assert {row.stored_name for row in story.unused if row.note is None} == info["unexpected_keys"]
    assert plan_load(folder).info.missing_keys == info["missing_keys"]
    return story, model


def check_file(row, array, model, info, folder):
    """The bytes named are the parameter's."""
    stored = np.dtype(row.stored_dtype)
    count = row.nbytes // stored.itemsize
    there = np.fromfile(folder / row.file, stored, count, offset=row.start)
    there = cast(there.reshape(row.shape), np.dtype(row.dtype))
    assert (to_host(array) == there).all(), row
    if row.device == "disk":
        assert not array.flags.writeable, row  # it views the file


def check_tied(row, array, model, info, folder):
    assert array is model.get_parameter(row.tied_to)


def check_new(row, array, model, info, folder):
    array = to_host(array).astype(np.float32)
    if row.first_values in ("zeros", "ones"):
        assert (array == {"zeros": 0, "ones": 1}[row.first_values]).all()
    elif row.first_values.startswith("normal, deviation "):
        wanted = float(row.first_values.split()[-1])
        assert 0.7 * wanted < array.std() < 1.3 * wanted, row
    else:
        assert row.first_values == "waves" and abs(array).max() <= 1


CHECKS = {"file": check_file, "tied": check_tied, "new": check_new}


def sources(story):
    return {row.name: row.source for row in story.tensors}


# ---- what it says is what happens ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", [None, "auto", "float16", "bfloat16"])
def test_shards_and_types(dtype):
    story, model = check(BUNDLED, dtype=dtype)
    assert {row.file for row in story.tensors if row.source == "file"} == {
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
    }
    assert [name for name, source in sources(story).items() if source == "tied"] == [
        "lm_head.weight"
    ]
    assert story.dtype == model.dtype.name


@pytest.mark.parametrize(
    "folder", ["chatglm", "tied", "biases", "encoders/BertForPreTraining", "encoder_decoders/t5"]
)
def test_families(folder):
    check(GOLDEN / folder)


def test_bart_ties_three_to_one(tmp_path):
    our_model("bart").save_pretrained(tmp_path)
    story, _ = check(tmp_path, dtype="float16")
    assert list(sources(story).values()).count("tied") == 3


def test_what_is_not_learnt_is_not_missed(tmp_path):
    our_model("marian").save_pretrained(tmp_path)
    story, _ = check(tmp_path)
    first = {row.name: row.first_values for row in story.tensors if row.first_values}
    assert first["model.encoder.embed_positions.weight"] == "waves"
    assert story.differences == []


def test_t5_keeps_its_widest_matrices_in_float32(tmp_path):
    our_model("t5").save_pretrained(tmp_path)
    story, _ = check(tmp_path, dtype="float16")
    kept = {row.name.split(".")[-2] for row in story.tensors if row.dtype == "float32"}
    assert kept == {"wo"}


@pytest.mark.parametrize("stored", ["lm_head.weight", "model.embed_tokens.weight", "both", "other"])
def test_ties_by_what_the_file_holds(tmp_path, stored):
    """One of the two, both with the same numbers, both with others."""
    our_llama("tied").save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    table = weights.pop("model.embed_tokens.weight")
    if stored in ("both", "other"):
        weights["model.embed_tokens.weight"] = table
        weights["lm_head.weight"] = table * (1 if stored == "both" else 2)
    else:
        weights[stored] = table
    save_file(weights, tmp_path / "model.safetensors")
    if stored not in ("both", "other"):
        story, _ = check(tmp_path)
        row = next(row for row in story.tensors if row.name == "model.embed_tokens.weight")
        assert (row.stored_name, story.tensors[-1].tied_to) == (stored, row.name)
        return
    head = load_story(tmp_path).tensors[-1]
    assert head.note == "= model.embed_tokens.weight, if the numbers are equal"
    model = tinyhf.LlamaForCausalLM.from_pretrained(tmp_path)
    is_tied = model.lm_head.weight is model.model.embed_tokens.weight
    assert is_tied == (stored == "both")


def test_a_head_that_no_file_holds(tmp_path):
    our_encoder("BertForMaskedLM").save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["cls.predictions.transform.dense.weight"], weights["cls.predictions.bias"]
    save_file({**weights, "more": np.ones(2)}, tmp_path / "model.safetensors")
    story, _ = check(tmp_path, dtype="bfloat16")
    new = {row.name: row.first_values for row in story.tensors if row.source == "new"}
    assert new["cls.predictions.transform.dense.weight"] == "normal, deviation 0.02"
    assert new["cls.predictions.bias"] == "zeros"
    assert [row.stored_name for row in story.unused] == ["more"]


def test_old_names_and_old_buffers(tmp_path):
    our_encoder("BertModel").save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["embeddings.LayerNorm.gamma"] = weights.pop("embeddings.LayerNorm.weight")
    weights = {f"bert.{name}": array for name, array in weights.items()}
    weights["bert.embeddings.position_ids"] = np.arange(24)[None]
    save_file(weights, tmp_path / "model.safetensors")
    story, _ = check(tmp_path)
    row = next(row for row in story.tensors if row.name == "embeddings.LayerNorm.weight")
    assert row.stored_name == "bert.embeddings.LayerNorm.gamma"
    assert "[bert.embeddings.LayerNorm.gamma]" in story.tensor_table()
    assert [row.note for row in story.unused] == ["old files hold it, nobody needs it"]


def test_shapes_that_differ(tmp_path):
    our_llama("gqa", hidden_size=32).save_pretrained(tmp_path)
    path = tmp_path / "config.json"
    config = {**json.loads(path.read_text()), "intermediate_size": 20}
    path.write_text(json.dumps(config))
    story = load_story(tmp_path)
    wrong = [row for row in story.tensors if row.stored_shape != row.shape]
    assert {row.name.split(".")[-2] for row in wrong} == {"up_proj", "gate_proj", "down_proj"}
    with pytest.raises(type(story.error), match="up_proj"):
        tinyhf.LlamaForCausalLM.from_pretrained(tmp_path)
    model = tinyhf.LlamaForCausalLM.from_pretrained(tmp_path, ignore_mismatched_sizes=True)
    for row in wrong:
        array = model.get_parameter(row.name)
        assert (row.source, row.dtype, row.shape) == ("new", array.dtype.name, array.shape)
        check_new(row, array, model, None, tmp_path)


@pytest.mark.parametrize(
    "device_map",
    [
        "strict",
        "disk",
        {"": "cpu", "model.layers.1": "strict"},
        {"": "strict", "model.layers.0": "disk", "model.norm": "cpu"},
    ],
    ids=str,
)
def test_devices(tmp_path, strict_library, device_map):
    our_llama("tied").save_pretrained(tmp_path)
    story, _ = check(tmp_path, device_map=device_map)
    on_disk = [row for row in story.tensors if row.device == "disk"]
    assert bool(on_disk) == ("disk" in str(device_map))


def test_half_types_stay_half_on_the_disk():
    story, _ = check(BUNDLED, device_map="disk")
    assert story.dtype == "float32"
    assert {row.dtype for row in story.tensors} == {"bfloat16"}


def test_a_missing_parameter_of_the_disk_is_on_the_cpu(tmp_path):
    our_llama("gqa").save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["model.norm.weight"]
    save_file(weights, tmp_path / "model.safetensors")
    story, _ = check(tmp_path, device_map="disk")
    assert {row.device for row in story.tensors if row.source == "new"} == {"cpu"}


@pytest.mark.parity
def test_shards_of_torch(tmp_path):
    """Tied weights lie in the file once, under two names."""
    torch = pytest.importorskip("torch")
    our_llama("tied").save_pretrained(tmp_path)
    weights = {
        name: torch.tensor(array)
        for name, array in load_file(tmp_path / "model.safetensors").items()
    }
    (tmp_path / "model.safetensors").unlink()
    weights["lm_head.weight"] = weights["model.embed_tokens.weight"]
    first = {name: weights.pop(name) for name in ("lm_head.weight", "model.embed_tokens.weight")}
    files = {"pytorch_model-1.bin": first, "pytorch_model-2.bin": weights}
    weight_map = {name: file for file, tensors in files.items() for name in tensors}
    index = tmp_path / "pytorch_model.bin.index.json"
    index.write_text(json.dumps({"weight_map": weight_map}))
    for file, tensors in files.items():
        torch.save(tensors, tmp_path / file)
    story, _ = check(tmp_path, dtype="auto")
    assert sources(story)["lm_head.weight"] == "tied"
    assert {row.file for row in story.tensors if row.file} == set(files)


# ---- why -----------------------------------------------------------------------------------------


def without_dtype(folder):
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps({k: v for k, v in config.items() if k not in ("dtype",)}))


@pytest.mark.parametrize(
    ("dtype", "reason"),
    [
        (None, "the default"),
        ("float16", "as asked for"),
        ("auto", '"auto": the field dtype of config.json'),
    ],
)
def test_why_this_dtype(copy, dtype, reason):
    assert load_story(copy, dtype).dtype_reason == reason


def test_the_files_name_a_dtype_if_the_config_does_not(copy):
    without_dtype(copy)
    story, _ = check(copy, dtype="auto")
    assert story.dtype == "float32"
    assert "in model-00001-of-0000" in story.dtype_reason
    for shard in copy.glob("model-*"):
        shard.unlink()
    assert "neither config.json nor a file" in load_story(copy, "auto").dtype_reason


def test_why_this_class(tiny, copy):
    assert load_story(tiny).class_reason == (
        'LlamaConfig, by model_type "llama"; LlamaForCausalLM, architectures names it'
    )
    path = copy / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "architectures": ["Other"]}))
    assert "the usual one for a LlamaConfig" in load_story(copy).class_reason


def test_why_there(tiny, strict_library):
    assert load_story(tiny).device_reason == "by default"
    assert load_story(tiny, device_map="strict").device_reason == "as asked for"
    assert "GPUs first" in load_story(tiny, device_map="auto").device_reason


# ---- as text and as data -------------------------------------------------------------------------


def test_the_text(tiny):
    text = str(load_story(tiny))
    for words in (
        "1. The config says what to build: LlamaForCausalLM",
        "model.safetensors.index.json",
        "not there",
        str(tiny / "config.json"),
        "3. The empty model: 30 parameters",
        "float32, the default (the files hold float32)",
        "30 from the files",
        "tokenizer.json",
    ):
        assert words in text
    assert text.index("1. ") < text.index("2. ") < text.index("6. ") < text.index("The tokenizer")


def test_as_json(tiny):
    story = load_story(tiny)
    data = json.loads(json.dumps(story.to_dict()))
    assert data["tensors"][0]["name"] == "model.embed_tokens.weight"
    assert data["tensors"][0]["source"] == "file"
    assert data["tensors"][0]["shape"] == [300, 16]
    assert data["placement"]["device_map"] == {"": "cpu"}
    assert data["files"][0]["file"] == "config.json"
    assert data["config"]["num_hidden_layers"] == 3
    assert data["error"] is None


def test_a_line_for_every_parameter(tiny):
    story = load_story(tiny)
    lines = story.tensor_table().splitlines()
    assert len(lines) == 1 + len(story.tensors)
    assert lines[0].split()[0] == "name"
    assert repr(story).endswith("LlamaForCausalLM, 30 parameters)")


def test_no_weights_are_read(tiny, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a tensor is read")

    monkeypatch.setattr("tinyhf.checkpoint.SafetensorsFile.__getitem__", refuse)
    assert str(load_story(tiny, device_map="disk"))


# ---- what stands in the way ----------------------------------------------------------------------


def test_weights_that_are_not_downloaded(hub_with_tiny):
    story = load_story("owner/tiny")
    assert {row.source for row in story.tensors} == {"unread"}
    assert {row.file for row in story.tensors} == {file["file"] for file in story.weight_files}
    assert "30 from files that are not here" in str(story)
    json.dumps(story.to_dict())


def test_a_lost_shard(copy):
    lost = min(copy.glob("model-*.safetensors"))
    lost.unlink()
    story = load_story(copy)
    assert {row.file for row in story.tensors if row.source == "unread"} == {lost.name}
    assert {row.source for row in story.tensors} == {"unread", "file"}
    assert "weight files are missing" in str(story.error)
    assert "from_pretrained would end with" in str(story)


def test_no_weights_at_all(tiny, tmp_path):
    shutil.copy(tiny / "config.json", tmp_path)
    story = load_story(tmp_path)
    assert "there are no weights" in str(story)


def test_too_little_memory(tiny, monkeypatch):
    monkeypatch.setattr("tinyhf.models.dispatch.free_memory", lambda device: 100)
    story = load_story(tiny)
    assert isinstance(story.error, NotEnoughMemoryError)
    with pytest.raises(NotEnoughMemoryError) as error:
        tinyhf.AutoModelForCausalLM.from_pretrained(tiny)
    assert str(error.value) == str(story.error)


def test_what_stays_on_the_disk_cannot_be_rounded(tiny):
    story = load_story(tiny, dtype="float16", device_map="disk")
    assert "weights that stay on disk cannot be rounded" in str(story.error)
    with pytest.raises(type(story.error), match="weights that stay on disk cannot be rounded"):
        tinyhf.AutoModelForCausalLM.from_pretrained(tiny, dtype="float16", device_map="disk")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"dtype": "float61"}, ArgumentError),
        ({"device_map": "gpu7"}, DeviceError),
        ({"device_map": {"": "cpu", "model.layer": "cpu"}}, ArgumentError),
        ({"max_length": 3}, ArgumentError),
    ],
)
def test_wrong_arguments(tiny, arguments, error):
    with pytest.raises(error):
        load_story(tiny, **arguments)


# ---- from the command line -----------------------------------------------------------------------


def test_tinyhf_inspect_tells_the_story(tiny, capsys):
    assert main(["inspect", str(tiny), "--tensors"]) == 0
    out, err = capsys.readouterr()
    story = load_story(tiny)
    assert "1. The config says what to build" in out and err == ""
    assert out.endswith(f"\n\n{story.tensor_table()}\n")


def test_tinyhf_inspect_as_json(copy, capsys):
    min(copy.glob("model-*")).unlink()
    assert main(["inspect", str(copy), "--json"]) == 2
    out, err = capsys.readouterr()
    assert "weight files are missing" in json.loads(out)["error"]
    assert err.count("\n") == 1
