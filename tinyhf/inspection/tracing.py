"""Floor 6 · Trace: every value of a forward pass by its name, kept while the model runs.

    with tinyhf.trace(model) as t:
        model(**inputs)
    t["model.layers.3.self_attn.pattern"]       (batch, heads, seq, total)
    t                                           a table of all of them

What torch's forward hooks would see in transformers has the very same names here, in the same
order; ``watch`` says how values are called that no module returns.
"""

import difflib
import fnmatch
import functools
from collections.abc import Mapping
from contextlib import contextmanager
from inspect import signature

from tinyhf.autograd import Tensor, plain
from tinyhf.backend import is_array, to_host
from tinyhf.errors import ArgumentError
from tinyhf.inspection.lens_names import from_lens_name, to_lens_name
from tinyhf.inspection.trace_file import TraceFile, read_trace_file
from tinyhf.inspection.trace_table import summarize
from tinyhf.inspection.watch import watch


class Trace(Mapping):
    """name → array on the host, in the order in which they were made.

    A name may also be one of TransformerLens's (``blocks.0.attn.hook_pattern``). When the model ran
    more than once, as in ``generate``, there is one ``step`` for each time, and names belong to a
    step: ``t.step(2)["logits"]``.

    Attributes:
        steps: for each time that the model ran, name → array.
        places: name → the line of tinyhf where such a value is made.
        about: what was traced: class, dtype, the config.
        model: the model itself, unless the trace was read from a file.
        tensors: name → the Tensor of the last step, where the model is trained.
    """

    def __init__(self, steps=None, places=None, about=None, model=None):
        self.steps = [{}] if steps is None else steps
        self.places, self.about, self.model = places or {}, about or {}, model
        self.tensors = {}

    @property
    def grads(self):
        """name → how the loss changes with each number of that value, after ``loss.backward()``."""
        return {name: to_host(x.grad) for name, x in self.tensors.items() if x.grad is not None}

    def step(self, number):
        """The trace of one step alone."""
        if not -len(self.steps) <= number < len(self.steps):
            wanted = f"0 to {len(self.steps) - 1}"
            raise ArgumentError("there is no such step", where="step", wanted=wanted, got=number)
        return Trace([self.steps[number]], self.places, self.about, self.model)

    @property
    def only(self):
        """name → array, of the only step there is."""
        if len(self.steps) == 1:
            return self.steps[0]
        fix = "Say which: t.step(0) … is the trace of one step."
        raise ArgumentError(f"this trace has {len(self.steps)} steps", where="trace", fix=fix)

    def find(self, name):
        """The name under which a value is kept, TransformerLens's names included."""
        for found in (name, from_lens_name(name, self.only)):
            if found in self.only:
                return found
        nearest = difflib.get_close_matches(name, self.only, n=3, cutoff=0.5)
        fix = f"Nearest: {', '.join(nearest)}." if nearest else "print(t) shows all names."
        raise ArgumentError("the trace has no value of this name", where=str(name), fix=fix)

    def __getitem__(self, name):
        return self.only[self.find(name)]

    def __setitem__(self, name, value):
        """Replace a value that is there, for ``tinyhf.replay``."""
        self.only[self.find(name)] = value

    def __contains__(self, name):
        return name in self.only or from_lens_name(name, self.only) in self.only

    def __iter__(self):
        return iter(self.only)

    def __len__(self):
        return len(self.only)

    def select(self, names):
        """The part whose names match a glob, or one of several."""
        fits = name_filter(names)
        steps = [{name: x for name, x in step.items() if fits(name)} for step in self.steps]
        return Trace(steps, self.places, self.about, self.model)

    def table(self, names=None):
        """A ``TraceTable``: path, shape, dtype, mean, std, absmax, and where a NaN or Inf began."""
        return summarize(self if names is None else self.select(names))

    def save(self, path):
        """Write all values into a safetensors file; ``load_trace`` reads it."""
        with TraceFile(path) as file:
            for number, step in enumerate(self.steps):
                for name, value in step.items():
                    file.add(number, name, value)
            file.finish(self.places, self.about)

    def __repr__(self):
        return str(self.table())


def load_trace(path):
    """The ``Trace`` in a file; its values are read when they are looked at.

    Raises:
        CheckpointError: the file is damaged, or holds something else.
    """
    return Trace(*read_trace_file(path))


@contextmanager
def trace(model, names=None, file=None):
    """Keep what ``model`` computes while the block runs; around ``generate``, step by step.

    Args:
        model: a model of tinyhf.
        names: only names that match this glob, or one of several: ``"*.self_attn.pattern"``,
            TransformerLens's names as well; None keeps all.
        file: a path: values go to this safetensors file as they come, and the trace shows them
            from there, so that it takes no memory for them.

    Yields:
        The ``Trace``, which fills up; its arrays are copies on the host.
    """
    recorder = Recorder(model, names, None if file is None else TraceFile(file))
    with recorder, watch(model, recorder.see):
        removers = [
            model.register_forward_pre_hook(recorder.begin),
            model.register_forward_hook(recorder.end),
        ]
        try:
            yield recorder.trace
        finally:
            for remove in removers:
                remove()


class Recorder:
    """Fills a ``Trace``: a new step begins when the model is called after it has returned once."""

    def __init__(self, model, names, file):
        self.fits, self.file, self.has_returned = name_filter(names), file, False
        kind = {"model": type(model).__name__, "dtype": str(model.dtype)}
        self.trace = Trace(model=model, about={**kind, "config": model.config.to_dict()})

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.file is not None:
            with self.file:
                self.file.finish(self.trace.places, self.trace.about)

    def begin(self, model, args, kwargs):
        """What goes in: input_ids, attention_mask …, as the model was given them."""
        if self.has_returned:
            self.trace.steps.append({})
            self.has_returned = False
        inputs = {**dict(zip(signature(model.forward).parameters, args, strict=False)), **kwargs}
        for name, value in inputs.items():
            if is_array(plain(value)):
                self.keep(name, value)

    def end(self, model, args, output):
        """What comes out: logits, loss …"""
        self.has_returned = True
        for name, value in output.items() if hasattr(output, "items") else ():
            if is_array(plain(value)):
                self.keep(name, value)

    def see(self, name, value, place):
        """Called by ``watch``."""
        if self.fits(name):
            self.trace.places.setdefault(name, str(place))
            self.keep(name, value)
        return value

    def keep(self, name, value):
        """A copy on the host, or in the file."""
        if not self.fits(name):
            return
        if isinstance(value, Tensor):
            value.retain_grad()
            self.trace.tensors[name] = value
        host = to_host(value)
        self.trace.steps[-1].pop(name, None)  # a module called twice stands where it was last
        if self.file is not None:
            self.trace.steps[-1][name] = self.file.add(len(self.trace.steps) - 1, name, host)
        else:
            self.trace.steps[-1][name] = host.copy() if host is plain(value) else host


def name_filter(names):
    """name → whether it fits a glob or one of several, as HF's name or as TransformerLens's."""
    if names is None:
        return lambda name: True
    globs = [names] if isinstance(names, str) else list(names)

    @functools.cache
    def fits(name):
        both = (name, to_lens_name(name) or name)
        return any(fnmatch.fnmatchcase(one, glob) for one in both for glob in globs)

    return fits
