"""Floor 0 · The number types of weights: their names, and widening half types to float32.

bfloat16 is the type of ``ml_dtypes``, a true NumPy dtype whose values a debugger can show. On the
CPU every stage computes in float32, whatever type its weights are stored in; on a GPU it computes
in the stored type. Stands in for ``torch.dtype``.
"""

import ml_dtypes
import numpy

from tinyhf.backend.arrays import array_module
from tinyhf.errors import ArgumentError

float64 = numpy.dtype("float64")
float32 = numpy.dtype("float32")
float16 = numpy.dtype("float16")
bfloat16 = numpy.dtype(ml_dtypes.bfloat16)

FLOAT_TYPES = {dtype.name: dtype for dtype in (float64, float32, float16, bfloat16)}
HALF_TYPES = (float16, bfloat16)

#: The largest number of each half type.
LARGEST = {float16: 65504.0, bfloat16: float(ml_dtypes.finfo(bfloat16).max)}

# All float16 numbers there are, widened once: a look-up is twice as fast as NumPy's own conversion.
_ALL_FLOAT16 = numpy.arange(2**16, dtype=numpy.uint16).view(float16).astype(float32)


def as_dtype(name):
    """The NumPy dtype that ``name`` stands for.

    Args:
        name: ``"bfloat16"``, ``"torch.bfloat16"``, ``torch.bfloat16``, ``numpy.float32``, a dtype …

    Raises:
        ArgumentError: it is not one of the floating-point types of ``FLOAT_TYPES``.
    """
    text = getattr(name, "__name__", None) or str(name)
    dtype = FLOAT_TYPES.get(text.removeprefix("torch."))
    if dtype is None:
        raise ArgumentError(
            "unknown dtype", where="dtype", wanted='"auto", ' + ", ".join(FLOAT_TYPES), got=name
        )
    return dtype


def is_half(x):
    """Whether the array or dtype ``x`` is float16 or bfloat16."""
    return getattr(x, "dtype", x) in HALF_TYPES


def is_float(dtype):
    """Whether ``dtype`` is one of ``FLOAT_TYPES``."""
    return dtype.name in FLOAT_TYPES


def compute_dtype(x):
    """The type that a stage with the weight ``x`` computes in: float32 for halves on the CPU."""
    on_cpu = array_module(x) is numpy
    return float32 if on_cpu and is_half(x) else x.dtype


def cast(x, dtype):
    """The NumPy array ``x`` as ``dtype``, always a new one; rounds to nearest even."""
    return widen(x) if is_half(x) and dtype == float32 else x.astype(dtype)


def widen(x, out=None):
    """The half-precision NumPy array ``x`` as float32, exactly, into ``out`` if it is given."""
    out = numpy.empty(x.shape, float32) if out is None else out
    if x.dtype == float16:
        return numpy.take(_ALL_FLOAT16, x.view(numpy.uint16), out=out, mode="clip")
    numpy.copyto(out, x)
    return out
