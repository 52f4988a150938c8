"""Floor 6 · A trace as a table: how large each value is, and where the first NaN comes from."""

from typing import NamedTuple

import numpy

from tinyhf.backend import float32


class Row(NamedTuple):
    """One value of a trace; numbers are None where they make no sense, as for ids."""

    step: int
    name: str
    shape: tuple
    dtype: str
    mean: float | None = None
    std: float | None = None
    absmax: float | None = None
    broken: str = ""  # "NaN" or "Inf", if one is in it


class TraceTable:
    """The rows of a trace; ``print`` shows them aligned, iteration gives them as ``Row``.

    Attributes:
        first_broken: the first row with a NaN, or with an Inf that no mask put there; or None.
    """

    def __init__(self, rows, places):
        self.rows, self.places = rows, places
        self.first_broken = next((row for row in rows if row.broken), None)

    def __iter__(self):
        return iter(self.rows)

    def __len__(self):
        return len(self.rows)

    def __repr__(self):
        titles = ("path", "shape", "dtype", "mean", "std", "absmax", "")
        lines = [titles, *map(self._cells, self.rows)]
        if len({row.step for row in self.rows}) > 1:
            steps = ("step", *(str(row.step) for row in self.rows))
            lines = [(step, *line) for step, line in zip(steps, lines, strict=True)]
        return align(lines)

    def _cells(self, row):
        numbers = ("" if x is None else f"{x:.4g}" for x in (row.mean, row.std, row.absmax))
        mark = row.broken
        if row is self.first_broken:
            made = self.places.get(row.name)
            mark = f"<- first {mark}" + (f", made in {made}" if made else "")
        return (row.name, str(row.shape).replace(" ", ""), row.dtype, *numbers, mark)


def align(lines):
    """Columns under one another; numbers to the right, all else to the left."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numbers = [title in ("mean", "std", "absmax", "step") for title in lines[0]]
    rows = (
        "  ".join(
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(line, widths, numbers, strict=True)
        ).rstrip()
        for line in lines
    )
    return "\n".join(rows)


def summarize(trace):
    """The ``TraceTable`` of a ``Trace``, all its steps."""
    rows = [
        summarize_value(number, name, value)
        for number, step in enumerate(trace.steps)
        for name, value in step.items()
    ]
    return TraceTable(rows, trace.places)


def summarize_value(step, name, value):
    """A ``Row``; a mask is all lowest numbers on purpose, so that it has no mean."""
    kind = (step, name, tuple(value.shape), str(value.dtype))
    if value.dtype.kind in "iub" or not value.size or name.endswith("mask"):
        return Row(*kind)
    wide = value.astype(float32, copy=False)
    with numpy.errstate(invalid="ignore", over="ignore"):
        mean, std, absmax = wide.mean(), wide.std(), abs(wide).max()
    broken = "" if numpy.isfinite(absmax) else "NaN" if numpy.isnan(wide).any() else "Inf"
    # processors write -inf over scores that shall not be chosen
    return Row(*kind, mean, std, absmax, "" if name == "scores" and broken == "Inf" else broken)
