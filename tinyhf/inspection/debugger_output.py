"""Floor 6 · What transformers' ``model_addition_debugger_context`` writes, as names and arrays.

Mirrors transformers/model_debugging_utils.py: a JSON tree of the calls, in which a tensor is either
the name of a safetensors file or what ``print`` shows of it. That are four digits behind the point,
and of a tensor with more than a thousand numbers three from both ends of every axis.
"""

import json
import re
from typing import NamedTuple

import numpy

from tinyhf.backend import as_dtype, float32
from tinyhf.checkpoint.safetensors_file import SafetensorsFile
from tinyhf.errors import CheckpointError

TREE = "*_debug_tree_FULL_TENSORS.json"
ELLIPSIS = "..."


class Printed(NamedTuple):
    """Numbers of a tensor as ``print`` shows them; ``shape`` is that of the whole."""

    numbers: numpy.ndarray
    shape: tuple


def find_tree(folder):
    """The file with the tree, or None."""
    return next(iter(sorted(folder.glob(TREE))), None)


def read_tree(path):
    """name → array or ``Printed``: the inputs, and what the modules without children returned.

    Raises:
        CheckpointError: the file is damaged, or holds something else.
    """
    try:
        tree = json.loads(path.read_text(encoding="utf-8"))
        values = {name: read_value(x, path) for name, x in tree["inputs"]["kwargs"].items()}
        collect(tree, values, path)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"is not a tree that model_addition_debugger_context wrote ({error})"
        raise CheckpointError(problem, where=str(path)) from error
    return {name: value for name, value in values.items() if value is not None}


def collect(node, values, path):
    """Depth first, as the modules were called; the class's name in front of paths goes away."""
    for child in node.get("children", ()):
        collect(child, values, path)
        name = child["module_path"].partition(".")[2]
        values[name] = read_value(child.get("outputs"), path)


def read_value(entry, path):
    """One entry of the tree: a tensor, the first of several, or nothing of either kind."""
    if isinstance(entry, list) and entry:
        return read_value(entry[0], path)
    if not isinstance(entry, dict) or "value" not in entry:
        return None
    if isinstance(entry["value"], str):
        return SafetensorsFile(path.parent / entry["value"])["data"]
    shape = tuple(map(int, re.findall(r"\d+", entry["shape"])))
    is_whole = entry["dtype"].partition(".")[2].startswith(("int", "bool"))
    dtype = numpy.dtype("int64") if is_whole else as_dtype(entry["dtype"])
    numbers = numpy.array(
        parse(" ".join(entry["value"])), dtype if dtype.itemsize >= 4 else float32
    )
    is_exact = is_whole and numbers.shape == shape
    return numbers if is_exact else Printed(numbers, shape)


def parse(text):
    """Nested lists from ``tensor([[1.0000e+00, ..., nan]], dtype=…)``."""
    start, end = text.index("("), text.rindex(")")
    body = re.sub(r",\s*\w+=.*$", "", text[start + 1 : end])
    body = re.sub(r"\.\.\.,?", "", body)
    body = re.sub(r"(\d)\.(?=[\s,\]e]|$)", r"\1.0", body)
    for word, written in (("nan", "NaN"), ("inf", "Infinity"), ("True", "1"), ("False", "0")):
        body = re.sub(rf"\b{word}\b", written, body)
    return json.loads(re.sub(r",\s*\]", "]", body))


def corner(x, shape):
    """Of the axes that are longer than ``shape`` the first and the last numbers, as printed."""
    for axis, length in enumerate(shape):
        if x.shape[axis] > length:
            half = length // 2
            kept = [*range(half), *range(x.shape[axis] - half, x.shape[axis])]
            x = numpy.take(x, kept, axis)
    return x
