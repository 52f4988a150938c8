"""Files of torch.save, zip and legacy: read as torch reads them; every kind of damage refused."""

import io
import pickle
import shutil
import zipfile

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.checkpoint.stored_tensors import FILES, GOLDEN, VIEWS, expected
from tinyhf.checkpoint import TorchLegacyFile, TorchZipFile, load_state_dict
from tinyhf.errors import CheckpointError

ZIP = (GOLDEN / "zip.bin").read_bytes()
LEGACY = (GOLDEN / "legacy.bin").read_bytes()


def damage(path, content):
    """The sentence with which a file of this content is refused."""
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin: ") as refused:
        load_state_dict(path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def rezipped(changes=(), compression=zipfile.ZIP_STORED, folder="zip"):
    """The golden archive with some files replaced (None: left out), or compressed."""
    with zipfile.ZipFile(GOLDEN / "zip.bin") as archive:
        files = {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", compression) as archive:
        for name, content in {**files, **dict(changes)}.items():
            if content is not None:
                archive.writestr(f"{folder}/{name}", content)
    return output.getvalue()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "pytorch_model.bin"


# ---- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", FILES)
def test_all_types_and_views(file):
    shard, arrays = load_state_dict(GOLDEN / file), expected()
    assert list(shard) == list(arrays)
    for name, array in arrays.items():
        info = shard.tensors[name]
        assert (shard[name].dtype, shard[name].shape) == (array.dtype, array.shape), name
        assert (info.dtype, info.shape) == (array.dtype, array.shape), name
        assert shard[name].tobytes() == array.tobytes(), name


@pytest.mark.parametrize("file", FILES)
def test_arrays_view_the_file_and_share_storages(file):
    shard = load_state_dict(GOLDEN / file)
    assert {shard[name].flags.owndata for name in shard} == {False}
    assert {shard[name].flags.writeable for name in shard} == {False}
    whole = shard["whole"]
    shared = [name for name in VIEWS if name != "nothing"]
    assert all(numpy.may_share_memory(whole, shard[name]) for name in shared)
    for name in shard:
        shard.release(name)
    assert whole[3, 5] == 23


def test_the_content_decides_about_the_reader(tmp_path):
    for file, reader in (("zip.bin", TorchZipFile), ("legacy.bin", TorchLegacyFile)):
        for name in ("model", "model.pt", "model.pth", "pytorch_model-00001-of-00002.bin"):
            shutil.copy(GOLDEN / file, tmp_path / name)
            assert type(load_state_dict(tmp_path / name)) is reader


def test_the_folder_in_the_archive_may_have_any_name(path):
    path.write_bytes(rezipped(folder="pytorch_model"))
    assert load_state_dict(path)["part"].tolist() == [5, 6, 7, 8, 9, 10]


# ---- damage --------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [ZIP, LEGACY], ids=FILES)
def test_cut_anywhere(path, content):
    for length in [*range(400), *range(400, len(content), 37), len(content) - 1]:
        damage(path, content[:length])


@pytest.mark.parametrize("content", [ZIP, LEGACY], ids=FILES)
@settings(max_examples=100, deadline=None)
@given(st.data())
def test_one_changed_byte_is_refused_or_harmless(tmp_path_factory, content, data):
    content = bytearray(content)
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed.bin"
    path.write_bytes(content)
    try:
        shard = load_state_dict(path)
    except CheckpointError:
        return
    for name, info in shard.tensors.items():
        assert 0 <= info.start <= info.end <= len(content), name
        assert shard[name].shape == info.shape


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"data.pkl": None}, "not of torch.save: it has no data.pkl"),
        ({"data/3": None}, "has no 'data/3' in its archive"),
        ({"data/3": bytes(7)}, "has a storage '3' of another size than its pickle says"),
        ({"byteorder": b"big"}, "was written on a computer with another byte order"),
        ({"data.pkl": b""}, r"holds a damaged pickle \(pickle exhausted before seeing STOP\)"),
        ({"data.pkl": b"\xff."}, "holds a damaged pickle"),
        ({"data.pkl": pickle.dumps([1, 2], 2)}, "holds no dict, but a list"),
        ({"data.pkl": pickle.dumps({"epoch": 3}, 2)}, "holds 'epoch', which is no tensor"),
        ({"data.pkl": pickle.dumps({"model": {}}, 2)}, "holds 'model', which is no tensor"),
        ({"data.pkl": pickle.dumps({3: None}, 2)}, "sets items of something other than a dict"),
    ],
)
def test_archives_that_are_not_whole(path, changes, problem):
    path.write_bytes(rezipped(changes))
    with pytest.raises(CheckpointError, match=problem):
        load_state_dict(path)


def test_compressed_archives(path):
    assert "as torch.save never does" in damage(path, rezipped(compression=zipfile.ZIP_DEFLATED))


