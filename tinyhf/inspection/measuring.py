"""Floor 6 · How far two values of one name lie apart, and whether rounding explains it.

Two right implementations add the same numbers in another order. A sum of n rounded numbers is off
by about sqrt(n) roundings, and what was off before a stage may leave it enlarged, as from a softmax
or a norm. ``docs/comparing.md`` tells how the constants below were measured.
"""

import math
import re
from typing import NamedTuple

import ml_dtypes
import numpy

from tinyhf.backend import float64, is_float

#: How many roundings a stage may be off by itself, on top of the sqrt(n) of its sums.
ROUNDINGS = 8
#: How much larger an error may leave a stage than it was before.
GROWTH = 30
#: No error larger than this share of the largest number is ever called rounding.
LARGEST_ERROR = 0.3
#: Values that may be there for the last positions only: (how many axes, which one these are). Keys
#: without those in the cache, caches that hold no more than a window, logits of the next token.
LAST_ONLY = {
    **dict.fromkeys(("k", "v", "k_rotary"), (4, 2)),
    **dict.fromkeys(("scores", "pattern", "causal_mask"), (4, 3)),
    **dict.fromkeys(("lm_head", "logits"), (3, 1)),
}


class Stage(NamedTuple):
    """How two values of one name differ.

    Attributes:
        max_difference, mean_difference: of the absolute differences.
        error: the largest difference as a share of the largest number.
        nmse: the squared differences as a share of the squares.
        cosine: of the angle between both, 1 where they point the same way.
        verdict: "equal", "rounding", or what is wrong.
    """

    name: str
    shape: tuple
    max_difference: float = 0.0
    mean_difference: float = 0.0
    error: float = 0.0
    nmse: float = 0.0
    cosine: float = 1.0
    verdict: str = "equal"

    @property
    def differs(self):
        """By more than rounding."""
        return self.verdict not in ("equal", "rounding")


def measure(name, a, b, hidden=None, error_so_far=0.0, skipped=0, least_eps=0.0):
    """The ``Stage`` of two arrays.

    Args:
        hidden: True at padding, as ``hidden_positions`` gives it.
        error_so_far: the largest error of the stages before, which this one may enlarge.
        skipped: how many stages lie between it and the last one that both sides have.
        least_eps: how coarse the numbers are at least, for such as were printed.
    """
    lined_up = line_up(name, a, b, hidden)
    if lined_up is None:
        return Stage(name, a.shape, math.inf, math.inf, math.inf, verdict=f"shape {b.shape}")
    wide_a, wide_b = lined_up
    if not (is_float(a.dtype) and is_float(b.dtype)) or is_mask(name):
        count = int((wide_a != wide_b).sum())
        apart = float(abs(wide_a - wide_b).max(initial=0))
        verdict = f"{count} of {wide_a.size} differ" if count else "equal"
        return Stage(name, a.shape, apart, verdict=verdict, error=math.inf if count else 0.0)
    eps = max(float(ml_dtypes.finfo(x.dtype).eps) for x in (a, b))
    own = max(eps, least_eps) * (ROUNDINGS + math.sqrt(wide_a.shape[-1] if wide_a.ndim else 1))
    own *= 1 + skipped
    return measure_floats(
        name, a.shape, wide_a, wide_b, min(own + GROWTH * error_so_far, LARGEST_ERROR)
    )


def measure_floats(name, shape, a, b, bound):
    """``Stage`` of two float64 arrays of one shape; ``bound`` is what rounding explains."""
    same = (a == b) | (numpy.isnan(a) & numpy.isnan(b))
    if same.all():
        return Stage(name, shape)
    a, b = (numpy.where(same & ~numpy.isfinite(x), 0.0, x) for x in (a, b))  # such as -inf in both
    broken = [kind for kind in map(what_is_broken, (a, b)) if kind]
    with numpy.errstate(invalid="ignore", over="ignore"):
        difference = numpy.where(same, 0.0, abs(a - b))
        squares, dot = (a * a).sum(), (a * b).sum()
        numbers = {
            "max_difference": difference.max(),
            "mean_difference": difference.mean(),
            "error": difference.max() / max(abs(a).max(), abs(b).max()),
            "nmse": (difference**2).sum() / squares if squares else math.inf,
            "cosine": dot / math.sqrt(squares * (b * b).sum()) if dot else 0.0,
        }
    verdict = "rounding" if numbers["error"] <= bound else "differs"
    verdict = f"{broken[0]} on one side" if broken else verdict
    return Stage(name, shape, **{key: float(x) for key, x in numbers.items()}, verdict=verdict)


