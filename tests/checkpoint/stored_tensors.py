"""What the golden files of torch.save hold: every number type, and every way to view a storage."""

from pathlib import Path

import ml_dtypes
import numpy

GOLDEN = Path(__file__).parents[1] / "golden" / "torch_save"
FILES = ("zip.bin", "legacy.bin")

SMALL_NUMBERS = [[0, 1, 2], [3, 4, 5]]  # every type can hold them
TYPES = {
    **{f"float{bits}": f"float{bits}" for bits in (64, 32, 16)},
    **{f"{kind}{bits}": f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)},
    **{f"complex{bits}": f"complex{bits}" for bits in (64, 128)},
    "bool": "bool",
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e5m2": ml_dtypes.float8_e5m2,
}

#: Views of one storage that holds 0 … 23 in float32.
VIEWS = {
    "whole": lambda base: base.reshape(4, 6),
    "transposed": lambda base: base.reshape(4, 6).swapaxes(0, 1),
    "part": lambda base: base[5:11],
    "every second": lambda base: base[5:18:2],
    "column": lambda base: base.reshape(4, 6)[:, 2],
    "one number": lambda base: base[7],
    "nothing": lambda base: base[24:].reshape(0, 3),
}


def expected():
    """Name → array."""
    base = numpy.arange(24, dtype="float32")
    numbers = {name: numpy.array(SMALL_NUMBERS).astype(dtype) for name, dtype in TYPES.items()}
    return {
        **numbers,
        **{name: view(base) for name, view in VIEWS.items()},
        "repeated": numpy.ones((3, 4), "float32"),
        "a parameter": numpy.full((2, 2), 0.5, "float32"),
    }


def with_torch():
    """The same as a state dict of torch."""
    import torch

    base = torch.arange(24, dtype=torch.float32)
    numbers = torch.tensor(SMALL_NUMBERS)
    return {
        **{name: numbers.to(getattr(torch, name)) for name in TYPES},
        **{name: view(base) for name, view in VIEWS.items()},
        "repeated": torch.ones(1).expand(3, 4),
        "a parameter": torch.nn.Parameter(torch.full((2, 2), 0.5)),
    }


def make_golden():
    """Writes the files; run by: python -m tests.checkpoint.stored_tensors"""
    import torch

    GOLDEN.mkdir(exist_ok=True)
    for file in FILES:
        as_zip = file == "zip.bin"
        torch.save(with_torch(), GOLDEN / file, _use_new_zipfile_serialization=as_zip)


if __name__ == "__main__":
    make_golden()
