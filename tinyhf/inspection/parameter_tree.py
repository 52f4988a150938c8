"""Floor 6 · The parameters of a model as a tree, where equal layers in a row are one branch.

    model
      embed_tokens.weight    (32000, 2048)
      layers.0-21            22 × LlamaDecoderLayer
        …

Stands in for what people read from ``print(model)`` in transformers.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

from tinyhf.nn import ModuleList


@dataclass(frozen=True)
class Leaf:
    """One parameter.

    Args:
        name: its path below the branch it hangs on, such as "q_proj.weight".
        shape: its sizes.
        dtype: its NumPy dtype in the checkpoint, or the one expected.
        tied_to: full name of the parameter that it is the same array as, or None.
    """

    name: str
    shape: tuple
    dtype: Any
    tied_to: str | None = None

    @property
    def count(self):
        """How many numbers it adds to the model."""
        return 0 if self.tied_to else math.prod(self.shape)

    @property
    def nbytes(self):
        return self.count * self.dtype.itemsize


@dataclass(frozen=True)
class Branch:
    """A module, or a run of equal ones.

    Args:
        name: "self_attn"; for a run "layers.0-21".
        kind: the class.
        children: leaves and branches of one of them.
        repeats: how many there are.
    """

    name: str
    kind: str
    children: tuple
    repeats: int = 1

    @property
    def count(self):
        """How many numbers are in all repeats together."""
        return self.repeats * sum(child.count for child in self.children)

    @property
    def nbytes(self):
        return self.repeats * sum(child.nbytes for child in self.children)


def parameter_tree(model, dtypes):
    """The tree of ``model``, whose weights need not be loaded.

    Args:
        dtypes: full name of a parameter → its NumPy dtype.
    """
    tied = model.tied_weights_keys if model.config.tie_word_embeddings else {}
    children = tuple(_children(model, "", dtypes, tied))
    return Branch(type(model).__name__, type(model).__name__, children)


def _children(module, path, dtypes, tied):
    """The leaves and branches right below ``module``; a branch of one leaf becomes that leaf."""
    for name in module.parameter_names:
        value, full_name = getattr(module, name), path + name
        if value is not None:
            yield Leaf(name, value.shape, dtypes[full_name], tied.get(full_name))
    for name, child in module.named_children():
        below = tuple(_children(child, f"{path}{name}.", dtypes, tied))
        if isinstance(child, ModuleList):
            yield from (replace(run, name=f"{name}.{run.name}") for run in _runs(below))
        elif len(below) == 1 and isinstance(below[0], Leaf):
            yield replace(below[0], name=f"{name}.{below[0].name}")
        elif below:
            yield Branch(name, type(child).__name__, below)


def _runs(items):
    """Equal modules in a row as one branch, named by the first and the last."""
    runs = []
    for item in items:
        before = runs[-1] if runs else None
        if isinstance(item, Branch) and isinstance(before, Branch) and _alike(item, before):
            first = before.name.partition("-")[0]
            name = f"{first}-{item.name}"
            runs[-1] = replace(before, name=name, repeats=before.repeats + 1)
        else:
            runs.append(item)
    return runs


def _alike(branch, other):
    return (branch.kind, branch.children) == (other.kind, other.children)
