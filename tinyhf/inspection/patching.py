"""Floor 6 · Change a value while the model runs, and see what becomes of it.

with tinyhf.patch(model, {"model.layers.0.self_attn.pattern": lambda x: x * keep}):
    model(**inputs)                     what attention head 3 of the first layer is good for

tinyhf.replay(t, from_="model.layers.3")            the rest of a traced pass, from there on
"""

import difflib
import fnmatch
from contextlib import contextmanager
from inspect import signature

from tinyhf.backend import array_module, to_device
from tinyhf.errors import ArgumentError
from tinyhf.inspection.lens_names import to_lens_name
from tinyhf.inspection.watch import watch


@contextmanager
def patch(model, changes):
    """Inside, the values of these names are what the functions answer.

    Args:
        model: a model of tinyhf.
        changes: name or glob, HF's or TransformerLens's → ``function(x) -> x``: a new array of the
            same shape; x itself must stay as it is.

    Raises:
        ArgumentError: a name that no value had; a function that answers another shape.
    """
    seen, used = [], set()

    def change(name, value, place):
        seen.append(name)
        for wanted, function in changes.items():
            if fits(name, wanted):
                used.add(wanted)
                value = checked(function(value), value, name)
        return value

    with watch(model, change):
        yield
    for wanted in changes.keys() - used if seen else ():
        nearest = difflib.get_close_matches(wanted, seen, n=3)
        fix = f"Nearest: {', '.join(nearest)}." if nearest else "tinyhf.trace shows all names."
        raise ArgumentError("no value had this name", where=f"patch: {wanted}", fix=fix)


def fits(name, wanted):
    """Whether a name is meant: itself, by a glob, or as TransformerLens calls it."""
    return any(fnmatch.fnmatchcase(one, wanted) for one in (name, to_lens_name(name) or name))


def checked(new, old, name):
    """What a function answered, if it can take the old value's place."""
    if getattr(new, "shape", None) != old.shape or array_module(new) is not array_module(old):
        got = getattr(new, "shape", type(new).__name__)
        problem = "the function must answer an array of the same shape"
        raise ArgumentError(problem, where=f"patch: {name}", wanted=old.shape, got=got)
    return new.astype(old.dtype, copy=False)


def replay(trace, from_, changes=None):
    """Run the model on from a module of a traced pass: all that was made before is the trace's.

    Change a value of the trace first (``t["model.layers.2"] = …``), or name ``changes``, as for
    ``patch``, to what comes after.

    Args:
        trace: of one forward pass without a cache of earlier tokens; its model must still be there.
        from_: the first module that computes anew, such as ``"model.layers.3"``.

    Returns:
        What the model returns.

    Raises:
        ArgumentError: the trace has no such module, no inputs, or no model.
    """
    model, values = model_of(trace), trace.only
    names = list(values)
    first = next((i for i, name in enumerate(names) if f"{name}.".startswith(f"{from_}.")), None)
    if first is None:
        nearest = difflib.get_close_matches(from_, names, n=3)
        fix = f"Nearest: {', '.join(nearest)}." if nearest else None
        raise ArgumentError("the trace has no such module", where=f"from_={from_!r}", fix=fix)
    earlier = {name: to_device(values[name], model.device) for name in names[:first]}
    arguments = signature(model.forward).parameters
    inputs = {name: earlier.pop(name) for name in arguments if name in earlier}
    if "use_cache" in arguments:
        inputs["use_cache"] = False
    replaying = watch(model, lambda name, value, place: earlier.get(name, value))
    with replaying, patch(model, changes or {}):
        return model(**inputs)


def model_of(trace):
    """The model that was traced."""
    if trace.model is None:
        fix = "Load the model and set trace.model, or trace it anew."
        raise ArgumentError("a trace from a file has no model to run", where="trace", fix=fix)
    return trace.model