def test_an_archive_whose_directory_lies(path):
    content, entry = bytearray(ZIP), ZIP.index(b"PK\x01\x02")
    content[entry + 42] ^= 1  # the place of the first file
    assert "directory is wrong about" in damage(path, bytes(content))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ((24, (1,), (1,)), "reaches beyond its storage"),
        ((0, (25,), (1,)), "reaches beyond its storage"),
        ((0, (2, 13), (13, 1)), "reaches beyond its storage"),
        ((1, (4, 6), (6, 1)), "reaches beyond its storage"),
        ((0, (2,), (2**62,)), "reaches beyond its storage"),
        ((-1, (2,), (1,)), "a tensor that cannot be"),
        ((0, (2,), (-1,)), "a tensor that cannot be"),
        ((0, (-2,), (1,)), "a tensor that cannot be"),
        ((0, (2,), (1, 1)), "a tensor that cannot be"),
        ((0, (2.0,), (1,)), "a tensor that cannot be"),
        ((True, (2,), (1,)), "a tensor that cannot be"),
        ((0, ("2",), (1,)), "a tensor that cannot be"),
        ((0, 2, 1), "holds a damaged pickle"),
        ((None, (), ()), "a tensor that cannot be"),
        ((0, (2,), (1,), {"conj": True}), "a tensor that cannot be"),
    ],
)
def test_tensors_that_cannot_be(path, wrong, problem):
    path.write_bytes(rezipped({"data.pkl": one_tensor(*wrong[:3], False, None, *wrong[3:])}))
    with pytest.raises(CheckpointError, match=problem):
        load_state_dict(path)


def test_a_tensor_that_can_be(path):
    path.write_bytes(rezipped({"data.pkl": one_tensor(4, (2, 3), (3, 1), False, None)}))
    assert load_state_dict(path)["a"].tolist() == [[4, 5, 6], [7, 8, 9]]


@pytest.mark.parametrize(
    "described",
    [
        ("module", "torch FloatStorage", "17", "cpu", 24),
        ("storage", "torch FloatStorage", 0, "cpu", 24),
        ("storage", "torch FloatStorage", "17", "cpu", -24),
        ("storage", "torch FloatStorage", "17", "cpu", 24.0),
        ("storage", "torch FloatStorage", "17", "cpu", True),
        ("storage", "collections OrderedDict", "17", "cpu", 24),
        ("storage", "torch FloatStorage", "17", "cpu", 24, ("1", 0, 3)),
        ("storage", "torch FloatStorage", "../17", "cpu", 24),
        ("storage", "torch FloatStorage"),
        (),
    ],
)
def test_storages_that_cannot_be(path, described):
    path.write_bytes(
        rezipped({"data.pkl": one_tensor(0, (2,), (1,), False, None, storage=described)})
    )
    with pytest.raises(
        CheckpointError, match=r"a damaged pickle|has no 'data/\.\./17' in its arch"
    ):
        load_state_dict(path)


BASE = ("storage", "torch FloatStorage", "17", "cpu", 24)  # 0 … 23, in the golden archive


def one_tensor(*arguments, storage=BASE):
    """The pickle of {"a": _rebuild_tensor_v2(storage, *arguments)}, whatever that may be."""
    described = b"(" + b"".join(map(instructions, storage)) + b"tQ"
    call = instructions("torch._utils _rebuild_tensor_v2") + b"(" + described
    call += b"".join(map(instructions, arguments)) + b"tR"
    return b"\x80\x02}" + instructions("a") + call + b"s."


def instructions(value):
    """What pushes a value; a text with a space is the name of a class or function."""
    if isinstance(value, str) and " " in value:
        return f"c{value.replace(' ', chr(10))}\n".encode()
    return pickle.dumps(value, 2)[2:-1]


# ---- other files under that name -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is no weight file"),
        (b"<html>404</html>", "is no weight file .*got b'<html>404"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of Git LFS.*git lfs pull"),
        (pickle.dumps({"a": 1}, 2), "does not begin as torch.save begins a file|damaged pickle"),
        (b"\x80\x02.", "damaged pickle"),
    ],
)
def test_other_files(path, content, problem):
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=problem):
        load_state_dict(path)


def test_a_pointer_instead_of_safetensors(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(CheckpointError, match="pointer of Git LFS"):
        load_state_dict(tmp_path / "model.safetensors")


def test_legacy_files_with_wrong_storages(path):
    where = LEGACY.rindex(b"\x80\x02]")  # the list of storage keys
    keys = pickle.loads(LEGACY[where:])
    rest = LEGACY[where + len(pickle.dumps(keys, 2)) :]
    for wrong in (keys[:-1], [*keys, "unknown"], dict.fromkeys(keys), [0], keys + keys):
        damage(path, LEGACY[:where] + pickle.dumps(wrong, 2) + rest)


def test_legacy_files_of_another_computer(path):
    assert LEGACY.count(b"little_endianq\x02\x88") == 1
    content = LEGACY.replace(b"little_endianq\x02\x88", b"little_endianq\x02\x89")
    assert "another byte order" in damage(path, content)


# ---- the real thing ------------------------------------------------------------------------------


def test_chatglm_as_it_was_published(shared_data):
    """The same weights in both formats; and quantized ones, whose numbers are whole."""
    folder = shared_data.parent / "reference" / "chatglm6b"
    shards = sorted((folder / "model_fp16_bin").glob("*.bin"))
    safe = load_state_dict(folder / "model_fp16_safetensors" / "model.safetensors")
    arrays = {name: array for shard in shards for name, array in load_state_dict(shard).items()}
    assert set(arrays) == set(safe)
    for name, array in arrays.items():
        assert array.dtype == safe[name].dtype
        numpy.testing.assert_array_equal(array, safe[name])
    for bits in (4, 8):
        shard = load_state_dict(folder / f"model_int{bits}_bin" / "pytorch_model.bin")
        assert {str(info.dtype) for info in shard.tensors.values()} == {
            "int8",
            "float16",
            "float32",
        }
