"""Floor 6 · Hints about what is not computed yet: types, ids, masks, positions.

Each function tests for one mistake, and answers its sentence, or None where the test does not hold.
"""

import numpy

from tinyhf.backend import float64
from tinyhf.inspection.evidence import alike, names_of_sides
from tinyhf.inspection.measuring import blank, is_mask


def broken_numbers(e):
    """NaN or Inf where the other side has none."""
    if not e.stage.verdict.endswith("on one side"):
        return None
    finite_a, finite_b = (numpy.isfinite(x) for x in (e.a, e.b))
    who, _ = names_of_sides((finite_b & ~finite_a).any())
    broken = finite_b & ~finite_a if who == "a" else finite_a & ~finite_b
    where = tuple(int(i) for i in numpy.argwhere(broken)[0])
    return f"{who} has {int(broken.sum())} numbers that are NaN or Inf, the first at {where}."


def float64_leak(e):
    """A wider type than before."""
    if not e.stage.verdict.startswith("dtype"):
        return None
    who, _ = names_of_sides(e.raw_a.dtype == float64)
    return (
        f"{who} computes in float64 from here on: a float64 scalar or table has met the array, such"
        " as numpy.sqrt(64), where math.sqrt(64) would not widen it."
    )


def one_token_more(e):
    """Ids that are equal after the first one is dropped, as with a double BOS."""
    a, b = e.raw_a, e.raw_b
    if not e.own.endswith("input_ids") or a.ndim != 2 or abs(a.shape[1] - b.shape[1]) != 1:
        return None
    who, other = names_of_sides(a.shape[1] > b.shape[1])
    longer, shorter = (a, b) if who == "a" else (b, a)
    if (longer[:, 1:] != shorter).any():
        return None
    first = int(longer[0, 0])
    if (longer[:, 0] == longer[:, 1]).all():
        twice = f"{who} begins with the token {first} twice (double BOS)"
        return f"{twice}: text that holds it already was encoded with add_special_tokens=True."
    return f"{who} begins with the token {first}, {other} does not: see add_special_tokens."


def padded_on_the_other_side(e):
    """The same tokens in every row, in other columns."""
    masks = input_masks(e)
    if not e.own.endswith("input_ids") or any(mask is None for mask in masks):
        return None
    if any(m.shape != x.shape for m, x in zip(masks, (e.raw_a, e.raw_b), strict=True)):
        return None
    pairs = zip(e.raw_a, masks[0], e.raw_b, masks[1], strict=True)
    if all(numpy.array_equal(a[m != 0], b[n != 0]) for a, m, b, n in pairs):
        right = [bool((mask[:, 0] != 0).all()) for mask in masks]
        a, b = ("on the right" if x else "on the left" for x in right)
        return f"the same tokens, but a pads {a}, b {b}: to generate, pad on the left." * (a != b)
    return None


def input_masks(e):
    """The attention masks that both sides were given, as they are."""
    name = e.name.replace("input_ids", "attention_mask")
    return [side.masks.get(name) for side in (e.left, e.right)]


def counted_from_elsewhere(e):
    """Positions that differ by a constant, in every row or in each row by its own."""
    if e.own != "position_ids" or e.a.ndim != 2:
        return None
    shown = blank(numpy.ones(e.a.shape), e.hidden).astype(bool)
    offsets = [set(row[there]) for row, there in zip(e.b - e.a, shown, strict=True)]
    if any(len(found) != 1 for found in offsets):
        return None
    different = sorted({int(*found) for found in offsets})
    if len(different) == 1:
        return f"b counts positions from {different[0]:+d} on, compared with a."
    return "rows are shifted, each by its padding: one side counts padding as positions."


def shifted_table(e):
    """cos, sin or vectors of positions, moved by one or a few."""
    is_table = e.own in ("rotary_emb", "wpe", "embed_positions", "position_embeddings")
    if not is_table or e.a.ndim < 2:
        return None
    for shift in (1, 2, 3):
        for who, (one, other) in {"b": (e.a, e.b), "a": (e.b, e.a)}.items():
            if one.shape[-2] > shift and alike(other[..., :-shift, :], one[..., shift:, :]):
                return f"{who}'s positions are {shift} further than the other side's (offset)."
    return None


def who_sees_whom(e):
    """Masks, or attention weights that are zero on one side only."""
    if e.a.ndim != 4 or not (is_mask(e.name) or e.own == "pattern"):
        return None
    a, b = (x > 0 for x in (e.a, e.b))
    if (a == b).all():
        return None
    seq, total = a.shape[-2:]
    behind = numpy.tri(seq, total, total - seq, dtype=bool)
    who, other = names_of_sides(a.sum() > b.sum())
    more, less = (a, b) if who == "a" else (b, a)
    extra = more & ~less
    if (less & ~more).any():
        return "each side shows tokens that the other hides: the masks have another form."
    next_ones = numpy.tri(seq, total, total - seq + 1, dtype=bool) & ~behind
    own_ones = behind & ~numpy.tri(seq, total, total - seq - 1, dtype=bool)
    if not (extra & ~next_ones).any():
        return f"{who} lets each token see the next one, {other} does not: a mask off by one."
    if not (extra & ~own_ones).any():
        return f"{other} hides each token from itself, {who} does not: a mask off by one."
    if (extra & ~behind).any():
        return f"{who} lets tokens see all later ones: the causal mask is missing there."
    return f"{who} lets tokens see padding, or tokens outside of a window, that {other} hides."
