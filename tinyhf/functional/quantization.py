"""Floor 2 · Quantized weights: whole numbers of 8 or 4 bits, and one scale for each row.

Mirrors W8A16Linear and extract_weight_to_half of quantization.py (THUDM/chatglm-6b). A weight is
number · scale of its row; two numbers of 4 bits share a byte, the first in its high half.
"""

from tinyhf.autograd import differentiable
from tinyhf.backend import array_module, compute_dtype
from tinyhf.functional.linear import ROWS_AT_ONCE


def unpack_int4(packed):
    """int8 (..., n) → int8 (..., 2n): both halves of each byte, with their signs."""
    high, low = packed >> 4, (packed << 4) >> 4
    pairs = array_module(packed).stack((high, low), axis=-1)  # (..., n, 2)
    return pairs.reshape(*packed.shape[:-1], -1)


@differentiable
def quantized_linear(x, weight, weight_scale, bias=None):
    """Each row of ``x`` times each row of ``weight · weight_scale``, some rows at a time.

    Args:
        x: (..., in_features).
        weight: int8, (out_features, in_features), or half as many columns if packed.
        weight_scale: (out_features,).
        bias: (out_features,) or None.

    Returns:
        (..., out_features), in the type of ``x``.
    """
    rows = x.reshape(-1, x.shape[-1])
    out = array_module(x).empty((len(rows), len(weight)), x.dtype)
    scales = weight_scale.astype(x.dtype, copy=False)
    block = max(ROWS_AT_ONCE, len(rows))  # as for half types, see ``narrow_product``
    for start in range(0, len(weight), block):
        some = slice(start, start + block)
        out[:, some] = rows @ dequantize(weight[some], scales[some], rows.shape[1]).T
    return (out if bias is None else out + bias).reshape(*x.shape[:-1], -1)


@quantized_linear.wrt("x")
def quantized_linear_grad_x(grad, out, x, weight, weight_scale, bias=None):
    rows, columns = grad.reshape(-1, len(weight)), x.shape[-1]
    whole = array_module(x).zeros((len(rows), columns), x.dtype)
    scales = weight_scale.astype(x.dtype, copy=False)
    block = max(ROWS_AT_ONCE, len(rows))
    for start in range(0, len(weight), block):
        some = slice(start, start + block)
        whole += rows[:, some] @ dequantize(weight[some], scales[some], columns)
    return whole.reshape(x.shape)


@quantized_linear.wrt("bias")
def quantized_linear_grad_bias(grad, out, x, weight, weight_scale, bias=None):
    return grad


def quantized_embedding(ids, weight, weight_scale, embedding_dim):
    """Row ``ids[...]`` of the table ``weight · weight_scale``: ``(*ids.shape, embedding_dim)``."""
    scales = weight_scale[ids].astype(compute_dtype(weight_scale), copy=False)
    return dequantize(weight[ids], scales, embedding_dim)


def dequantize(weight, scales, columns):
    """The numbers that ``weight``, (..., columns) or packed, stands for, in the type of scales."""
    unpacked = weight if weight.shape[-1] == columns else unpack_int4(weight)
    numbers = unpacked.astype(scales.dtype)
    numbers *= scales[..., None]  # in place: one array of this size is enough
    return numbers
