"""Floor 1 · Weight files: from a name to shards, from shards to named arrays, and back."""

from tinyhf.checkpoint.index import Checkpoint, find_checkpoint, get_checkpoint_shard_files
from tinyhf.checkpoint.safetensors_file import SafetensorsFile, load_state_dict
from tinyhf.checkpoint.saving import save_state_dict

__all__ = [
    "Checkpoint",
    "SafetensorsFile",
    "find_checkpoint",
    "get_checkpoint_shard_files",
    "load_state_dict",
    "save_state_dict",
]
