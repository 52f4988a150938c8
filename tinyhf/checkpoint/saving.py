"""Floor 1 · Weights back into shards and an index, as transformers writes and reads them.

Mirrors save_pretrained of transformers/modeling_utils.py and split_torch_state_dict_into_shards of
huggingface_hub.
"""

import json
import os
import re
from pathlib import Path

import numpy
from safetensors.numpy import save_file

from tinyhf.backend import to_host
from tinyhf.checkpoint.index import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME
from tinyhf.errors import ArgumentError

UNITS = {
    "": 1,
    **{f"{letter}B": 1000**power for power, letter in enumerate("KMGT", 1)},
    **{f"{letter}IB": 1024**power for power, letter in enumerate("KMGT", 1)},
}
OLD_WEIGHTS = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$")


def save_state_dict(state_dict, save_directory, max_shard_size="50GB"):
    """Write arrays by name into ``save_directory``: one file, or shards and an index.

    Every file is written under a temporary name first and all are renamed at the end, so that an
    interruption never leaves a half-written checkpoint; weights of an earlier save are removed.

    Args:
        state_dict: full name → array, on any device.
        max_shard_size: bytes, or "500KB", "5GB" …; a larger tensor gets a shard of its own.
    """
    folder = Path(save_directory)
    shards = split_into_shards(state_dict, parse_size(max_shard_size))
    written = {}  # temporary path → final path
    try:
        for file_name, names in shards.items():
            temporary = folder / f"{file_name}.tmp"
            written[temporary] = folder / file_name
            arrays = {name: numpy.ascontiguousarray(to_host(state_dict[name])) for name in names}
            save_file(arrays, temporary, metadata={"format": "pt"})
        if len(shards) > 1:
            temporary = folder / f"{SAFE_WEIGHTS_INDEX_NAME}.tmp"
            written[temporary] = folder / SAFE_WEIGHTS_INDEX_NAME
            temporary.write_text(_index_text(state_dict, shards), encoding="utf-8")
    except BaseException:
        for temporary in written:
            temporary.unlink(missing_ok=True)
        raise
    for temporary, final in written.items():
        os.replace(temporary, final)
    for old in folder.iterdir():
        if OLD_WEIGHTS.match(old.name) and old not in written.values():
            old.unlink()


def split_into_shards(state_dict, max_bytes):
    """File name → tensor names, filled in order up to ``max_bytes``."""
    groups, size = [[]], 0
    for name, array in state_dict.items():
        if groups[-1] and size + array.nbytes > max_bytes:
            groups.append([])
            size = 0
        groups[-1].append(name)
        size += array.nbytes
    if len(groups) == 1:
        return {SAFE_WEIGHTS_NAME: groups[0]}
    total = len(groups)
    return {f"model-{i:05d}-of-{total:05d}.safetensors": names for i, names in enumerate(groups, 1)}


def parse_size(size, where="max_shard_size"):
    """Bytes from a number or from a text such as "5GB"."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?I?B?)", str(size).upper())
    if not match or match[2] not in UNITS:
        wanted = 'a number of bytes, "500KB", "5GB" …'
        raise ArgumentError("no such size", where=where, wanted=wanted, got=size)
    return int(float(match[1]) * UNITS[match[2]])


def _index_text(state_dict, shards):
    metadata = {
        "total_parameters": sum(array.size for array in state_dict.values()),
        "total_size": sum(array.nbytes for array in state_dict.values()),
    }
    weight_map = {name: file_name for file_name, names in shards.items() for name in names}
    index = {"metadata": metadata, "weight_map": dict(sorted(weight_map.items()))}
    return json.dumps(index, indent=2) + "\n"
