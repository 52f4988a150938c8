"""Floor 6 · Hints about what layers compute: rotary positions, norms, maps, scales.

Each function tests for one mistake, and answers its sentence, or None where the test does not hold.
"""

import math

import numpy

from tinyhf.inspection.evidence import alike, names_of_sides
from tinyhf.inspection.measuring import blank


def other_rotary_pairs(e):
    """Halves turned on one side, neighbours on the other."""
    if e.own not in ("q_rotary", "k_rotary") or e.a.shape[-1] % 2:
        return None
    before, _ = e.beside(e.own[0])
    if before is None or before.shape != e.a.shape:
        return None
    for who, (one, other) in {"b": (e.a, e.b), "a": (e.b, e.a)}.items():
        neighbours = to_neighbours(turn(before, to_halves(before), one))
        if alike(neighbours, other, 1e-3):
            return (
                f"{who} turns neighbours (0, 1), (2, 3) … (interleaved rotary), the other side"
                " halves (0, d/2), (1, d/2 + 1) … as transformers does."
            )
    return None


def turn(before, vectors, turned):
    """``vectors`` turned by the angles that made ``turned`` of ``before``, pairs being halves."""
    x, y = numpy.split(before, 2, axis=-1)
    u, v = numpy.split(turned, 2, axis=-1)
    size = (x * x + y * y).sum(1, keepdims=True)  # over heads, which share the angles
    cos = numpy.nan_to_num((x * u + y * v).sum(1, keepdims=True) / size)
    sin = numpy.nan_to_num((x * v - y * u).sum(1, keepdims=True) / size)
    x, y = numpy.split(vectors, 2, axis=-1)
    return numpy.concatenate([x * cos - y * sin, y * cos + x * sin], axis=-1)


def to_halves(x):
    """Neighbours (0, 1), (2, 3) … to halves: 0, 2, 4 … 1, 3, 5 …"""
    return numpy.concatenate([x[..., 0::2], x[..., 1::2]], axis=-1)


def to_neighbours(x):
    """The way back."""
    return numpy.stack(numpy.split(x, 2, axis=-1), axis=-1).reshape(x.shape)


def permuted_heads(e):
    """q or k whose numbers stand in the order of Meta's files."""
    letter = e.own[0] if e.own in ("q", "k", "q_proj", "k_proj") else "-"
    a, b = e.beside(letter)
    if a is None or b is None or a.shape != b.shape or a.ndim != 4 or a.shape[-1] % 2:
        return None
    for who, (one, other) in {"b": (a, b), "a": (b, a)}.items():
        if alike(to_neighbours(one), other):
            return (
                f"{who}'s {letter} has the same numbers in another order inside of the heads: its"
                " weights are those of Meta's files, for interleaved rotary; transformers'"
                " conversion sorts them into halves."
            )
    return None


def another_eps(e):
    """Norms whose rows differ by factors of their own that are almost 1."""
    if e.a.ndim < 2 or not ("norm" in e.own.lower() or e.own.startswith("ln_")):
        return None
    bias = e.weight("bias")
    rows = (e.a if bias is None else e.a - bias).reshape(-1, e.a.shape[-1])
    difference = (e.b - e.a).reshape(rows.shape)
    rows, difference = (x[difference.any(axis=-1)] for x in (rows, difference))
    factors = (rows * difference).sum(-1) / (rows * rows).sum(-1)
    unexplained = ((difference - factors[:, None] * rows) ** 2).sum() / (difference**2).sum()
    least, most = abs(factors).min(), abs(factors).max()
    all_one_way = abs(numpy.sign(factors).sum()) == len(factors)
    is_one_scale = len(factors) > 2 and most - least < 1e-3 * most
    if unexplained > 0.1 or most > 0.9 or not all_one_way or is_one_scale:
        return None
    who, _ = names_of_sides(factors[0] < 0)
    return (
        f"every row of this norm is larger in {who}, by a share of its own ({least:.1e} to"
        f" {most:.1e}): its eps is smaller there."
    )


