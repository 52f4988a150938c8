"""Floor 6 · The two sides of a comparison: whatever they are, each becomes names and arrays."""

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from zipfile import BadZipFile

import numpy

from tinyhf.backend import to_device
from tinyhf.checkpoint.safetensors_file import SafetensorsFile
from tinyhf.errors import ArgumentError, CheckpointError
from tinyhf.inspection.debugger_output import Printed, corner, find_tree, read_tree
from tinyhf.inspection.torch_side import as_array, is_torch_model, run_torch
from tinyhf.inspection.trace_file import FORMAT
from tinyhf.inspection.tracing import Trace, load_trace, name_filter, trace
from tinyhf.nn import Module

WANTED = "a trace, a file or folder with one, a mapping of names to arrays, or a model"
#: Printed numbers have four digits behind the point.
PRINTED_EPS = 1e-5


class Side:
    """One run of a model.

    Attributes:
        label: what it is, in a few words.
        values: name → array; names of several steps begin with ``step 0: ``.
        places: name → line of tinyhf.
        masks: the attention masks among them, also when they are not to be compared.
        eps: how coarse its numbers are, if coarser than their type.
    """

    def __init__(self, label, steps, places=None, model=None):
        self.label, self.steps, self.places, self.model = label, steps, places or {}, model
        self.values, self.masks, self.eps = {}, {}, 0.0

    def parameter(self, name):
        """A weight as an array, if the model is there and has it; else None."""
        if self.model is None:
            return None
        try:
            value = self.model.get_parameter(name)
        except AttributeError:  # this module has no such parameter
            return None
        return None if value is None else as_array(value)

    def flatten(self, step, numbered, new_name, fits):
        """Fill ``values`` and ``masks``: of one step, or of all of them."""
        for number, values in enumerate(self.steps):
            if step in (None, number):
                prefix = f"step {number}: " if numbered else ""
                named = [(new_name(name), x) for name, x in values.items()]
                self.values |= {prefix + name: x for name, x in named if fits(name)}
                self.masks |= {
                    prefix + name: x
                    for name, x in named
                    if "attention_mask" in name and not isinstance(x, Printed)
                }


def read_sides(a, b, *, rename, names, inputs, step):
    """Both sides, ready to be compared; arguments as for ``compare``."""
    stored = [None if is_model(x) else read_stored(x) for x in (a, b)]
    given = None if inputs is None else [{name: as_array(x) for name, x in inputs.items()}]
    given = given or next((side.steps for side in stored if side is not None), None)
    sides = [
        run_model(x, given) if side is None else side
        for x, side in zip((a, b), stored, strict=True)
    ]
    check_step(step, sides)
    numbered = step is None and any(len(side.steps) > 1 for side in sides)
    for side, renamed in zip(sides, (None, rename), strict=True):
        side.flatten(step, numbered, renamer(renamed), name_filter(names))
    match_printed(*sides)
    match_printed(*sides[::-1])
    return sides


def check_step(step, sides):
    """Raises ArgumentError if a side has no such step."""
    most = min(len(side.steps) for side in sides)
    if step is not None and not 0 <= step < most:
        problem, wanted = "there is no such step", f"0 to {most - 1}"
        raise ArgumentError(problem, where="step", wanted=wanted, got=step)


def renamer(rename):
    """name → name, from a dict of names and beginnings of names, or a function."""
    if rename is None:
        return lambda name: name
    if callable(rename):
        return rename

    def new_name(name):
        for old in sorted(rename, key=len, reverse=True):
            rest = name.removeprefix(old)
            if name.startswith(old) and (rest[:1] in ("", ".") or old.endswith(".")):
                return rename[old] + rest
        return name

    return new_name


# ---- models --------------------------------------------------------------------------------------


def is_model(x):
    """Whether it has to be run first."""
    return isinstance(x, Module) or is_torch_model(x)


