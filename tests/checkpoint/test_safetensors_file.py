"""One shard: read as safetensors' own reader reads it, and every kind of damage refused."""

import json

import ml_dtypes
import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, deserialize
from safetensors.numpy import save, save_file

from tinyhf.checkpoint import SafetensorsFile, load_state_dict
from tinyhf.checkpoint.safetensors_file import DTYPES
from tinyhf.errors import CheckpointError


def shard_bytes(header, data=b""):
    """A file with this header, which may be a dict or any bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(2,), start=0, end=8):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


def damage(path, content):
    """The sentence with which a file of this content is refused."""
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model\.safetensors: ") as refused:
        SafetensorsFile(path)
    assert "\n" not in str(refused.value)
    assert "download it again" in str(refused.value)
    return str(refused.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


# ---- reading -------------------------------------------------------------------------------------

shapes = st.lists(st.integers(0, 4), max_size=3).map(tuple)
tensors = st.dictionaries(
    st.text("abc.é\U0001f600", max_size=6), st.tuples(st.sampled_from(sorted(DTYPES)), shapes)
)


@settings(max_examples=60, deadline=None)
@given(tensors, st.randoms(use_true_random=False))
def test_equals_the_reader_of_safetensors(tmp_path_factory, tensors, random):
    arrays = {}
    for name, (dtype, shape) in tensors.items():
        dtype = numpy.dtype(DTYPES[dtype])
        count = int(numpy.prod(shape)) * dtype.itemsize
        raw = bytes(random.randrange(2 if dtype.kind == "b" else 256) for _ in range(count))
        arrays[name] = numpy.frombuffer(raw, dtype).reshape(shape)
    content = save(arrays)
    path = tmp_path_factory.getbasetemp() / "any.safetensors"
    path.write_bytes(content)

    ours, theirs = SafetensorsFile(path), dict(deserialize(content))
    assert set(ours) == set(theirs) == set(arrays)
    assert len(ours) == len(arrays)
    for name, array in ours.items():
        assert list(array.shape) == theirs[name]["shape"]
        assert array.dtype == DTYPES[theirs[name]["dtype"]]
        assert array.tobytes() == bytes(theirs[name]["data"]) == arrays[name].tobytes()


def test_arrays_view_the_file(path):
    save_file({"a": numpy.arange(6, dtype="float32").reshape(2, 3)}, path, {"format": "pt"})
    shard = SafetensorsFile(path)
    assert not shard["a"].flags.owndata
    assert not shard["a"].flags.writeable
    assert shard.metadata == {"format": "pt"}
    assert shard["a"][1, 2] == 5
    with pytest.raises(KeyError):
        shard["b"]


def test_bfloat16_is_a_true_type(path):
    save_file({"a": numpy.array([1.5, -2], ml_dtypes.bfloat16)}, path)
    assert SafetensorsFile(path)["a"].tolist() == [1.5, -2.0]


@pytest.mark.parametrize("size", [1, 1000, 5000, 100_000])
def test_released_tensors_can_be_read_again(path, size):
    arrays = {name: numpy.arange(size, dtype="float32") + size for name in "abc"}
    save_file(arrays, path)
    shard = SafetensorsFile(path)
    view = shard["b"]
    for name in shard:
        shard.release(name)
        shard.release(name)
    for name in "abc":
        numpy.testing.assert_array_equal(shard[name], arrays[name])
    numpy.testing.assert_array_equal(view, arrays["b"])


def test_an_empty_tensor_may_stand_anywhere_in_the_header(path):
    header = {"b": entry(), "a": entry(shape=(0,), end=0), "c": entry(shape=(0,), start=8)}
    path.write_bytes(shard_bytes(header, bytes(8)))
    assert SafetensorsFile(path)["a"].shape == SafetensorsFile(path)["c"].shape == (0,)


def test_an_empty_checkpoint(path):
    path.write_bytes(shard_bytes({}))
    assert dict(SafetensorsFile(path)) == {}


def test_no_such_file(path):
    with pytest.raises(CheckpointError, match=r"model\.safetensors: there is no such file"):
        load_state_dict(path)


# ---- damage --------------------------------------------------------------------------------------


def test_cut_anywhere(path):
    whole = save({"a": numpy.ones(3, "float32"), "b": numpy.ones((2, 2), "int64")})
    for length in range(len(whole)):
        damage(path, whole[:length])


def test_too_short(path):
    assert "is too short for a safetensors file (wanted 8 bytes, got 3)" in damage(path, b"abc")
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="too short"):
        SafetensorsFile(path)


@pytest.mark.parametrize("length", [1000, 2**40, 2**64 - 1])
def test_header_longer_than_the_file(path, length):
    content = length.to_bytes(8, "little") + b"{}"
    sentence = damage(path, content)
    assert f"has a header longer than the file (wanted {length}, got 2)" in sentence


@pytest.mark.parametrize("header", [b"{", b"\xff\xfe{}", b"nonsense", b"[" * 100_000])
def test_header_that_is_not_json(path, header):
    assert "has a header that is not JSON" in damage(path, shard_bytes(header))


@pytest.mark.parametrize("header", [b"[]", b"3", b"null", b'"a"'])
def test_header_that_is_no_object(path, header):
    assert "has a header that is not a JSON object" in damage(path, shard_bytes(header))


@pytest.mark.parametrize(
    "wrong",
    [
        entry(dtype="F33"),
        entry(dtype="float32"),
        entry(dtype=None),
        entry(dtype=["F32"]),
        entry(dtype="F64"),
        entry(shape=(3,)),
        entry(shape=(-2,)),
        entry(shape=(-1, -2)),
        entry(shape=(2.0,)),
        entry(shape=(True, 2)),
        entry(shape=("2",)),
        entry(start=8, end=0),
        entry(start=-8, end=0),
        entry(end=8.0),
        {**entry(), "shape": 2},
        {**entry(), "data_offsets": [0]},
        {**entry(), "data_offsets": None},
        {"dtype": "F32", "shape": [2]},
        {},
        [],
        None,
        "F32",
    ],
)
def test_tensor_that_cannot_be(path, wrong):
    sentence = damage(path, shard_bytes({"good": entry(), "model.bad": wrong}, bytes(16)))
    assert "describes the tensor 'model.bad' in a way that cannot be (got " in sentence


@pytest.mark.parametrize(
    ("start", "data", "problem"),
    [
        (16, 24, "overlap, or a gap"),
        (4, 12, "overlap, or a gap"),
        (8, 17, "does not end where its last tensor ends"),
        (8, 12, "does not end where its last tensor ends"),
    ],
)
def test_tensors_must_fill_the_file_exactly(path, start, data, problem):
    header = {"a": entry(), "b": entry(start=start, end=start + 8)}
    content = shard_bytes(header, bytes(data))
    assert problem in damage(path, content)
    with pytest.raises(SafetensorError):
        deserialize(content)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_one_changed_byte_is_refused_or_harmless(tmp_path_factory, data):
    """What both readers accept they read alike."""
    content = bytearray(save({"a": numpy.arange(3, dtype="float32"), "b": numpy.ones(2, "int16")}))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.safetensors"
    path.write_bytes(content)
    try:
        theirs = dict(deserialize(bytes(content)))
    except SafetensorError:
        theirs = None
    try:
        ours = SafetensorsFile(path)
    except CheckpointError:
        return
    if theirs is not None:
        assert {name: array.tobytes() for name, array in ours.items()} == {
            name: bytes(info["data"]) for name, info in theirs.items()
        }
