"""Floor 2 · Norms: every token's vector is brought to the same size before a block reads it.

Mirrors LlamaRMSNorm of transformers/models/llama/modeling_llama.py and torch.nn.LayerNorm.
"""

from tinyhf.autograd import differentiable
from tinyhf.backend import float32


@differentiable
def rms_norm(x, weight, eps):
    """x / sqrt(mean(x²) + eps) · weight over the last axis, in float32 (Zhang & Sennrich, 2019).

    Args:
        x: (..., hidden).
        weight: (hidden,).
        eps: keeps the root away from zero.
    """
    wide = x.astype(float32, copy=False) if x.dtype.itemsize < 4 else x
    shrink = ((wide * wide).mean(axis=-1, keepdims=True) + eps) ** -0.5  # (..., 1)
    return weight * (wide * shrink).astype(x.dtype, copy=False)


@rms_norm.wrt("x")
def rms_norm_grad_x(grad, out, x, weight, eps):
    shrink = ((x * x).mean(axis=-1, keepdims=True) + eps) ** -0.5
    normed, grad = x * shrink, grad * weight
    return (grad - normed * (grad * normed).mean(axis=-1, keepdims=True)) * shrink


@rms_norm.wrt("weight")
def rms_norm_grad_weight(grad, out, x, weight, eps):
    return grad * x * ((x * x).mean(axis=-1, keepdims=True) + eps) ** -0.5


@differentiable
def layer_norm(x, weight, bias, eps):
    """(x - mean) / sqrt(variance + eps) · weight + bias over the last axis (Ba et al., 2016).

    Args:
        x: (..., hidden).
        weight, bias: (hidden,).
        eps: keeps the root away from zero.
    """
    wide = x.astype(float32, copy=False) if x.dtype.itemsize < 4 else x
    centred = wide - wide.mean(axis=-1, keepdims=True)
    shrink = ((centred * centred).mean(axis=-1, keepdims=True) + eps) ** -0.5  # (..., 1)
    return (centred * shrink).astype(x.dtype, copy=False) * weight + bias


def _standardized(x, eps):
    """x with mean 0 and variance 1 along the last axis, and what it was multiplied by for that."""
    centred = x - x.mean(axis=-1, keepdims=True)
    shrink = ((centred * centred).mean(axis=-1, keepdims=True) + eps) ** -0.5
    return centred * shrink, shrink


@layer_norm.wrt("x")
def layer_norm_grad_x(grad, out, x, weight, bias, eps):
    normed, shrink = _standardized(x, eps)
    grad = grad * weight
    grad = grad - grad.mean(axis=-1, keepdims=True)
    return (grad - normed * (grad * normed).mean(axis=-1, keepdims=True)) * shrink


@layer_norm.wrt("weight")
def layer_norm_grad_weight(grad, out, x, weight, bias, eps):
    normed, _ = _standardized(x, eps)
    return grad * normed


@layer_norm.wrt("bias")
def layer_norm_grad_bias(grad, out, x, weight, bias, eps):
    return grad
