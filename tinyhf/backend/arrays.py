"""Floor 0 · The shim: which library an array belongs to, and how it moves between host and device.

tinyhf has no "current backend". An array is a ``numpy.ndarray`` on the CPU or a ``cupy.ndarray`` on
a GPU, and a formula asks the array in its hand: ``xp = array_module(x)``. Stands in for
``torch.device`` and ``Tensor.to``.
"""

import contextlib
import importlib
import sys

from tinyhf.errors import DeviceError, MissingExtraError

LIBRARIES = {"cpu": "numpy", "cuda": "cupy"}


def array_module(x):
    """The library that made the array ``x``, or that of a Tensor: ``numpy`` or ``cupy``."""
    return sys.modules[type(getattr(x, "array", x)).__module__.partition(".")[0]]


def is_array(x):
    """Whether ``x`` is an array of one of the libraries tinyhf computes with."""
    return type(x).__module__.partition(".")[0] in LIBRARIES.values() and hasattr(x, "ndim")


def device_of(x):
    """Where the array ``x`` lives: ``"cpu"``, ``"cuda:0"``, …"""
    library = type(x).__module__.partition(".")[0]
    kind = next(kind for kind, name in LIBRARIES.items() if name == library)
    return kind if kind == "cpu" else f"{kind}:{x.device.id}"


def to_host(x):
    """``x`` as a NumPy array; the same object if it is one already."""
    return x.get() if hasattr(x, "get") else x


def to_device(x, device):
    """``x`` on ``device`` (``"cpu"``, ``"cuda"``, ``"cuda:1"``); no copy if it is there already."""
    if device == "cpu":
        return to_host(x)
    device = parse_device(device)
    library = importlib.import_module(LIBRARIES[device.partition(":")[0]])
    with device_context(device):
        return library.asarray(x)


def device_context(device):
    """``with device_context("cuda:1"):`` new arrays are made there; on the CPU nothing changes."""
    kind, _, index = parse_device(device).partition(":")
    if kind == "cpu":
        return contextlib.nullcontext()
    return importlib.import_module(LIBRARIES[kind]).cuda.Device(int(index))


def use_device(device):
    """From here on new arrays are made on ``device``; on the CPU nothing changes."""
    kind, _, index = parse_device(device).partition(":")
    if kind != "cpu":
        importlib.import_module(LIBRARIES[kind]).cuda.Device(int(index)).use()


def parse_device(device):
    """The full name of a device: None and -1 are "cpu", "cuda" and 0 are "cuda:0".

    Raises:
        DeviceError: there is no such device.
        MissingExtraError: CuPy is not installed.
    """
    if device is None or device == -1:
        return "cpu"
    name = f"cuda:{device}" if isinstance(device, int) else str(device)
    kind, _, index = name.partition(":")
    if kind not in LIBRARIES or not (index or "0").isdigit():
        raise DeviceError(
            "there is no such device",
            where="device",
            wanted='"cpu", "cuda" or "cuda:N"',
            got=device,
        )
    if kind == "cpu":
        return "cpu"
    _check_gpu(kind, int(index or 0))
    return f"{kind}:{index or 0}"


def _check_gpu(kind, index):
    try:
        library = importlib.import_module(LIBRARIES[kind])
    except ImportError as error:
        raise MissingExtraError(
            f'device "{kind}" needs CuPy, which is not installed',
            fix="Install it with: pip install 'tinyhf[cuda12]' (or 'tinyhf[cuda13]')",
        ) from error
    count = library.cuda.runtime.getDeviceCount() if library.is_available() else 0
    if index >= count:
        raise DeviceError(
            f'there is no device "{kind}:{index}"',
            got=f"{count} GPU(s) that CuPy can see",
            fix='Use device="cpu", or check the driver with: nvidia-smi',
        )


def scatter_add(shape, rows, values):
    """Zeros of ``shape``, and each row of ``values`` added to the row that ``rows`` names.

    Args:
        rows: (n,), whole numbers; the same one may come several times.
        values: (n, columns).
    """
    xp = array_module(values)
    out = xp.zeros(shape, values.dtype)
    if xp.__name__ != "numpy":
        xp.add.at(out, rows, values)
    elif len(rows):  # NumPy's add.at is ten times slower than sums over runs of equal rows
        order = xp.argsort(rows, kind="stable")
        ordered = rows[order]
        starts = xp.flatnonzero(xp.concatenate(([True], ordered[1:] != ordered[:-1])))
        out[ordered[starts]] = xp.add.reduceat(values[order], starts, axis=0)
    return out
