"""Weights into shards and an index: whole or not at all."""

import json

import numpy
import pytest
from safetensors.numpy import load_file, save_file

from tinyhf.backend import bfloat16, to_device
from tinyhf.checkpoint import find_checkpoint, save_state_dict, saving
from tinyhf.checkpoint.saving import parse_size, split_into_shards
from tinyhf.errors import ArgumentError


@pytest.fixture
def state_dict():
    """Four tensors of 400, 400, 40 and 800 bytes."""
    sizes = {"b": 100, "a": 100, "c": 10, "d": 200}
    return {name: numpy.arange(size, dtype="float32") for name, size in sizes.items()}


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def read_all(folder):
    found = find_checkpoint("", lambda name: folder / name if (folder / name).is_file() else None)
    return {name: array for path in found.files for name, array in load_file(path).items()}


def test_one_file(tmp_path, state_dict):
    save_state_dict(state_dict, tmp_path)
    assert files(tmp_path) == ["model.safetensors"]
    for name, array in load_file(tmp_path / "model.safetensors").items():
        numpy.testing.assert_array_equal(array, state_dict[name])


def test_shards_are_filled_in_order(tmp_path, state_dict):
    save_state_dict(state_dict, tmp_path, max_shard_size=810)
    first, second, third = (f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3))
    assert files(tmp_path) == [first, second, third, "model.safetensors.index.json"]
    index = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert index == {
        "metadata": {"total_parameters": 410, "total_size": 1640},
        "weight_map": {"a": first, "b": first, "c": second, "d": third},
    }
    assert list(index["weight_map"]) == ["a", "b", "c", "d"]
    assert read_all(tmp_path).keys() == state_dict.keys()


def test_a_tensor_larger_than_a_shard_gets_its_own(state_dict):
    shards = split_into_shards(state_dict, 1)
    assert list(shards.values()) == [["b"], ["a"], ["c"], ["d"]]


@pytest.mark.parametrize("limit", [1, 399, 400, 800, 840, 1639, 1640, 10**9])
def test_nothing_is_lost_and_no_shard_too_large(state_dict, limit):
    shards = split_into_shards(state_dict, limit).values()
    assert [name for names in shards for name in names] == list(state_dict)
    for names in shards:
        assert len(names) == 1 or sum(state_dict[name].nbytes for name in names) <= limit


@pytest.mark.parametrize(
    ("size", "count"),
    [
        (7, 7),
        ("7", 7),
        ("500KB", 500_000),
        ("5gb", 5 * 10**9),
        ("2 MiB", 2**21),
        ("1.5GiB", 3 * 2**29),
    ],
)
def test_sizes(size, count):
    assert parse_size(size) == count


@pytest.mark.parametrize("size", ["", "GB", "5XB", "-1", "five", None, "5GBs"])
def test_sizes_that_are_none(size):
    with pytest.raises(ArgumentError, match=r"max_shard_size: no such size.*500KB"):
        parse_size(size)


def test_half_types_and_views_are_stored_as_they_are(tmp_path):
    square = numpy.arange(6).reshape(2, 3)
    arrays = {"half": square.astype(bfloat16), "turned": square.astype("float32").T}
    save_state_dict(arrays, tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert stored["half"].dtype == bfloat16
    assert stored["turned"].tolist() == [[0, 3], [1, 4], [2, 5]]


def test_arrays_of_a_device(tmp_path, strict_library):
    save_state_dict({"a": to_device(numpy.ones(2), "strict")}, tmp_path)
    assert load_file(tmp_path / "model.safetensors")["a"].tolist() == [1, 1]


def test_the_format_is_said_as_transformers_wants_it(tmp_path, state_dict):
    save_state_dict(state_dict, tmp_path)
    assert b'"__metadata__":{"format":"pt"}' in (tmp_path / "model.safetensors").read_bytes()[:200]


@pytest.mark.parametrize(("before", "after"), [(500, 10**9), (10**9, 500), (300, 900), (900, 300)])
def test_weights_of_an_earlier_save_are_removed(tmp_path, state_dict, before, after):
    (tmp_path / "config.json").touch()
    (tmp_path / "adapter_model.safetensors").touch()
    save_state_dict({name: -array for name, array in state_dict.items()}, tmp_path, before)
    save_state_dict(state_dict, tmp_path, after)
    numpy.testing.assert_array_equal(read_all(tmp_path)["d"], state_dict["d"])
    weights = [name for name in files(tmp_path) if name.startswith("model")]
    expected = list(split_into_shards(state_dict, after))
    if len(expected) > 1:
        expected.append("model.safetensors.index.json")
    assert weights == expected
    assert {"config.json", "adapter_model.safetensors"} <= set(files(tmp_path))


@pytest.mark.parametrize("interruption", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_save_leaves_the_earlier_one_whole(
    tmp_path, state_dict, monkeypatch, interruption
):
    save_state_dict(state_dict, tmp_path, 810)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def fail_at_the_second(arrays, path, metadata):
        save_file(arrays, path, metadata)  # half of the file may be there already
        if "00002" in str(path):
            raise interruption

    monkeypatch.setattr(saving, "save_file", fail_at_the_second)
    with pytest.raises(type(interruption)):
        save_state_dict({name: -array for name, array in state_dict.items()}, tmp_path, 810)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
