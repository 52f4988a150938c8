"""Floor 1 · Are the gradient rules right? Ask the formula itself, with finite differences.

Mirrors torch.autograd.gradcheck: the slope of f at x is (f(x + h) - f(x - h)) / 2h, in float64.
"""

import numpy

from tinyhf.autograd.tensor import Tensor, plain
from tinyhf.errors import NumericsError

STEP = 1e-6


def gradcheck(function, *inputs, tolerance=1e-6, **kwargs):
    """Raise NumericsError unless the gradients of ``function`` are its slopes.

    Args:
        function: of Tensors, to a Tensor.
        inputs: arrays; those of float64 are checked, others are passed on as they are.
        tolerance: the largest difference, absolute for small slopes and relative for large ones.

    Returns:
        True.
    """
    tensors = [Tensor(x) if is_checked(x) else x for x in inputs]
    out = function(*tensors, **kwargs)
    weights = numpy.random.default_rng(0).standard_normal(out.shape)  # one loss of all results
    out.backward(weights)
    for number, tensor in enumerate(tensors):
        if is_checked(inputs[number]):
            slopes = finite_differences(function, inputs, number, weights, kwargs)
            compare(tensor.grad, slopes, tolerance, f"{function.__name__}, input {number}")
    return True


def is_checked(x):
    """Whether there is a gradient by this input."""
    return isinstance(x, numpy.ndarray) and x.dtype == numpy.float64


def finite_differences(function, inputs, number, weights, kwargs):
    """How (function · weights) grows with each number of one input."""
    changed = [x.copy() if i == number else x for i, x in enumerate(inputs)]
    slopes = numpy.zeros_like(inputs[number])
    for index in numpy.ndindex(slopes.shape):
        ends = []
        for step in (STEP, -STEP):
            changed[number][index] = inputs[number][index] + step
            ends.append(float((plain(function(*changed, **kwargs)) * weights).sum()))
        changed[number][index] = inputs[number][index]
        slopes[index] = (ends[0] - ends[1]) / (2 * STEP)
    return slopes


def compare(grad, slopes, tolerance, where):
    """Raise NumericsError unless both are the same."""
    grad = numpy.zeros_like(slopes) if grad is None else grad
    error = abs(grad - slopes) / numpy.maximum(1.0, abs(slopes))
    if grad.shape != slopes.shape or not (error <= tolerance).all():
        raise NumericsError(
            "the gradient rule does not give the slope of the formula",
            where=where,
            wanted=f"a difference of at most {tolerance}",
            got=float(error.max()) if grad.shape == slopes.shape else f"shape {grad.shape}",
        )
