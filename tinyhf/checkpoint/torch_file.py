"""Floor 1 · What torch.save writes of a tensor, and how to find its numbers without torch.

Mirrors _rebuild_tensor_v2 of torch/_utils.py. A file holds *storages*, long rows of numbers, and a
pickle that says which part of which storage a tensor is:

    storage "0"   0 1 2 3 4 5 6 7 8 9 10 11
    a tensor      offset 4, shape (2, 3), stride (3, 1)  →  [[4 5 6] [7 8 9]]
    its transpose offset 4, shape (3, 2), stride (1, 3)  →  the same numbers

The two containers, torch_zip and torch_legacy, differ in where the storages lie.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import ml_dtypes
import numpy

from tinyhf.checkpoint.mapped_file import MappedFile, TensorInfo
from tinyhf.checkpoint.unpickler import Unpickler
from tinyhf.errors import CheckpointError

STORAGE_TYPES = {
    "torch.DoubleStorage": "float64",
    "torch.FloatStorage": "float32",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": ml_dtypes.bfloat16,
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
    "torch.ComplexFloatStorage": "complex64",
    "torch.ComplexDoubleStorage": "complex128",
    "torch.UntypedStorage": "uint8",
    "torch.storage.UntypedStorage": "uint8",
}
#: Types without a storage class of their own; the tensor names them.
TENSOR_TYPES = {
    "torch.float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "torch.float8_e5m2": ml_dtypes.float8_e5m2,
    "torch.uint16": "uint16",
    "torch.uint32": "uint32",
    "torch.uint64": "uint64",
}


@dataclass
class Storage:
    """A row of numbers in the file; ``start`` is None until its place is known."""

    dtype: numpy.dtype
    nbytes: int
    start: int | None = None


class StoredTensor(NamedTuple):
    """Part of a storage; offset and strides count numbers, not bytes."""

    storage: Storage
    dtype: numpy.dtype
    offset: int
    shape: tuple
    stride: tuple


# ---- what stands for torch's functions -----------------------------------------------------------


def rebuild_tensor(storage, offset, shape, stride, *_):
    """The arguments after ``stride`` are about gradients."""
    return rebuild_tensor_v3(storage, offset, shape, stride, False, None, storage.dtype)


def rebuild_tensor_v2(storage, offset, shape, stride, grad, hooks, metadata=None):
    """``metadata`` marks tensors whose numbers are stored conjugated or negated."""
    return rebuild_tensor_v3(storage, offset, shape, stride, grad, hooks, storage.dtype, metadata)


def rebuild_tensor_v3(storage, offset, shape, stride, grad, hooks, dtype, metadata=None):
    counts = (offset, *shape, *stride)
    right = isinstance(storage, Storage) and isinstance(dtype, numpy.dtype) and not metadata
    if not right or len(shape) != len(stride) or any(type(n) is not int or n < 0 for n in counts):
        raise ValueError("a tensor that cannot be")
    return StoredTensor(storage, dtype, offset, tuple(shape), tuple(stride))


def rebuild_parameter(data, requires_grad, backward_hooks):
    return data


def ordered_dict(pairs=()):
    """Python 2 wrote the items here; Python 3 adds them afterwards."""
    if any(type(name) is not str for name, _ in pairs):
        raise ValueError("an OrderedDict whose keys are no names")
    return dict(pairs)


KNOWN = {
    "collections.OrderedDict": ordered_dict,
    "torch._utils._rebuild_tensor": rebuild_tensor,
    "torch._utils._rebuild_tensor_v2": rebuild_tensor_v2,
    "torch._utils._rebuild_tensor_v3": rebuild_tensor_v3,
    "torch._utils._rebuild_parameter": rebuild_parameter,
    **{name: numpy.dtype(dtype) for name, dtype in {**STORAGE_TYPES, **TENSOR_TYPES}.items()},
}


# ---- the file ------------------------------------------------------------------------------------


class TorchFile(MappedFile):
    """The tensors of a file that torch.save wrote, by name; each container is a subclass."""

    def __init__(self, path):
        super().__init__(path)
        self._storages = {}  # key → Storage
        state_dict = self._read()
        if type(state_dict) is not dict:
            raise self._not_weights(f"holds no dict, but a {type(state_dict).__name__}")
        self.tensors = {name: self._info(name, value) for name, value in state_dict.items()}

    def _read(self):
        """The unpickled object, with all storages found."""
        raise NotImplementedError(f"{type(self).__name__} does not say how its container is read")

    def _find_storage(self, key, dtype, nbytes):
        """The ``Storage`` of a key that was not met before."""
        raise NotImplementedError(f"{type(self).__name__} does not say where its storages lie")

    def unpickle(self, pickle):
        """The object in ``pickle``, in which tensors are ``StoredTensor``s."""
        return Unpickler(KNOWN, self._persistent_load, self.path).load(pickle)

    def _persistent_load(self, described):
        """The storage that ("storage", type, key, device it was on, count, None) describes."""
        kind, dtype, key, _, count, *view = described
        types = tuple(map(type, (kind, key, count)))
        right = kind == "storage" and types == (str, str, int) and isinstance(dtype, numpy.dtype)
        if not right or count < 0 or any(part is not None for part in view):
            raise ValueError("a storage that cannot be")
        nbytes = count * dtype.itemsize
        if key not in self._storages:
            self._storages[key] = self._find_storage(key, dtype, nbytes)
        if (self._storages[key].dtype, self._storages[key].nbytes) != (dtype, nbytes):
            raise ValueError(f"two descriptions of the storage {key!r}")
        return self._storages[key]

    def _info(self, name, tensor):
        """Where the tensor lies in the file; it must lie inside its storage."""
        if not isinstance(tensor, StoredTensor):
            raise self._not_weights(f"holds {name!r}, which is no tensor")
        storage, dtype, offset, shape, stride = tensor
        last = sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
        length = (last + 1) * dtype.itemsize if math.prod(shape) else 0
        start = offset * dtype.itemsize
        if storage.start is None or start + length > storage.nbytes:
            problem = f"has a tensor {name!r} that reaches beyond its storage"
            raise self.damaged(problem, wanted=f"{storage.nbytes} bytes", got=start + length)
        start += storage.start
        strides = tuple(step * dtype.itemsize for step in stride) if length else None
        return TensorInfo(dtype, shape, start, start + length, strides)

    def _not_weights(self, problem):
        wanted = "a dict, name → tensor, as torch.save(model.state_dict()) writes it"
        return CheckpointError(problem, where=self.path, wanted=wanted)
