"""Floor 0 · Arrays, devices, number types, memory and random numbers: what lies below formulas."""

from tinyhf.backend.arrays import (
    array_module,
    device_context,
    device_of,
    is_array,
    parse_device,
    scatter_add,
    to_device,
    to_host,
    use_device,
)
from tinyhf.backend.dtypes import (
    LARGEST,
    as_dtype,
    bfloat16,
    cast,
    compute_dtype,
    float16,
    float32,
    float64,
    is_float,
    is_half,
    widen,
)
from tinyhf.backend.memory import free_memory, human_size
from tinyhf.backend.special import erf

__all__ = [
    "LARGEST",
    "array_module",
    "as_dtype",
    "bfloat16",
    "cast",
    "compute_dtype",
    "device_context",
    "device_of",
    "erf",
    "float16",
    "float32",
    "float64",
    "free_memory",
    "human_size",
    "is_array",
    "is_float",
    "is_half",
    "parse_device",
    "scatter_add",
    "to_device",
    "to_host",
    "use_device",
    "widen",
]
