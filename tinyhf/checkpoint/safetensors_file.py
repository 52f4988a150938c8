"""Floor 1 · A ``.safetensors`` file: a header that says where each tensor lies, then the numbers.

Mirrors safetensors.safe_open. The library's NumPy reader copies each tensor and keeps every page it
has read; this one gives views of the file. The whole format:

    8 bytes   N, the header's length, little-endian
    N bytes   JSON: {"name": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}, …}
    the rest  the numbers, row by row, each tensor at its offsets
"""

import itertools
import json
import math

import ml_dtypes
import numpy

from tinyhf.checkpoint.mapped_file import MappedFile, TensorInfo

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


class SafetensorsFile(MappedFile):
    """The tensors of a ``.safetensors`` file by name.

    Args:
        path: the file.

    Raises:
        CheckpointError: the file is cut short, or its header is damaged.
    """

    def __init__(self, path):
        super().__init__(path)
        header = self._read_header()
        self.metadata = header.pop("__metadata__", {})
        self.tensors = {name: self._info(name, entry) for name, entry in header.items()}
        self._check_extent()

    def _read_header(self):
        if self.size < 8:
            problem = "is too short for a safetensors file"
            raise self.damaged(problem, wanted="8 bytes", got=self.size)
        length = int.from_bytes(self._map[:8], "little")
        if length > self.size - 8:
            problem = "has a header longer than the file"
            raise self.damaged(problem, wanted=length, got=self.size - 8)
        self._data_start = 8 + length
        try:
            header = json.loads(self._map[8 : self._data_start])
        except (ValueError, RecursionError) as error:
            raise self.damaged(f"has a header that is not JSON: {error}") from error
        if not isinstance(header, dict):
            raise self.damaged("has a header that is not a JSON object", got=header)
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
            raise self.damaged(f"describes the tensor {name!r} in a way that cannot be", got=entry)
        return TensorInfo(dtype, shape, self._data_start + start, self._data_start + end)

    def _check_extent(self):
        """The tensors must lie side by side and end where the file ends."""
        header = (0, self._data_start)
        extents = [header, *sorted((info.start, info.end) for info in self.tensors.values())]
        if any(end != start for (_, end), (start, _) in itertools.pairwise(extents)):
            raise self.damaged("has tensors that overlap, or a gap between them")
        _, end = extents[-1]
        if end != self.size:
            problem = "does not end where its last tensor ends"
            raise self.damaged(problem, wanted=end, got=self.size)
