"""Which files hold the weights; an index that is wrong, or reaches for other folders."""

import json

import pytest

from tinyhf.checkpoint import find_checkpoint, get_checkpoint_shard_files
from tinyhf.errors import CheckpointError

SHARDS = {
    "b.weight": "model-00002-of-00002.safetensors",
    "a.weight": "model-00001-of-00002.safetensors",
}


@pytest.fixture
def folder(tmp_path):
    for shard in SHARDS.values():
        (tmp_path / shard).touch()
    return tmp_path


@pytest.fixture
def fetch(folder):
    """Answers with a path or None, and remembers what it was asked for."""

    def fetch(name):
        fetch.asked.append(name)
        return str(folder / name) if (folder / name).is_file() else None

    fetch.asked = []
    return fetch


def write_index(folder, index):
    path = folder / "model.safetensors.index.json"
    path.write_text(index if isinstance(index, str) else json.dumps(index), encoding="utf-8")
    return path


def refusal(folder, fetch, index):
    path = write_index(folder, index)
    with pytest.raises(CheckpointError) as refused:
        find_checkpoint("a-model", fetch)
    assert str(refused.value).startswith(f"{path}: ")
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_one_file_comes_before_the_index(folder, fetch):
    write_index(folder, {"weight_map": SHARDS})
    (folder / "model.safetensors").touch()
    checkpoint = find_checkpoint("a-model", fetch)
    assert checkpoint.files == [str(folder / "model.safetensors")]
    assert checkpoint.sharded_metadata is None
    assert fetch.asked == ["model.safetensors"]


def test_shards_in_the_order_of_their_names(folder, fetch):
    write_index(folder, {"metadata": {"total_size": 12}, "weight_map": SHARDS})
    checkpoint = find_checkpoint("a-model", fetch)
    assert checkpoint.files == [str(folder / shard) for shard in sorted(SHARDS.values())]
    assert checkpoint.sharded_metadata == {
        "total_size": 12,
        "all_checkpoint_keys": ["b.weight", "a.weight"],
        "weight_map": SHARDS,
    }


def test_metadata_may_be_missing(folder, fetch):
    path = write_index(folder, {"weight_map": SHARDS, "metadata": None})
    paths, metadata = get_checkpoint_shard_files(path, fetch)
    assert len(paths) == 2
    assert metadata["weight_map"] == SHARDS


def test_no_weights(fetch):
    with pytest.raises(
        CheckpointError, match=r"^a-model: there are no weights \(wanted model\.saf"
    ):
        find_checkpoint("a-model", fetch)


NAMES = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
]


def make(folder, name):
    """A file of weights, or an index with its shards."""
    is_index = name.endswith(".json")
    (folder / name).write_text(json.dumps({"weight_map": SHARDS}) if is_index else "")


@pytest.mark.parametrize(
    ("use_safetensors", "tried"), [(None, NAMES), (True, NAMES[:2]), (False, NAMES[2:])]
)
def test_the_order_of_candidates(folder, fetch, use_safetensors, tried):
    for number in reversed(range(len(tried))):
        make(folder, tried[number])
        fetch.asked.clear()
        found = find_checkpoint("a-model", fetch, use_safetensors)
        assert [name for name in fetch.asked if name in NAMES] == tried[: number + 1]
        assert len(found.files) == (2 if tried[number].endswith(".json") else 1)
        assert (found.sharded_metadata is None) == (len(found.files) == 1)


def test_a_variant_is_part_of_the_name(folder, fetch):
    with pytest.raises(CheckpointError, match=r"wanted model\.fp16\.safetensors or model\.safet"):
        find_checkpoint("a-model", fetch, variant="fp16")
    assert fetch.asked[:4] == [
        "model.fp16.safetensors",
        "model.safetensors.index.fp16.json",
        "pytorch_model.fp16.bin",
        "pytorch_model.bin.index.fp16.json",
    ]
    for name in ("pytorch_model.bin.index.fp16.json", "model.fp16.safetensors"):
        make(folder, name)
        found = find_checkpoint("a-model", fetch, variant="fp16")
        assert len(found.files) == (2 if name.endswith(".json") else 1)


@pytest.mark.parametrize(
    ("there", "asked", "fix"),
    [
        ("model.safetensors", {"variant": "fp16"}, "There is model.safetensors: leave out variant"),
        ("pytorch_model.bin", {"use_safetensors": True}, "There is pytorch_model.bin: leave out"),
        ("model.safetensors", {"use_safetensors": False}, "There is model.safetensors: leave out"),
        ("tf_model.h5", {}, "There is tf_model.h5, which tinyhf does not read: save it as saf"),
    ],
)
def test_what_is_there_instead(folder, fetch, there, asked, fix):
    make(folder, there)
    with pytest.raises(CheckpointError, match=rf"there are no weights \(wanted .*\)\. {fix}"):
        find_checkpoint("a-model", fetch, **asked)


def test_a_missing_shard_names_file_and_first_tensor(folder, fetch):
    shard = "model-00009-of-00009.safetensors"
    sentence = refusal(folder, fetch, {"weight_map": {**SHARDS, "c.w": shard, "d.w": shard}})
    assert f"names the shard '{shard}', which is not there (it should hold 'c.w')" in sentence
    assert "fetch the missing file" in sentence


@pytest.mark.parametrize(
    "shard",
    [
        "../model.safetensors",
        "..",
        ".",
        "",
        "/etc/passwd",
        "C:\\model.safetensors",
        "C:model.safetensors",
        "\\\\server\\share",
        "deeper/model.safetensors",
        "deeper\\model.safetensors",
        "model\0.safetensors",
        5,
        None,
        True,
    ],
)
def test_a_shard_is_a_plain_name(folder, fetch, shard):
    sentence = refusal(folder, fetch, {"weight_map": {**SHARDS, "c.weight": shard}})
    assert "names a shard outside its own folder (wanted a plain file name" in sentence
    assert repr(shard) in sentence
    assert not any(str(shard) == asked for asked in fetch.asked)


@pytest.mark.parametrize(
    "index",
    [
        "",
        "{",
        "[" * 100_000,
        "[]",
        "null",
        "{}",
        {"weight_map": None},
        {"weight_map": {}},
        {"weight_map": []},
        {"weight_map": "model.safetensors"},
        {"weight_map": {"a": ["model.safetensors"]}},
        {"weight_map": {"a": {}}},
        {"weight_map": SHARDS, "metadata": [1]},
        {"metadata": {"total_size": 1}},
    ],
)
def test_what_is_no_index(folder, fetch, index):
    sentence = refusal(folder, fetch, index)
    assert 'wanted JSON with "weight_map": {tensor name: file name}' in sentence


def test_an_index_that_is_no_text(folder, fetch):
    (folder / "model.safetensors.index.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CheckpointError, match="is not a shard index: UnicodeDecodeError"):
        find_checkpoint("a-model", fetch)