def what_is_broken(x):
    """ "NaN", "Inf" or None."""
    return "NaN" if numpy.isnan(x).any() else "Inf" if numpy.isinf(x).any() else None


def leaks_float64(a, b, first):
    """Whether one side is wider here than the other, and was not in the beginning.

    A whole run in float64 is no mistake: it is the reference that halves and float32 are judged by.

    Args:
        first: the types of both sides' first float values.
    """
    types = (a.dtype, b.dtype)
    return any(
        own == float64 and before != float64 and is_float(other) and other != float64
        for own, other, before in zip(types, types[::-1], first, strict=True)
    )


# ---- one shape -----------------------------------------------------------------------------------


def is_mask(name):
    """Whether these numbers say who may look at whom."""
    return name.endswith("mask")


def visible(x):
    """A mask in any of its forms (bool, 0 and 1, 0 and lowest number) as 1 and 0."""
    shown = x > -1 if is_float(x.dtype) else x != 0
    return shown.astype(float64)


def line_up(name, a, b, hidden=None):
    """Both as float64 in one shape, 0 where they are ``hidden``; None if they do not fit.

    A batch of one may stand for many, or be left out; heads may stand before or after positions;
    what ``LAST_ONLY`` names may be there for the last positions only.
    """
    a, b = (visible(x) if is_mask(name) else x.astype(float64) for x in (a, b))
    if abs(a.ndim - b.ndim) == 1:
        a, b = (x[None] if x.ndim < max(a.ndim, b.ndim) else x for x in (a, b))
    if a.ndim != b.ndim:
        return None
    axes, axis = LAST_ONLY.get(re.split("[. ]", name)[-1], (None, None))
    if a.ndim == axes:
        shared = min(a.shape[axis], b.shape[axis])
        a, b = (x.swapaxes(0, axis)[x.shape[axis] - shared :].swapaxes(0, axis) for x in (a, b))
    if a.ndim == 4 and a.shape != b.shape and a.swapaxes(1, 2).shape[1:] == b.shape[1:]:
        b = b.swapaxes(1, 2)
    if a.shape[1:] != b.shape[1:] or (a.shape[:1] != b.shape[:1] and 1 not in (len(a), len(b))):
        return None
    a, b = numpy.broadcast_arrays(a, b)
    if name.endswith(".scores"):  # of hidden keys, too
        a, b = (blank(x.swapaxes(2, 3), hidden).swapaxes(2, 3) for x in (a, b))
    return blank(a, hidden), blank(b, hidden)


def hidden_positions(name, masks):
    """(batch, total), True at padding, from the attention mask among the inputs; or None."""
    step = name[: name.find(": ") + 2] if name.startswith("step ") else ""
    prefix = "decoder_" if "decoder" in name else ""
    mask = masks.get(f"{step}{prefix}attention_mask")
    if mask is None or mask.ndim != 2 or is_mask(name):
        return None
    return numpy.asarray(mask) == 0


def blank(x, hidden):
    """``x`` with 0 at hidden positions; its axes are (batch, seq, …) or (batch, heads, seq, …).

    Args:
        hidden: as ``hidden_positions`` gives it; cached positions may stand before those of x.
    """
    axis = 2 if x.ndim == 4 else 1
    if hidden is None or x.ndim < 2 or len(x) != len(hidden) or x.shape[axis] > hidden.shape[1]:
        return x
    newest = hidden[:, hidden.shape[1] - x.shape[axis] :]
    there = newest.reshape(len(x), *([1] * (axis - 1)), -1, *([1] * (x.ndim - axis - 1)))
    return numpy.where(there, 0.0, x)


def without_step(name):
    """The name alone, of ``step 2: model.layers.0``."""
    return re.sub(r"^step \d+: ", "", name)
