"""Floor 2 · Norms: every token's vector is brought to the same size before a block reads it.

Mirrors LlamaRMSNorm of transformers/models/llama/modeling_llama.py and torch.nn.LayerNorm.
"""

from tinyhf.backend import float32


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
