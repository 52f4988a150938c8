"""Floor 6 · Gradients before a step: are they numbers, and are they not too large?

Mirrors torch.nn.utils.clip_grad_norm_.
"""

import math

from tinyhf.autograd import Tensor
from tinyhf.backend import array_module, float32
from tinyhf.errors import ArgumentError, NumericsError


def clip_grad_norm_(parameters, max_norm):
    """Shrink all gradients together, so that their norm is at most ``max_norm``.

    The norm is that of all gradients written as one long vector (Pascanu et al., 2013); every
    gradient is multiplied by the same factor, so the direction of the step stays.

    Args:
        parameters: Tensors, as ``model.parameters()`` gives them; what has no gradient is left out.
        max_norm: a positive number.

    Returns:
        The norm before, a Python float; NaN or infinite if a gradient is, then nothing changes.

    Raises:
        ArgumentError: ``max_norm`` is not positive.
    """
    if not max_norm > 0:
        raise ArgumentError("out of range", where="max_norm", wanted="more than 0", got=max_norm)
    parameters = [parameters] if isinstance(parameters, Tensor) else parameters
    moving = [p for p in parameters if getattr(p, "grad", None) is not None]
    total_norm = math.sqrt(sum(sum_of_squares(parameter.grad) for parameter in moving))
    if math.isfinite(total_norm) and total_norm + 1e-6 > max_norm:
        for parameter in moving:  # not in place: two parameters may share one gradient, as in a + b
            parameter.grad = parameter.grad * (max_norm / (total_norm + 1e-6))
    return total_norm


def sum_of_squares(array):
    """The sum of the squares of all numbers, a Python float."""
    flat = array.ravel(order="K")  # as it lies in memory: no copy of a transposed one
    flat = flat.astype(float32) if flat.dtype.itemsize < 4 else flat
    return float(flat @ flat)


def check_finite(named_parameters):
    """Raise NumericsError naming the first parameter whose gradient is NaN or infinite."""
    for name, parameter in named_parameters:
        if parameter.grad is not None and not is_finite(parameter.grad):
            xp = array_module(parameter.grad)
            kind = "NaN" if bool(xp.isnan(parameter.grad).any()) else "infinite"
            problem = f"the gradient is {kind}, so no parameter was moved"
            fix = (
                "A smaller lr, or clip_grad_norm_, may help; labels that are all -100 give NaN too"
            )
            raise NumericsError(problem, where=name, fix=fix)


def is_finite(array):
    """Whether no number is NaN or infinite. The sum of squares, one pass, mostly answers it."""
    if math.isfinite(sum_of_squares(array)):
        return True
    return bool(array_module(array).isfinite(array).all())  # only the squares may be too large
