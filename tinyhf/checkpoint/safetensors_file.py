"""Floor 1 · One shard: a ``.safetensors`` file, mapped into memory and read tensor by tensor.

Mirrors safetensors.safe_open. The library's NumPy reader copies each tensor and keeps every page it
has read; this one gives views of the file and can let go of them, so that loading needs no second
copy of the weights. The whole format:

    8 bytes   N, the header's length, little-endian
    N bytes   JSON: {"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, …}
    the rest  the numbers, row by row, each tensor at its offsets
"""

import json
import math
import mmap
import operator
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import ml_dtypes
import numpy

from tinyhf.errors import CheckpointError

DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


class TensorInfo(NamedTuple):
    """What the header says of one tensor; its bytes are those from ``start`` to ``end``."""

    dtype: numpy.dtype
    shape: tuple
    start: int
    end: int


class SafetensorsFile(Mapping):
    """``shard["model.norm.weight"]`` is an array that views the file; nothing is copied.

    Args:
        path: the file.

    Raises:
        CheckpointError: the file is cut short, or its header is damaged.
    """

    def __init__(self, path):
        self.path = str(path)
        with open(path, "rb") as file:
            size = file.seek(0, 2)
            if size < 8:
                raise self._damaged(
                    "is too short for a safetensors file", wanted="8 bytes", got=size
                )
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header = self._read_header(size)
        self.metadata = header.pop("__metadata__", {})
        self.tensors = {name: self._info(name, entry) for name, entry in header.items()}
        self._check_extent(size)

    def __getitem__(self, name):
        info = self.tensors[name]
        count = math.prod(info.shape)
        flat = numpy.frombuffer(self._map, info.dtype, count, info.start)
        return flat.reshape(info.shape)

    def __iter__(self):
        return iter(self.tensors)

    def __len__(self):
        return len(self.tensors)

    def release(self, name):
        """Let go of the pages of a tensor that has been copied; reading it again maps them anew."""
        info, page = self.tensors[name], mmap.PAGESIZE
        first, last = -(-info.start // page), info.end // page  # pages that are wholly its own
        if last > first and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED, first * page, (last - first) * page)

    def _read_header(self, size):
        length = int.from_bytes(self._map[:8], "little")
        if length > size - 8:
            raise self._damaged("has a header longer than the file", wanted=length, got=size - 8)
        self._data_start = 8 + length
        try:
            header = json.loads(self._map[8 : self._data_start])
        except (ValueError, RecursionError) as error:
            raise self._damaged(f"has a header that is not JSON: {error}") from error
        if not isinstance(header, dict):
            raise self._damaged("has a header that is not a JSON object", got=header)
        return header

    def _info(self, name, entry):
        try:
            dtype, shape = numpy.dtype(DTYPES[entry["dtype"]]), tuple(entry["shape"])
            start, end = entry["data_offsets"]
            fits = end - start == math.prod(shape) * dtype.itemsize and min(start, *shape, 0) == 0
            fits = fits and set(map(type, (start, end, *shape))) == {int}
        except (KeyError, TypeError, ValueError):
            fits = False
        if not fits:
            raise self._damaged(f"describes the tensor {name!r} in a way that cannot be", got=entry)
        return TensorInfo(dtype, shape, self._data_start + start, self._data_start + end)

    def _check_extent(self, size):
        """The tensors must lie side by side and end where the file ends."""
        end = self._data_start
        for info in sorted(self.tensors.values(), key=operator.attrgetter("start", "end")):
            if info.start != end:
                raise self._damaged("has tensors that overlap, or a gap between them")
            end = info.end
        if end != size:
            raise self._damaged("does not end where its last tensor ends", wanted=end, got=size)

    def _damaged(self, problem, **sizes):
        fix = "It is damaged or was not copied whole; download it again"
        return CheckpointError(problem, where=self.path, fix=fix, **sizes)


def load_state_dict(shard_file):
    """The tensors of one shard by name, as views of the file."""
    if not Path(shard_file).is_file():
        raise CheckpointError("there is no such file", where=str(shard_file))
    return SafetensorsFile(shard_file)
