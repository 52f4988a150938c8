"""Floor 1 · Weight files: from a name to shards, from shards to named arrays, and back.

Reading order: index → state_dict → mapped_file → safetensors_file, and for ``.bin`` files
torch_zip, torch_legacy → torch_file → unpickler; saving.
"""

from tinyhf.checkpoint.index import Checkpoint, find_checkpoint, get_checkpoint_shard_files
from tinyhf.checkpoint.mapped_file import MappedFile, TensorInfo
from tinyhf.checkpoint.safetensors_file import SafetensorsFile
from tinyhf.checkpoint.saving import parse_size, save_state_dict
from tinyhf.checkpoint.state_dict import load_state_dict
from tinyhf.checkpoint.torch_legacy import TorchLegacyFile
from tinyhf.checkpoint.torch_zip import TorchZipFile

__all__ = [
    "Checkpoint",
    "MappedFile",
    "SafetensorsFile",
    "TensorInfo",
    "TorchLegacyFile",
    "TorchZipFile",
    "find_checkpoint",
    "get_checkpoint_shard_files",
    "load_state_dict",
    "parse_size",
    "save_state_dict",
]
