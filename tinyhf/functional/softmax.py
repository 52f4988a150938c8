"""Floor 2 · Softmax: scores become weights that sum to one.

Mirrors torch.nn.functional.softmax and log_softmax.
"""

from tinyhf.autograd import differentiable
from tinyhf.backend import array_module


@differentiable
def softmax(x):
    """exp(x) / Σ exp(x) along the last axis; the largest x is taken off first, against overflow."""
    weights = x - x.max(axis=-1, keepdims=True)  # a new array of our own: the rest may reuse it
    array_module(x).exp(weights, out=weights)
    weights /= weights.sum(axis=-1, keepdims=True)
    return weights


@softmax.wrt("x")
def softmax_grad_x(grad, out, x):
    return out * (grad - (grad * out).sum(axis=-1, keepdims=True))


@differentiable
def log_softmax(x):
    """log(softmax(x)) along the last axis, without the detour through exp and log."""
    xp = array_module(x)
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))


@log_softmax.wrt("x")
def log_softmax_grad_x(grad, out, x):
    return grad - array_module(x).exp(out) * grad.sum(axis=-1, keepdims=True)
