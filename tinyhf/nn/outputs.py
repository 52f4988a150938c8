"""Floor 3 · What a model returns: named arrays, reached as attribute, by key or by position.

Mirrors ModelOutput of transformers/utils/generic.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from tinyhf.autograd import plain
from tinyhf.backend import is_array


@dataclass(repr=False, eq=False)
class ModelOutput(Mapping):
    """``output.logits``, ``output["logits"]`` and ``output[0]`` are the same array.

    Fields that are None are skipped, so positions shift as in transformers; iteration gives names.
    """

    def keys(self):
        """The names of the fields that are not None."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]

    def to_tuple(self):
        """The values of the fields that are not None."""
        return tuple(getattr(self, name) for name in self.keys())

    def __getitem__(self, key):
        if isinstance(key, str):
            return dict(self.items())[key]
        return self.to_tuple()[key]

    def __setitem__(self, key, value):
        setattr(self, key, value)

    def items(self):
        return [(name, getattr(self, name)) for name in self.keys()]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self):
        return len(self.keys())

    def __repr__(self):
        lines = "".join(f"  {name}: {describe(value)}\n" for name, value in self.items())
        return f"{type(self).__name__}(\n{lines})"


def describe(value):
    """An array or a tuple of arrays in one line: shape, type, and the numbers if they are few."""
    value = plain(value)
    if is_array(value):
        numbers = f" = {value.item():.6g}" if value.size == 1 else ""
        return f"{tuple(value.shape)} {value.dtype}{numbers}"
    if isinstance(value, tuple | list) and value:
        same = {describe(item) for item in value}
        return f"{len(value)} × {same.pop()}" if len(same) == 1 else f"{len(value)} arrays"
    return repr(value)
