"""Pickles that would run something: each is shown to be loaded, and each is refused unrun.

The pickles are real: what they do is make a file, and Python's own unpickler shows that they do.
"""

import contextlib
import copyreg
import os
import pickle
import re
import subprocess
import zipfile

import pytest

from tests.checkpoint.stored_tensors import GOLDEN
from tinyhf.checkpoint import load_state_dict
from tinyhf.errors import CheckpointError

LEGACY = (GOLDEN / "legacy.bin").read_bytes()
TENSORS = LEGACY.index(b"\x80\x02}q\x00(X\x07\x00\x00\x00float64")  # where that pickle begins
KEYS = LEGACY.rindex(b"\x80\x02]")
EXTENSION = 240  # of the numbers that copyreg leaves for private use
SYSTEM = f"{os.system.__module__}.system"  # posix.system, which is os.system


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function, *arguments, state=None):
        self.reduced = (function, arguments, *([state] if state else []))

    def __reduce__(self):
        return self.reduced


class RunsWhenBuilt:
    """The instruction BUILD calls this."""

    command = None

    def __setstate__(self, state):
        os.system(self.command)


def text(value):
    """The instruction that pushes a text."""
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def attacks(command):
    """name → (the pickle, what its refusal names)."""
    code, word = f"__import__('os').system({command!r})", text(command)
    call = Call(os.system, command)
    run = b"cos\nsystem\n(" + word + b"tR"  # the instructions of such a call
    chain = b"c__builtin__\ngetattr\n(c__builtin__\n__import__\n(" + text("os") + b"tR"
    RunsWhenBuilt.command = command
    return {
        "os.system": (pickle.dumps(call, 2), SYSTEM),
        "os.system, later protocol": (pickle.dumps(call, 4), SYSTEM),
        "eval": (pickle.dumps(Call(eval, code), 2), "__builtin__.eval"),
        "exec": (pickle.dumps(Call(exec, code), 4), "builtins.exec"),
        "subprocess": (
            pickle.dumps(Call(subprocess.getoutput, command), 2),
            "getoutput",
        ),
        "as an argument": (b"\x80\x02ccollections\nOrderedDict\n(" + run + b"tR.", "os.system"),
        "as all arguments": (b"\x80\x02ccollections\nOrderedDict\n" + run + b"R.", "os.system"),
        "as an item": (pickle.dumps({"a": [(call,)]}, 2), SYSTEM),
        "as a key": (pickle.dumps({call: 1}, 2), SYSTEM),
        "as a persistent id": (b"\x80\x02" + run + b"Q.", "os.system"),
        "as an old persistent id": (b"\x80\x02" + run + b"0Pstorage\n.", "os.system"),
        "getattr": (b"\x80\x02" + chain + text("system") + b"tR(" + word + b"tR.", "getattr"),
        "a dotted name": (
            b"\x80\x04"
            + text("tests")
            + text("conftest.json.codecs.builtins.eval")
            + b"\x93("
            + text(code)
            + b"tR.",
            "tests.conftest.json.codecs.builtins.eval",
        ),
        "from the memo": (
            b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93(" + word + b"tR.",
            "os.system",
        ),
        "INST": (b"(" + word + b"ios\nsystem\n.", "instruction INST.*'os system'"),
        "OBJ": (b"(cos\nsystem\n" + word + b"o.", "os.system"),
        "state": (pickle.dumps(Call(os.system, command, state={"any": "thing"}), 2), SYSTEM),
        "__setstate__": (
            f"c{__name__}\nRunsWhenBuilt\n".encode() + b")\x81}b.",
            "RunsWhenBuilt",
        ),
        "EXT1": (bytes([0x82, EXTENSION]) + b"(" + word + b"tR.", "instruction EXT1"),
        "and gone again": (b"\x80\x02}" + run + b"0.", "os.system"),
    }


NAMES = list(attacks("true"))


def as_zip(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", content)


def as_legacy(path, content):
    """In place of the first pickle, which is read before the magic number is known."""
    path.write_bytes(content if content.startswith(b"\x80") else b"\x80\x02" + content)


def as_legacy_tensors(path, content):
    path.write_bytes(LEGACY[:TENSORS] + content)


def as_legacy_keys(path, content):
    path.write_bytes(LEGACY[:KEYS] + content)


@pytest.fixture
def made(tmp_path):
    """The file that every attack makes."""
    copyreg.add_extension("os", "system", EXTENSION)
    yield tmp_path / "made"
    copyreg.remove_extension("os", "system", EXTENSION)


@pytest.mark.parametrize("place", [as_zip, as_legacy, as_legacy_tensors, as_legacy_keys])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_runs(tmp_path, made, name, place):
    content, named = attacks(f"touch {made}")[name]
    path = tmp_path / "pytorch_model.bin"
    place(path, content)
    with pytest.raises(CheckpointError) as refused:
        load_state_dict(path)
    assert not made.exists()
    sentence = str(refused.value)
    assert re.search(named, sentence)
    assert "nothing of the file was run" in sentence
    assert "Use a safetensors file" in sentence


class Forgetful(pickle.Unpickler):
    """Python's own, which knows no storages."""

    def persistent_load(self, described):
        return None


@pytest.mark.parametrize("name", NAMES)
def test_python_would_have_run_it(tmp_path, made, name):
    """Otherwise the tests above would prove nothing."""
    content, _ = attacks(f"touch {made}")[name]
    (tmp_path / "pickle").write_bytes(content)
    with (tmp_path / "pickle").open("rb") as file, contextlib.suppress(Exception):
        Forgetful(file).load()
    assert made.exists()


@pytest.mark.parametrize(
    "name",
    [
        "torch.load",
        "torch.storage._load_from_bytes",
        "torch._utils._rebuild_qtensor",
        "torch._utils._rebuild_device_tensor_from_numpy",
        "torch.nn.modules.linear.Linear",
        "torch.float32.__class__",
        "torch._utils._rebuild_tensor_v2.__globals__",
        "numpy.core.multiarray._reconstruct",
        "argparse.Namespace",
        "tinyhf.checkpoint.torch_file.rebuild_tensor",
        "a.\x1b[31mred",
    ],
)
def test_other_names_are_refused_by_name(tmp_path, name):
    module, _, last = name.rpartition(".")
    as_zip(tmp_path / "a.bin", b"\x80\x04" + text(module) + text(last) + b"\x93.")
    with pytest.raises(CheckpointError, match=re.escape(f"got {name!r}")[:60]):
        load_state_dict(tmp_path / "a.bin")


@pytest.mark.parametrize(
    "content",
    [
        b"ccollections\nOrderedDict\n)R}b.",  # state of an OrderedDict: no harm, and ignored
        b"}(" + text("_metadata") + b"}" + b"u0.",
    ],
)
def test_what_is_known_cannot_be_changed(tmp_path, content):
    from tinyhf.checkpoint import torch_file

    before = dict(torch_file.KNOWN)
    as_zip(tmp_path / "a.bin", content)
    with contextlib.suppress(CheckpointError):
        load_state_dict(tmp_path / "a.bin")
    assert before == torch_file.KNOWN


@pytest.mark.parametrize(
    "function",
    ["collections\nOrderedDict", "torch._utils\n_rebuild_tensor_v2", "torch\nFloatStorage"],
)
def test_functions_take_no_attributes(tmp_path, function):
    as_zip(tmp_path / "a.bin", f"c{function}\n}}".encode() + text("__code__") + b"K\x00sb.")
    with pytest.raises(CheckpointError, match="sets attributes of something other than an Ordered"):
        load_state_dict(tmp_path / "a.bin")


def test_deep_and_wide_pickles_end(tmp_path):
    """Nested a hundred thousand times, or with room for two milliards of repeated things."""
    for content in (
        b"(" * 100_000 + b"t" * 100_000 + b".",
        b"]" + b"\x85" * 100_000 + b".",
        b"}r\xff\xff\xff\x7f.",
        b"}" + b"]\x85" + b"\x85" * 100_000 + b"K\x00s.",  # as a key, whose hash would recurse
    ):
        as_zip(tmp_path / "a.bin", content)
        with contextlib.suppress(CheckpointError):
            load_state_dict(tmp_path / "a.bin")