def run_model(model, steps):
    """What a model makes of these inputs.

    Raises:
        ArgumentError: there are no inputs, or no way to repeat the steps.
    """
    known = signature(model.forward).parameters
    steps = [
        {name: x for name, x in step.items() if name in known and not isinstance(x, Printed)}
        for step in steps or ()
    ]
    if not steps or not steps[0]:
        fix = 'Give inputs={"input_ids": ids}, or a trace as the other side.'
        raise ArgumentError("there is nothing to give to the model", where="compare", fix=fix)
    if len(steps) > 1 and model.config.is_encoder_decoder:
        problem = "steps of an encoder–decoder cannot be repeated from its decoder's inputs"
        raise ArgumentError(problem, where="compare", fix="Compare the traces of two generate().")
    if is_torch_model(model):
        return Side(f"{type(model).__name__} (torch)", run_torch(model, steps), model=model)
    cache = {}
    with trace(model) as traced:
        for inputs in steps:
            arrays = {name: to_device(x, model.device) for name, x in inputs.items()}
            output = model(**arrays, **cache)
            if len(steps) > 1:
                cache = {"past_key_values": output.past_key_values}
    return Side(f"{type(model).__name__} (tinyhf)", traced.steps, traced.places, model)


# ---- what is stored ------------------------------------------------------------------------------


def read_stored(x):
    """A trace, a file, a folder, or a mapping.

    Raises:
        ArgumentError: it is none of them.
    """
    if isinstance(x, Trace):
        return Side(f"a trace of {x.about.get('model')}", x.steps, x.places, x.model)
    if isinstance(x, Mapping):
        return Side("a mapping", [{name: as_array(value) for name, value in x.items()}])
    if not isinstance(x, str | Path):
        raise ArgumentError("cannot be compared", where="compare", wanted=WANTED, got=type(x))
    path = Path(x)
    if path.is_dir():
        return read_folder(path)
    if not path.is_file():
        raise ArgumentError("there is no such file or folder", where=str(x), wanted=WANTED)
    return read_file(path)


def read_folder(path):
    """transformers' debugger output, or files by name: a/b.npy holds ``a.b``."""
    tree = find_tree(path)
    if tree is not None:
        return read_file(tree)
    values = {}
    for file in sorted(path.rglob("*")):
        if file.suffix == ".npy":
            values[".".join(file.relative_to(path).with_suffix("").parts)] = read_numpy(file)
        elif file.suffix in (".npz", ".safetensors"):
            values |= read_file(file).steps[0]
    if not values:
        wanted = ".npy, .npz or .safetensors files"
        raise ArgumentError("there is nothing to compare in it", where=str(path), wanted=wanted)
    return Side(str(path), [values])


def read_file(path):
    """One file of a kind that its ending tells."""
    if path.suffix == ".json":
        return Side(str(path), [read_tree(path)])
    if path.suffix == ".npy":
        return Side(str(path), [{path.stem: read_numpy(path)}])
    if path.suffix == ".npz":
        return Side(str(path), [read_numpy(path)])
    file = SafetensorsFile(path)
    if file.metadata.get("format") != FORMAT:
        return Side(str(path), [dict(file)])
    traced = load_trace(path)
    return Side(str(path), traced.steps, traced.places)


def read_numpy(path):
    """The array of a ``.npy`` file, or the arrays of a ``.npz`` file by name.

    Raises:
        CheckpointError: it is damaged, or holds objects, which could run code.
    """
    try:
        found = numpy.load(path, "r")
        return dict(found) if path.suffix == ".npz" else found
    except (ValueError, OSError, EOFError, BadZipFile) as error:
        raise CheckpointError(f"cannot be read ({error})", where=str(path)) from error


def match_printed(side, other):
    """Of large tensors only the corners are printed: of the other side, take the same."""
    for name, value in side.values.items():
        if isinstance(value, Printed):
            whole = other.values.get(name)
            is_array = whole is not None and not isinstance(whole, Printed)
            if is_array and whole.shape == value.shape:
                other.values[name] = corner(whole, value.numbers.shape)
            side.values[name], side.eps = value.numbers, PRINTED_EPS
