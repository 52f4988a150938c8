"""A stand-in for CuPy on machines without a GPU: NumPy underneath, CuPy's strictness on top.

Like a CuPy array, a strict array never turns into a NumPy array by itself, never mixes with one,
and leaves only through ``.get()``. Code that runs on it does not touch the host in secret. It also
notes every dtype it computes, so that a test can see a silent step to float64.

The module takes CuPy's place: ``array_module(x)`` answers with it, and it has the few parts of
``cupy.cuda`` that tinyhf uses.
"""

import contextlib
import operator
import sys
from types import SimpleNamespace

import numpy

NAME = "strict_device"
sys.modules[NAME] = sys.modules[__name__]

#: Every dtype that was computed since ``seen_dtypes.clear()``.
seen_dtypes = set()


class ndarray:
    """An array that stays on its device."""

    __array_ufunc__ = None  # numpy_array + strict_array asks the strict array, which refuses

    def __init__(self, value):
        self._value = value
        seen_dtypes.add(value.dtype)

    device = SimpleNamespace(id=0)
    shape = property(lambda self: self._value.shape)
    dtype = property(lambda self: self._value.dtype)
    ndim = property(lambda self: self._value.ndim)
    size = property(lambda self: self._value.size)
    nbytes = property(lambda self: self._value.nbytes)
    T = property(lambda self: ndarray(self._value.T))

    def get(self):
        """The one way back to the host."""
        return self._value.copy()

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Use `.get()`.")

    def __getattr__(self, name):
        method = getattr(self._value, name)
        if not callable(method):
            raise AttributeError(f"a strict array has no {name!r}")
        return on_device(method)

    def __getitem__(self, key):
        return wrap(self._value[unwrap(key)])

    def __setitem__(self, key, value):
        self._value[unwrap(key)] = unwrap(value)

    def __len__(self):
        return len(self._value)

    def __iter__(self):
        return (wrap(item) for item in self._value)

    def __bool__(self):
        return bool(self._value)

    def __int__(self):
        return int(self._value)

    def __float__(self):
        return float(self._value)

    def __repr__(self):
        return f"strict {self._value!r}"


def unwrap(x):
    """What is inside; a NumPy array is refused."""
    if isinstance(x, ndarray):
        return x._value
    if isinstance(x, numpy.ndarray):
        raise TypeError(f"Unsupported type {type(x)}: a host array met a device array")
    if isinstance(x, tuple | list):
        return type(x)(map(unwrap, x))
    return x


def wrap(x):
    """Results are device arrays again, scalars too, as in CuPy."""
    return ndarray(numpy.asarray(x)) if isinstance(x, numpy.ndarray | numpy.generic) else x


def on_device(function):
    """``function`` of NumPy, for strict arrays only."""

    def call(*args, **kwargs):
        out = kwargs.get("out")
        kwargs = {name: unwrap(value) for name, value in kwargs.items()}
        result = function(*unwrap(args), **kwargs)
        if isinstance(result, list):  # the parts of a split
            return [wrap(part) for part in result]
        return wrap(result) if out is None else out

    if hasattr(function, "at"):
        call.at = lambda *args: function.at(*unwrap(args))
    return call


def _add_operators():
    binary = "add sub mul truediv floordiv mod pow matmul and_ or_ xor lt le gt ge eq ne"
    for name in (*binary.split(), "lshift", "rshift"):
        compute = on_device(getattr(operator, name))
        plain = name.strip("_")

        def forward(self, other, compute=compute):
            if isinstance(other, ndarray) or getattr(other, "__array_ufunc__", True) is not None:
                return compute(self, other)
            return NotImplemented  # ask the other one, a Tensor: so does CuPy

        setattr(ndarray, f"__{plain}__", forward)
        setattr(ndarray, f"__r{plain}__", lambda self, other, f=compute: f(other, self))
    for name in ("iadd", "isub", "imul", "itruediv", "iand"):
        change = getattr(operator, name)

        def in_place(self, other, change=change):
            change(self._value, unwrap(other))
            return self

        setattr(ndarray, f"__{name}__", in_place)
    for name in ("neg", "invert", "abs"):
        compute = on_device(getattr(operator, name))
        setattr(ndarray, f"__{name}__", lambda self, f=compute: f(self))


_add_operators()
ndarray.__hash__ = object.__hash__
ndarray.__module__ = NAME


def asarray(x):
    """Host to device, said explicitly; the only function that takes a NumPy array."""
    return x if isinstance(x, ndarray) else ndarray(numpy.array(x))


def is_available():
    """As ``cupy.is_available()``."""
    return True


class Device(contextlib.nullcontext):
    """``with Device(0):`` and ``Device(0).use()``; ``current`` is the number used last."""

    current = None

    def use(self):
        Device.current = self.enter_result


cuda = SimpleNamespace(
    Device=Device,
    runtime=SimpleNamespace(getDeviceCount=lambda: 1, memGetInfo=lambda: (2**34, 2**34)),
)


def __getattr__(name):
    """Everything else is NumPy's: types as they are, functions for strict arrays only."""
    value = getattr(numpy, name)
    is_function = callable(value) and not isinstance(value, type)
    return on_device(value) if is_function else value
