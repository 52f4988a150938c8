"""Floor 2 · Distances between tokens, in buckets (T5), and positions as waves (Marian).

Mirrors T5Attention._relative_position_bucket of transformers/models/t5/modeling_t5.py and
MarianSinusoidalPositionalEmbedding of transformers/models/marian/modeling_marian.py.
"""

import math

import numpy

from tinyhf.backend import array_module, float32


def relative_position_bucket(relative_position, bidirectional, num_buckets, max_distance):
    """The bucket of each distance: near ones have their own, far ones share (Raffel et al., 2020).

    With 32 buckets in one direction: 0 1 2 … 15, then 16-18, 19-20, … each a bit wider than the
    last, and one for everything from ``max_distance`` on. In both directions each has half of them.

    Args:
        relative_position: whole numbers, key position - query position.
        bidirectional: keys may come later; else those count as distance 0.
    """
    xp = array_module(relative_position)
    start = 0
    if bidirectional:
        num_buckets //= 2
        start = (relative_position > 0) * num_buckets
        distance = abs(relative_position)
    else:
        distance = xp.maximum(-relative_position, 0)
    exact = num_buckets // 2
    growth = xp.log(xp.maximum(distance, exact).astype(float32) / exact)
    wide = growth / math.log(max_distance / exact) * (num_buckets - exact)
    far = xp.minimum(exact + wide.astype(distance.dtype), num_buckets - 1)
    return start + xp.where(distance < exact, distance, far)


def relative_positions(seq, total, like):
    """Key position - query position for the last ``seq`` of ``total`` tokens: (seq, total).

    Args:
        like: an array of the library and on the device that the result is wanted on.
    """
    positions = array_module(like).arange(total)
    return positions - positions[total - seq :, None]


def sinusoidal_positions(num_positions, dim):
    """Sines, then cosines of every position, each pair slower than the last (Vaswani et al., 2017).

    Returns:
        float32 (num_positions, dim), on the host.
    """
    pairs = numpy.arange(0, dim, 2)
    angles = numpy.arange(num_positions)[:, None] / 10000 ** (pairs / dim)  # (positions, dim / 2)
    waves = numpy.concatenate([numpy.sin(angles), numpy.cos(angles[:, : dim // 2])], axis=-1)
    return waves.astype(float32)
