"""Floor 1 · One shard: its first bytes say what it is, and that reader opens it.

Mirrors load_state_dict of transformers/modeling_utils.py.
"""

from pathlib import Path

from tinyhf.checkpoint.safetensors_file import SafetensorsFile
from tinyhf.checkpoint.torch_legacy import TorchLegacyFile
from tinyhf.checkpoint.torch_zip import TorchZipFile
from tinyhf.errors import CheckpointError

#: How the files of torch.save begin: a zip archive, a pickle of protocol 2 or later.
TORCH_FILES = {b"PK\x03\x04": TorchZipFile, b"\x80": TorchLegacyFile}


def load_state_dict(shard_file):
    """The tensors of one shard by name, as views of the file.

    Raises:
        CheckpointError: there is no such file, or it is damaged, or it holds more than tensors.
    """
    path = Path(shard_file)
    if not path.is_file():
        raise CheckpointError("there is no such file", where=str(path))
    with path.open("rb") as file:
        beginning = file.read(40)
    if beginning.startswith(b"version https://git-lfs"):
        raise CheckpointError(
            "is a pointer of Git LFS, not the weights themselves",
            where=str(path),
            fix="Fetch them with: git lfs pull",
        )
    if path.suffix == ".safetensors":
        return SafetensorsFile(path)
    for magic, reader in TORCH_FILES.items():
        if beginning.startswith(magic):
            return reader(path)
    if path.suffix == ".bin":
        wanted = "what torch.save writes: a zip archive, or pickles"
        raise CheckpointError("is no weight file", where=str(path), wanted=wanted, got=beginning)
    return SafetensorsFile(path)
