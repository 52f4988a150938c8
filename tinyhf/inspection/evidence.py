"""Floor 6 · What a hint may look at: the first stage that differs, and what lies around it."""

from tinyhf.backend import float64, is_float
from tinyhf.inspection.measuring import hidden_positions, is_mask, line_up, without_step

#: Numbers alike to this share of the largest are the same ones.
ALIKE = 1e-4


class Evidence:
    """The first stage that differs.

    Attributes:
        name: its full name; ``own`` is the last part.
        raw_a, raw_b: its values; ``a``, ``b`` the same as float64 in one shape, or None.
    """

    def __init__(self, stage, left, right):
        self.name, self.left, self.right, self.stage = stage.name, left, right, stage
        self.parent = self.name.rpartition(".")[0]
        self.own = without_step(self.name).rpartition(".")[2]
        self.raw_a, self.raw_b = left.values[self.name], right.values[self.name]
        self.hidden = hidden_positions(self.name, left.masks or right.masks)
        both = line_up(self.name, self.raw_a, self.raw_b, self.hidden)
        self.a, self.b = both or (None, None)

    def beside(self, own):
        """(a's, b's) value of another name below the same parent, as float64, or (None, None)."""
        name = f"{self.parent}.{own}"
        both = [side.values.get(name) for side in (self.left, self.right)]
        if any(x is None for x in both):
            return None, None
        return line_up(name, *both, self.hidden) or (None, None)

    def weight(self, own):
        """A parameter of the module that made the value, from whichever model is there; or None."""
        name = f"{without_step(self.name)}.{own}"
        found = (side.parameter(name) for side in (self.left, self.right))
        return next((x.astype(float64) for x in found if x is not None), None)

    def earlier(self):
        """a's float values before this one, the newest first."""
        names = list(self.left.values)
        before = names[: names.index(self.name)][::-1]
        values = (self.left.values[name] for name in before if not is_mask(name))
        return (x.astype(float64) for x in values if is_float(x.dtype))


def alike(x, y, share=ALIKE):
    """Whether both are the same numbers, but for rounding."""
    if x is None or y is None or x.shape != y.shape:
        return False
    return bool(abs(x - y).max(initial=0) <= share * abs(y).max(initial=0))


def names_of_sides(a_is_it):
    """("a", "b") or the other way round."""
    return ("a", "b") if a_is_it else ("b", "a")
