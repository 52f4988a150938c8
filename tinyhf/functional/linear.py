"""Floor 2 · The linear map, x @ weightᵀ + bias: nine tenths of the time a transformer takes.

Mirrors torch.nn.functional.linear and torch.nn.functional.embedding.
"""

import numpy

from tinyhf.autograd import differentiable
from tinyhf.backend import array_module, compute_dtype, scatter_add, widen

BIG = 2**18  # numbers: a weight that does not fit into the processor's cache
FEW_ROWS, BLOCK = 32, 256
ROWS_AT_ONCE = 64  # a block of widened weights should stay in the processor's cache


def linear(x, weight, bias=None):
    """Each row of ``x`` times each row of ``weight``.

    Args:
        x: (..., in_features).
        weight: (out_features, in_features), in the order checkpoints store it; may be narrower
            than ``x`` (float16, bfloat16), then it is widened block by block, never as a whole; or
            wider (T5's ``wo``), then ``x`` is widened.
        bias: (out_features,) or None.

    Returns:
        (..., out_features), in the wider of the two types.
    """
    rows = x.reshape(-1, x.shape[-1])  # (rows, in_features): one matrix product, not one a sequence
    out = rows @ weight.T if weight.dtype == x.dtype and weight.size < BIG else matmul(rows, weight)
    return (out if bias is None else out + bias).reshape(*x.shape[:-1], len(weight))


@differentiable
def matmul(rows, weight):
    """rows @ weightᵀ for a big weight, or for two types, then in the wider one."""
    if weight.dtype.itemsize > rows.dtype.itemsize:
        return rows.astype(weight.dtype) @ weight.T
    if weight.dtype != rows.dtype:
        return narrow_product(rows, weight)
    is_few = 1 < len(rows) <= FEW_ROWS and array_module(rows) is numpy
    return few_rows_product(rows, weight) if is_few else rows @ weight.T


@matmul.wrt("rows")
def matmul_grad_rows(grad, out, rows, weight):
    if weight.dtype == grad.dtype:
        return grad @ weight
    xp, block = array_module(grad), max(ROWS_AT_ONCE, len(grad))
    total = xp.zeros(rows.shape, rows.dtype)
    for start in range(0, len(weight), block):  # as in ``narrow_product``: never widened as a whole
        some = slice(start, start + block)
        total += grad[:, some] @ weight[some].astype(grad.dtype)
    return total


@matmul.wrt("weight")
def matmul_grad_weight(grad, out, rows, weight):
    return grad.T @ rows


def few_rows_product(rows, weight):
    """rows @ weightᵀ for a few rows on the CPU, where the time goes into reading the weight.

    A block of it is read once for all rows. As one product OpenBLAS would first copy the weight
    into another order, which makes it take twice as long.
    """
    columns = numpy.ascontiguousarray(rows.T)  # (in_features, rows)
    out = numpy.empty((len(weight), len(rows)), rows.dtype)
    for start in range(0, len(weight), BLOCK):
        numpy.matmul(weight[start : start + BLOCK], columns, out=out[start : start + BLOCK])
    return numpy.ascontiguousarray(out.T)


def narrow_product(rows, weight):
    """rows @ weightᵀ for a half-precision ``weight``, of which a few rows at a time are widened."""
    xp = array_module(rows)
    block = max(ROWS_AT_ONCE, len(rows))  # longer prompts: larger products, still a small buffer
    out = xp.empty((len(rows), len(weight)), rows.dtype)
    widened = xp.empty((min(block, len(weight)), rows.shape[1]), rows.dtype)
    for start in range(0, len(weight), block):
        some = weight[start : start + block]
        xp.matmul(rows, widen(some, widened[: len(some)]).T, out=out[:, start : start + block])
    return out


@differentiable
def embedding(ids, weight, padding_idx=None):
    """Row ``ids[...]`` of the table ``weight`` (vocabulary, hidden): ``(*ids.shape, hidden)``.

    The row ``padding_idx`` gets no gradient: nothing is learnt from padding.
    """
    return weight[ids].astype(compute_dtype(weight), copy=False)


@embedding.wrt("weight")
def embedding_grad_weight(grad, out, ids, weight, padding_idx=None):
    rows = scatter_add(weight.shape, ids.reshape(-1), grad.reshape(-1, weight.shape[1]))
    if padding_idx is not None:
        rows[padding_idx] = 0.0
    return rows
