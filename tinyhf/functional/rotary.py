"""Floor 2 · Rotary positions: a query or key is turned by an angle that grows with its position.

Mirrors apply_rotary_pos_emb of transformers/models/llama/modeling_llama.py (Su et al., 2021).

Which two numbers make up a plane that is turned? In Hugging Face's checkpoints number i goes with
number i + head_dim/2, in Meta's original ones with its neighbour; the q and k weights were permuted
when they were converted, so both give the same scores:

    halves (here):    x0 x1 x2 x3 | x4 x5 x6 x7      planes (x0, x4) (x1, x5) (x2, x6) (x3, x7)
    interleaved:      x0 x1 | x2 x3 | x4 x5 | x6 x7  planes (x0, x1) (x2, x3) (x4, x5) (x6, x7)
"""

from tinyhf.autograd import differentiable
from tinyhf.backend import array_module


def rotary_tables(position_ids, inv_freq, scaling=1.0):
    """The cosines and sines of every position.

    Args:
        position_ids: (batch, seq), whole numbers.
        inv_freq: (head_dim / 2,), radians per position, one for each plane.
        scaling: a factor on both tables (yarn's attention factor).

    Returns:
        cos, sin: each (batch, seq, head_dim), the same half twice.
    """
    xp = array_module(inv_freq)
    angles = position_ids[:, :, None].astype(inv_freq.dtype) * inv_freq  # (batch, seq, head_dim/2)
    angles = xp.concatenate((angles, angles), axis=-1)  # (batch, seq, head_dim)
    return xp.cos(angles) * scaling, xp.sin(angles) * scaling


def rotate_half(x):
    """(first, second) → (-second, first): x turned by a quarter in every plane."""
    half = x.shape[-1] // 2
    return array_module(x).concatenate((-x[..., half:], x[..., :half]), axis=-1)


@differentiable
def turn(x, cos, sin):
    """x turned by the angles in every plane."""
    return x * cos + rotate_half(x) * sin


@turn.wrt("x")
def turn_grad_x(grad, out, x, cos, sin):
    return grad * cos - rotate_half(grad * sin)  # turned back


def apply_rotary_pos_emb(q, k, cos, sin):
    """``q`` and ``k`` (batch, heads, seq, head_dim), turned by the angles of their positions.

    ``cos`` and ``sin``: (batch, seq, head_dim).
    """
    cos, sin = cos[:, None].astype(q.dtype, copy=False), sin[:, None].astype(q.dtype, copy=False)
    return turn(q, cos, sin), turn(k, cos, sin)
