"""Floor 2 · Activations: the bends between linear maps.

Mirrors transformers/activations.py.
"""

from tinyhf.backend import array_module


def relu(x):
    """max(x, 0)."""
    return array_module(x).maximum(x, 0.0)


def silu(x):
    """x · sigmoid(x), also called swish (Elfwing et al., 2017).

    sigmoid(x) = (1 + tanh(x/2)) / 2: no exp that could overflow, and one pass less.
    """
    return x * 0.5 * (1.0 + array_module(x).tanh(x * 0.5))