def transposed_weight(e):
    """One side multiplies by W, the other by its transpose."""
    weight, bias = e.weight("weight"), e.weight("bias")
    if weight is None or weight.ndim != 2 or weight.shape[0] != weight.shape[1]:
        return None
    bias = 0.0 if bias is None else bias
    for x in list(inputs_before(e, len(weight)))[:8]:
        both_ways = [blank(x @ w + bias, e.hidden) for w in (weight, weight.T)]
        if all(map(alike, both_ways, (e.a, e.b))) or all(map(alike, both_ways, (e.b, e.a))):
            return "one side multiplies by the transpose of this weight (Linear and Conv1D differ)."
    return None


def inputs_before(e, width):
    """Earlier values that may have gone into a map of this width; heads are merged first."""
    for x in e.earlier():
        if x.ndim == 4:
            x = x.swapaxes(1, 2).reshape(x.shape[0], x.shape[2], -1)
        if x.shape == (*e.a.shape[:-1], width):
            yield x


def swapped_with_another(e):
    """b has here what a has under another name beside it."""
    others = {"gate_proj": "up_proj", "up_proj": "gate_proj", "wi_0": "wi_1", "wi_1": "wi_0"}
    others |= {"q": "k", "k": "v", "q_proj": "k_proj", "k_proj": "v_proj"}
    a, b = e.beside(others.get(e.own, "-"))
    if alike(e.b, a) and alike(e.a, b):
        return f"{e.own} and {others[e.own]} are swapped."
    return None


def activation_of_the_other(e):
    """The gate's activation was given the other map's output."""
    for gate, up in (("gate_proj", "up_proj"), ("wi_0", "wi_1")):
        (before, _), (other, _) = e.beside(gate), e.beside(up)
        if e.own not in ("act_fn", "act") or before is None or other is None:
            continue
        if before.shape == other.shape == e.a.shape and follows(e.b, other, before, e.a):
            return f"{gate} and {up} are swapped: the activation was given {up}."
    return None


def follows(y, x, curve_x, curve_y):
    """Whether y is of x what the points (curve_x, curve_y) say, as far as they reach."""
    order = curve_x.ravel().argsort()
    inside = (x > curve_x.min()) & (x < curve_x.max())
    wanted = numpy.interp(x, curve_x.ravel()[order], curve_y.ravel()[order])
    off = abs(wanted - y)[inside] / abs(y).max()
    return off.size > 0 and numpy.median(off) < 0.02 and off.max() < 0.2


def another_scale(e):
    """b is a times one number."""
    if not e.a.any():
        return None
    factor = float((e.a * e.b).sum() / (e.a * e.a).sum())
    if not factor or abs(factor - 1) < 1e-3 or not alike(e.a * factor, e.b):
        return None
    return f"b is a times {factor:.6g}{what_it_is(factor, e)}."


def what_it_is(factor, e):
    """A name for the number, if it is one of those that models scale by."""
    heads, _ = e.beside("q")
    width = e.a.shape[-1]
    known = {"the square root of the hidden size": math.sqrt(width), "the hidden size": width}
    if heads is not None and heads.ndim == 4:
        width = heads.shape[-1]
        known = {"the square root of head_dim": math.sqrt(width), "head_dim": width}
    for name, number in known.items():
        for word, value in ((name, number), (f"1 / {name}", 1 / number)):
            if math.isclose(factor, value, rel_tol=1e-4):
                return f", which is {word} ({width}): one side does not scale, or twice"
    return ": a scale is missing, or another one"


def same_vector_everywhere(e):
    """The difference is one vector, the same at every position."""
    if e.a.ndim != 3 or e.a.shape[0] * e.a.shape[1] < 2:
        return None
    rows = (e.b - e.a).reshape(-1, e.a.shape[-1])
    rows = rows[(rows != 0).any(axis=-1)]
    if len(rows) > 1 and alike(rows, numpy.broadcast_to(rows.mean(0), rows.shape), 1e-2):
        return "the difference is the same vector at every position: a bias is missing, or another."
    return None
