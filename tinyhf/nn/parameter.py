"""Floor 3 · A parameter before its weights are read: a shape that stands where the array will be.

Mirrors what transformers does with torch's "meta" device: the whole model is built first, and costs
no memory until the shards are opened.
"""

import math

from tinyhf.errors import TinyHFError


class UnloadedError(TinyHFError, AttributeError):
    """A formula met a parameter that has no values yet."""


class Unloaded:
    """The place of a parameter: ``model.lm_head.weight = Unloaded(32000, 4096)``.

    Args:
        shape: of the array to come.
        itemsize: bytes of one of its numbers; None where the model's dtype decides.

    ``size``: how many numbers it will hold.
    """

    shape = ()  # copying makes objects without __init__

    def __init__(self, *shape, itemsize=None):
        self.shape, self.size, self.itemsize = shape, math.prod(shape), itemsize

    def __repr__(self):
        return f"Unloaded{self.shape}"

    def __getattr__(self, name):
        raise UnloadedError(
            f"a parameter of shape {self.shape} has no values yet, so it has no {name!r}",
            fix="Load the model with from_pretrained, or call init_weights() for random ones",
        )

    def __getitem__(self, index):
        return self.__getattr__("rows")
