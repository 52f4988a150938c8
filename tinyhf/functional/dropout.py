"""Floor 2 · Dropout: in training some numbers are left out, so that no number is relied upon.

Mirrors torch.nn.functional.dropout (Srivastava et al., 2014).
"""

from tinyhf.autograd import differentiable, plain
from tinyhf.backend import device_of, to_device
from tinyhf.backend.random import default_generator
from tinyhf.errors import ArgumentError


def dropout(x, p=0.5, generator=None):
    """Each number of ``x`` becomes 0 with probability ``p``; the others grow, so the mean stays.

    The same seed leaves out the numbers that torch leaves out; with ``p`` 0 nothing is drawn.

    Args:
        x: an array or Tensor.
        p: from 0 to 1.
        generator: a ``TorchGenerator``; None is the default one, which ``set_seed`` starts over.
    """
    if p is None or p == 0:
        return x
    if isinstance(p, str) or not 0 <= p <= 1:
        wanted = "a number from 0 to 1"
        raise ArgumentError("is no probability", where="dropout p", wanted=wanted, got=p)
    kept = (generator or default_generator()).bernoulli(x.shape, 1.0 - p)
    return leave_out(x, to_device(kept, device_of(plain(x))), 1.0 / (1.0 - p) if p < 1 else 0.0)


@differentiable
def leave_out(x, kept, growth):
    """``x · growth`` where ``kept``, bool of the same shape, is True; elsewhere 0."""
    return x * kept * growth


@leave_out.wrt("x")
def leave_out_grad_x(grad, out, x, kept, growth):
    return grad * kept * growth
