"""Floor 1 · The operators of ``Tensor``, each with its gradient rules: + - · / ** @, shapes, sums.

In every rule ``grad`` is how the loss changes with the result, ``out``.
"""

from tinyhf.autograd.differentiable import differentiable
from tinyhf.autograd.tensor import Tensor, plain
from tinyhf.backend import array_module


@differentiable
def add(a, b):
    """a + b."""
    return a + b


@add.wrt("a")
def add_grad_a(grad, out, a, b):
    return grad


@add.wrt("b")
def add_grad_b(grad, out, a, b):
    return grad


@differentiable
def subtract(a, b):
    """a - b."""
    return a - b


@subtract.wrt("a")
def subtract_grad_a(grad, out, a, b):
    return grad


@subtract.wrt("b")
def subtract_grad_b(grad, out, a, b):
    return -grad


@differentiable
def multiply(a, b):
    """a · b, number by number."""
    return a * b


@multiply.wrt("a")
def multiply_grad_a(grad, out, a, b):
    return grad * b


@multiply.wrt("b")
def multiply_grad_b(grad, out, a, b):
    return grad * a


@differentiable
def divide(a, b):
    """a / b."""
    return a / b


@divide.wrt("a")
def divide_grad_a(grad, out, a, b):
    return grad / b


@divide.wrt("b")
def divide_grad_b(grad, out, a, b):
    return -grad * out / b


@differentiable
def power(a, exponent):
    """a to the power of a plain number."""
    return a**exponent


@power.wrt("a")
def power_grad_a(grad, out, a, exponent):
    return grad * exponent * a ** (exponent - 1)


@differentiable
def matmul(a, b):
    """a @ b: each row of a times each column of b."""
    return a @ b


@matmul.wrt("a")
def matmul_grad_a(grad, out, a, b):
    if b.ndim == 1:
        return grad[..., None] * b
    grad = grad[..., None, :] if a.ndim == 1 else grad
    return grad @ b.swapaxes(-1, -2)


@matmul.wrt("b")
def matmul_grad_b(grad, out, a, b):
    if b.ndim == 1:
        return a * grad[..., None]
    if a.ndim == 1:
        return a[:, None] * grad[..., None, :]
    return a.swapaxes(-1, -2) @ grad


# ---- the same numbers in another shape -----------------------------------------------------------


@differentiable
def reshape(x, shape):
    """The numbers of x in another shape."""
    return x.reshape(shape)


@reshape.wrt("x")
def reshape_grad_x(grad, out, x, shape):
    return grad.reshape(x.shape)


@differentiable
def transpose(x, axes):
    """The axes of x in another order."""
    return x.transpose(axes)


@transpose.wrt("x")
def transpose_grad_x(grad, out, x, axes):
    back = sorted(range(len(axes)), key=axes.__getitem__)
    return grad.transpose(back)


@differentiable
def pick(x, index):
    """x[index]: some of its numbers."""
    return x[index]


@pick.wrt("x")
def pick_grad_x(grad, out, x, index):
    whole = array_module(x).zeros_like(x)
    if is_view(index):
        whole[index] = grad
    else:  # a number that was picked twice counts twice
        array_module(x).add.at(whole, index, grad)
    return whole


def is_view(index):
    """Whether an index takes every number once at most: slices and single numbers only."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is ... or isinstance(part, slice | int) for part in parts)


@differentiable
def astype(x, dtype):
    """x in another number type."""
    return x.astype(dtype, copy=False)


@astype.wrt("x")
def astype_grad_x(grad, out, x, dtype):
    return grad.astype(x.dtype, copy=False)


@differentiable
def concatenate(first, second, axis):
    """Two arrays, one after the other along an axis."""
    return array_module(first).concatenate((first, second), axis=axis)


@concatenate.wrt("first")
def concatenate_grad_first(grad, out, first, second, axis):
    return _split(grad, first.shape[axis], axis)[0]


@concatenate.wrt("second")
def concatenate_grad_second(grad, out, first, second, axis):
    return _split(grad, first.shape[axis], axis)[1]


def _split(grad, place, axis):
    return array_module(grad).split(grad, [place], axis=axis)


@differentiable
def clip(x, low, high):
    """x, where it lies between two numbers; else the nearer one of these."""
    return x.clip(low, high)


@clip.wrt("x")
def clip_grad_x(grad, out, x, low, high):
    return grad * (out == x)


# ---- many numbers become one ---------------------------------------------------------------------


@differentiable
def total(x, axis=None, keepdims=False):
    """The sum of x, along some axes or all."""
    return x.sum(axis=axis, keepdims=keepdims)


@total.wrt("x")
def total_grad_x(grad, out, x, axis=None, keepdims=False):
    if axis is not None and not keepdims:
        grad = array_module(x).expand_dims(grad, axis)
    return array_module(x).broadcast_to(grad, x.shape)


@differentiable
def mean(x, axis=None, keepdims=False):
    """The mean of x, along some axes or all."""
    return x.mean(axis=axis, keepdims=keepdims)


@mean.wrt("x")
def mean_grad_x(grad, out, x, axis=None, keepdims=False):
    return total_grad_x(grad, out, x, axis, keepdims) * (out.size / x.size)


# ---- Tensor's methods ----------------------------------------------------------------------------


def _reshape(self, *shape):
    return reshape(self, shape[0] if isinstance(shape[0], tuple | list) else shape)


def _transpose(self, *axes):
    axes = axes or range(self.ndim)[::-1]
    return transpose(self, tuple(axes[0]) if isinstance(axes[0], tuple | list) else tuple(axes))


def _swapaxes(self, first, second):
    axes = list(range(self.ndim))
    axes[first], axes[second] = axes[second], axes[first]
    return transpose(self, tuple(axes))


Tensor.__add__ = Tensor.__radd__ = lambda self, other: add(self, other)
Tensor.__sub__ = lambda self, other: subtract(self, other)
Tensor.__rsub__ = lambda self, other: subtract(other, self)
Tensor.__mul__ = Tensor.__rmul__ = lambda self, other: multiply(self, other)
Tensor.__truediv__ = lambda self, other: divide(self, other)
Tensor.__rtruediv__ = lambda self, other: divide(other, self)
Tensor.__pow__ = lambda self, exponent: power(self, exponent)
Tensor.__neg__ = lambda self: multiply(self, -1.0)
Tensor.__matmul__ = lambda self, other: matmul(self, other)
Tensor.__rmatmul__ = lambda self, other: matmul(other, self)
Tensor.__lt__ = lambda self, other: self.array < plain(other)
Tensor.__le__ = lambda self, other: self.array <= plain(other)
Tensor.__gt__ = lambda self, other: self.array > plain(other)
Tensor.__ge__ = lambda self, other: self.array >= plain(other)
Tensor.__getitem__ = lambda self, index: pick(self, index)
Tensor.reshape, Tensor.transpose, Tensor.swapaxes = _reshape, _transpose, _swapaxes
Tensor.T = property(_transpose)
Tensor.astype = lambda self, dtype, copy=True: self if self.dtype == dtype else astype(self, dtype)
Tensor.clip = lambda self, low, high: clip(self, low, high)
Tensor.sum = lambda self, axis=None, keepdims=False: total(self, axis=axis, keepdims=keepdims)
Tensor.mean = lambda self, axis=None, keepdims=False: mean(self, axis=axis, keepdims=keepdims)
