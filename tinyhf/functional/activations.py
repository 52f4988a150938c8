"""Floor 2 · Activations: the bends between linear maps.

Mirrors transformers/activations.py.
"""

import math

from tinyhf.autograd import differentiable, plain
from tinyhf.backend import array_module, erf, float16


@differentiable
def relu(x):
    """max(x, 0)."""
    return array_module(x).maximum(x, 0.0)


@relu.wrt("x")
def relu_grad_x(grad, out, x):
    return grad * (out > 0)


@differentiable
def tanh(x):
    """The hyperbolic tangent."""
    return array_module(x).tanh(x)


@tanh.wrt("x")
def tanh_grad_x(grad, out, x):
    return grad * (1.0 - out * out)


@differentiable
def silu(x):
    """x · sigmoid(x), also called swish (Elfwing et al., 2017).

    sigmoid(x) = (1 + tanh(x/2)) / 2: no exp that could overflow, and one pass less.
    """
    return x * 0.5 * (1.0 + array_module(x).tanh(x * 0.5))


@silu.wrt("x")
def silu_grad_x(grad, out, x):
    sigmoid = 0.5 * (1.0 + array_module(x).tanh(x * 0.5))
    return grad * (sigmoid + out * (1.0 - sigmoid))


@differentiable
def gelu(x):
    """x · Φ(x), Φ the normal distribution (Hendrycks & Gimpel, 2016)."""
    return x * 0.5 * (1.0 + erf(x * math.sqrt(0.5)))


@gelu.wrt("x")
def gelu_grad_x(grad, out, x):
    share = 0.5 * (1.0 + erf(x * math.sqrt(0.5)))  # Φ(x)
    density = array_module(x).exp(x * x * -0.5) * (1 / math.sqrt(2 * math.pi))
    return grad * (share + x * density)


@differentiable
def gelu_tanh(x):
    """The approximation of ``gelu`` that GPT-2 was trained with: "gelu_new"."""
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))  # x ** 3 is 20 times slower
    return x * 0.5 * (1.0 + array_module(x).tanh(inner))


@gelu_tanh.wrt("x")
def gelu_tanh_grad_x(grad, out, x):
    bent = array_module(x).tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x)))
    slope = math.sqrt(2 / math.pi) * (1.0 + 3 * 0.044715 * (x * x))  # of what tanh is given
    return grad * (0.5 * (1.0 + bent) + 0.5 * x * (1.0 - bent * bent) * slope)


def clamp_overflow(x):
    """Infinities of float16 become large numbers again; other types are as they are.

    For models that were trained in bfloat16, whose vectors can be too large for float16.
    """
    xp = array_module(x)
    if x.dtype != float16 or not xp.isinf(plain(x)).any():
        return x
    largest = float(xp.finfo(float16).max) - 1000
    return x.clip(-largest, largest)
