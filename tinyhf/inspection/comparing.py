"""Floor 6 · Compare two runs of a model, stage by stage, and name the first stage that differs.

    ids ── mask ── positions ── embeddings ── layer 0: norm, q, k, v … ── logits ── scores ── draws

Values of the same name are set side by side in the order in which they were made. Rounding makes
them differ a little, and a little more with every stage; ``measuring`` says how much that may be.
"""

import re

from tinyhf.backend import is_float
from tinyhf.errors import ArgumentError
from tinyhf.inspection.hints import find_hint
from tinyhf.inspection.measuring import (
    hidden_positions,
    leaks_float64,
    measure,
    without_step,
)
from tinyhf.inspection.sides import read_sides
from tinyhf.inspection.trace_table import align

TITLES = ("stage", "shape", "max diff", "mean diff", "nmse", "cosine", "verdict")
ROWS = 40


class Comparison:
    """What ``compare`` found, true if nothing differs by more than rounding; ``print`` shows it.

    Attributes:
        stages: a ``Stage`` for each name that both sides have.
        first: the first stage that differs by more than rounding, or None.
        place: the line of tinyhf where the first one is made, if a side is a run of tinyhf.
        hint: what the pattern of its differences is known for, or None.
        only_a, only_b: names that one side alone has.
    """

    def __init__(self, stages, left, right):
        self.stages, self.labels = stages, (left.label, right.label)
        self.only_a = [name for name in left.values if name not in right.values]
        self.only_b = [name for name in right.values if name not in left.values]
        self.first = next((stage for stage in stages if stage.differs), None)
        self.place = self.hint = None
        if self.first is not None:
            name = without_step(self.first.name)
            self.place = left.places.get(name) or right.places.get(name)
            self.hint = find_hint(self.first, left, right)

    def __bool__(self):
        return self.first is None

    def __repr__(self):
        return f"{self.table()}\n\n{self.summary()}"

    def table(self, all=False):
        """The stages, one a line: the forty around the first difference, or ``all``."""
        at = self.stages.index(self.first) if self.first else len(self.stages)
        start = 0 if all else max(0, min(at - ROWS // 2, len(self.stages) - ROWS))
        shown = self.stages[start:] if all else self.stages[start : start + ROWS]
        lines = align([TITLES, *map(cells, shown)]).splitlines()
        if self.first:
            lines[1 + at - start] += "  <- first difference"
        after = len(self.stages) - start - len(shown)
        above = [f"… {start} stages above: .table(all=True) shows them"] if start else []
        below = [f"… {after} stages below: .table(all=True) shows them"] if after else []
        return "\n".join([lines[0], *above, *lines[1:], *below])

    def summary(self):
        """A few lines: the verdict, the first stage that differs, where it is made, and a hint."""
        a, b = self.labels
        lines = [f"a is {a}, b is {b}; {len(self.stages)} stages compared."]
        for label, names in (("a", self.only_a), ("b", self.only_b)):
            if names:
                lines.append(f"Only {label} has {len(names)} more, such as {', '.join(names[:3])}.")
        if self.first is None:
            worst = max(self.stages, key=lambda stage: stage.error)
            at_most = f"{worst.error:.1e} at most, at {worst.name}"
            how = f"beyond rounding ({at_most})" if worst.error else "at all"
            lines.append(f"No difference {how}.")
        else:
            lines.append(f"First difference: {self.first.name}: {self.first.verdict}.")
        lines += [f"Made in {self.place}."] if self.place else []
        lines += [f"Hint: {self.hint}"] if self.hint else []
        return "\n".join(lines)


def cells(stage):
    """A row of the printed table."""
    shape = str(stage.shape).replace(" ", "")
    numbers = (stage.max_difference, stage.mean_difference, stage.nmse)
    shown = (f"{x:.1e}" if x else "0" for x in numbers)
    return (stage.name, shape, *shown, f"{stage.cosine:.6f}", stage.verdict)


def compare(a, b, *, rename=None, names=None, inputs=None, step=None):
    """Set two runs side by side, and find the first stage that differs.

    Rows of padding may differ: what is computed there reaches no token, so it does not count.

    Args:
        a, b: each a ``Trace``; a file or folder (a trace, ``.safetensors``, ``.npz`` or ``.npy``
            by name, or what transformers' ``model_addition_debugger_context`` wrote); a mapping of
            names to arrays; or a model, of tinyhf or of transformers, which is run.
        rename: what names of ``b`` are called in ``a``: a dict of names or beginnings of names
            (whole parts, such as ``"blk.0"``), or a function.
        names: compare only names that fit this glob, or one of several.
        inputs: what models are given, by argument; None takes what the other side was given.
        step: compare this step of ``generate`` only, from 0 on.

    Returns:
        A ``Comparison``.

    Raises:
        ArgumentError: a side cannot be read or run, or they have no name in common.
    """
    left, right = read_sides(a, b, rename=rename, names=names, inputs=inputs, step=step)
    shared = ladder(left, right)
    if not shared:
        raise nothing_in_common(left, right)
    stages, error, skipped = [], 0.0, count_skipped(shared, left, right)
    types = [first_float_type(side.values[name] for name in shared) for side in (left, right)]
    for name in shared:
        one, other = left.values[name], right.values[name]
        hidden = hidden_positions(name, left.masks or right.masks)
        eps = max(left.eps, right.eps)
        stage = measure(name, one, other, hidden, error, skipped[name], eps)
        if leaks_float64(one, other, types) and not stage.verdict.startswith("shape"):
            stage = stage._replace(verdict=f"dtype {other.dtype} instead of {one.dtype}")
        if stage.verdict == "rounding":
            error = max(error, stage.error)
        stages.append(stage)
    return Comparison(stages, left, right)


def ladder(left, right):
    """The names both have, in the order they were made; ids, masks and positions before all."""
    first = right if right.places and not left.places else left
    shared = [name for name in first.values if name in left.values and name in right.values]
    return sorted(shared, key=rung)


def count_skipped(shared, *sides):
    """name → how many stages one side has since the last shared one."""
    skipped = dict.fromkeys(shared, 0)
    for side in sides:
        since = 0
        for name in side.values:
            if name in skipped:
                skipped[name] = max(skipped[name], since)
                since = 0
            else:
                since += 1
    return skipped


def first_float_type(values):
    """What a side begins to compute in."""
    return next((x.dtype for x in values if is_float(x.dtype)), None)


def rung(name):
    """(step, 0 to 3): ids, masks, positions, all that is computed."""
    step = int(match[1]) if (match := re.match(r"step (\d+): ", name)) else 0
    if name.endswith("position_ids"):
        return step, 2
    return step, 0 if name.endswith("_ids") else 1 if name.endswith("mask") else 3


def nothing_in_common(left, right):
    """The error that shows some names of both."""
    a, b = (", ".join(list(side.values)[:4]) or "no names" for side in (left, right))
    fix = 'rename={"their name": "model.embed_tokens"} says what names of b are called in a.'
    return ArgumentError(f"a and b share no name: a has {a}; b has {b}", where="compare", fix=fix)
