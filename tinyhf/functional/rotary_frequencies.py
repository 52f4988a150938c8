"""Floor 2 · How fast each plane of a rotary embedding turns, and how that is stretched.

Mirrors transformers/modeling_rope_utils.py. A model trained on short texts reads longer ones when
its planes turn more slowly; the ways to slow them down are the rope types of ``config.json``. Each
function here takes the same arguments and returns the frequencies and a factor on cos and sin:

    head_dim: numbers a head has; they form head_dim / 2 planes.
    rope: the dict ``rope_parameters`` of the config (``rope_theta``, ``factor`` …).
    max_positions: ``max_position_embeddings`` of the config.
    seq_len: the longest position asked for, plus one.
"""

import math

import numpy

from tinyhf.backend import float32


def default_frequencies(head_dim, rope, max_positions=None, seq_len=None):
    """theta^(-2i / head_dim) radians per position for plane i (Su et al., 2021)."""
    planes = numpy.arange(0, head_dim, 2, dtype=float32)  # (head_dim / 2,)
    return 1.0 / (float(rope["rope_theta"]) ** (planes / head_dim)), 1.0


def linear_frequencies(head_dim, rope, max_positions=None, seq_len=None):
    """All planes ``factor`` times slower: positions are squeezed (Chen et al., 2023)."""
    inv_freq, scaling = default_frequencies(head_dim, rope)
    return inv_freq / float(rope["factor"]), scaling


def dynamic_frequencies(head_dim, rope, max_positions, seq_len=0):
    """A larger theta, but only once the text is longer than the model was trained for (NTK)."""
    factor = rope["factor"]
    stretch = factor * max(seq_len, max_positions) / max_positions - (factor - 1)
    theta = rope["rope_theta"] * stretch ** (head_dim / (head_dim - 2))
    return default_frequencies(head_dim, {"rope_theta": theta})


def llama3_frequencies(head_dim, rope, max_positions=None, seq_len=None):
    """Fast planes stay, slow ones turn ``factor`` times slower, those between are blended.

    Llama 3.1: a plane is fast when it turns more than ``high_freq_factor`` times, slow when it
    turns less than ``low_freq_factor`` times within ``original_max_position_embeddings``.
    """
    inv_freq, scaling = default_frequencies(head_dim, rope)
    low, high = float(rope["low_freq_factor"]), float(rope["high_freq_factor"])
    slowed = inv_freq / float(rope["factor"])
    turns = rope["original_max_position_embeddings"] * inv_freq / (2 * math.pi)  # (head_dim / 2,)
    blend = (turns - low) / (high - low)  # 0 for slow planes, 1 for fast ones
    blended = (1 - blend) * slowed + blend * inv_freq
    return numpy.where(turns < low, slowed, numpy.where(turns > high, inv_freq, blended)), scaling


def yarn_frequencies(head_dim, rope, max_positions, seq_len=None):
    """Like llama3, with a ramp over the planes and a factor on cos and sin (Peng et al., 2023)."""
    inv_freq, _ = default_frequencies(head_dim, rope)
    trained = rope["original_max_position_embeddings"]
    factor = rope.get("factor") or max_positions / trained
    fast = _plane_that_turns(rope.get("beta_fast") or 32, head_dim, rope["rope_theta"], trained)
    slow = _plane_that_turns(rope.get("beta_slow") or 1, head_dim, rope["rope_theta"], trained)
    if rope.get("truncate", True):
        fast, slow = math.floor(fast), math.ceil(slow)
    fast, slow = max(fast, 0), min(slow, head_dim - 1)
    planes = numpy.arange(head_dim // 2, dtype=float32)
    ramp = numpy.clip((planes - fast) / ((slow - fast) or 0.001), 0.0, 1.0)  # 0 fast, 1 slow
    inv_freq = inv_freq / factor * ramp + inv_freq * (1.0 - ramp)
    return inv_freq, _yarn_attention_factor(rope, factor)


def _plane_that_turns(times, head_dim, theta, positions):
    """The (fractional) plane that turns ``times`` times within ``positions`` positions."""
    return head_dim * math.log(positions / (times * 2 * math.pi)) / (2 * math.log(theta))


def _yarn_attention_factor(rope, factor):
    """Longer texts flatten the softmax; cos and sin grow a little to make up for it."""

    def growth(weight):
        return 0.1 * weight * math.log(factor) + 1.0 if factor > 1 else 1.0

    if rope.get("attention_factor") is not None:
        return float(rope["attention_factor"])
    if rope.get("mscale") and rope.get("mscale_all_dim"):
        return growth(rope["mscale"]) / growth(rope["mscale_all_dim"])
    return growth(1.0)


ROPE_FUNCTIONS = {
    "default": default_frequencies,
    "linear": linear_frequencies,
    "dynamic": dynamic_frequencies,
    "llama3": llama3_frequencies,
    "yarn": yarn_frequencies,
}
