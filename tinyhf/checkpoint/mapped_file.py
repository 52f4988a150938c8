"""Floor 1 · What weight files of every format have in common: tensors by name, viewing the file.

Stands in for safetensors.safe_open and ``torch.load(mmap=True)``. The file is mapped into memory:
a view costs nothing until its numbers are read, and what has been read can be let go again, so that
loading needs no second copy of the weights.
"""

import mmap
from collections.abc import Mapping
from typing import NamedTuple

import numpy

from tinyhf.errors import CheckpointError


class TensorInfo(NamedTuple):
    """Where a tensor lies; its bytes are those from ``start`` to ``end``.

    ``strides`` are the bytes from one number to the next along each axis, as NumPy counts them;
    None means row by row without gaps.
    """

    dtype: numpy.dtype
    shape: tuple
    start: int
    end: int
    strides: tuple | None = None


class MappedFile(Mapping):
    """``shard["model.norm.weight"]`` is a read-only array that views the file; nothing is copied.

    A format fills ``tensors``, name → ``TensorInfo``.

    Raises:
        CheckpointError: the file is empty or cannot be mapped.
    """

    def __init__(self, path):
        self.path = str(path)
        self.tensors = {}
        with open(path, "rb") as file:
            self.size = file.seek(0, 2)
            if not self.size:
                raise self.damaged("is too short for weights: it is empty")
            try:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except OSError as error:  # a limit on address space, as of ulimit -v
                problem = f"cannot be mapped into memory ({error.strerror})"
                raise CheckpointError(problem, where=self.path) from error

    def __getitem__(self, name):
        dtype, shape, start, _, strides = self.tensors[name]
        return numpy.ndarray(shape, dtype, self._map, start, strides)

    def __iter__(self):
        return iter(self.tensors)

    def __len__(self):
        return len(self.tensors)

    def release(self, name):
        """Let go of the pages of a tensor that has been used; reading it again maps them anew."""
        info, page = self.tensors[name], mmap.PAGESIZE
        first, last = -(-info.start // page), info.end // page  # pages that are wholly its own
        if last > first and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED, first * page, (last - first) * page)

    def damaged(self, problem, **details):
        """The error for a file whose bytes are not what they should be."""
        fix = "It is damaged or was not copied whole; download it again"
        return CheckpointError(problem, where=self.path, fix=fix, **details)
