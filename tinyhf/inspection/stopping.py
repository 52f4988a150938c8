"""Floor 6 · Stop in the debugger where a value is made, by the value's name.

    tinyhf.stop_at("model.layers.3.self_attn.scores", when=lambda x: abs(x).max() > 50)
    pipe("Once upon a time")         opens pdb, or the IDE's debugger, in LlamaAttention.forward

Names are those of ``tinyhf.trace``. The debugger stops right behind the line that made the value,
which is then there to be looked at; F11 goes on from there. For what a module returns that is the
line of its caller.
"""

import difflib
import functools
import os
import pdb
import sys

from tinyhf.errors import ArgumentError
from tinyhf.inspection.patching import fits
from tinyhf.inspection.watch import join, unique_modules, watch
from tinyhf.nn import Module
from tinyhf.nn.outputs import describe


class StopAt:
    """A stop that is set; ``remove()`` takes it away, as the end of a ``with`` block does.

    Attributes:
        hits: how often the debugger was opened.
    """

    def __init__(self, name, when):
        self.name, self.when, self.hits = name, when, 0
        self.others = set()  # the names seen that were not meant

    def consider(self, name, value, frame):
        """Open the debugger if this is the value, and the condition holds."""
        if not fits(name, self.name):
            self.others.add(name)
        elif self.when is None or self.when(value):
            self.hits += 1
            open_debugger(frame, f"{name}: {describe(value)}")

    def remove(self):
        """Take the stop away; nothing happens if it is gone already."""
        if self in STOPS:
            STOPS.remove(self)
        if not STOPS:
            Module.record, Module.__call__ = UNWATCHED
            paths_below.cache_clear()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.remove()
        if kind is None and not self.hits and self.when is None:
            nearest = difflib.get_close_matches(self.name, sorted(self.others), n=3)
            fix = f"Nearest: {', '.join(nearest)}." if nearest else "tinyhf.trace shows all names."
            raise ArgumentError("no value had this name", where=f"stop_at: {self.name}", fix=fix)

    def __repr__(self):
        condition = "" if self.when is None else ", when=…"
        return f"stop_at({self.name!r}{condition}), {self.hits} hits"


#: The stops that are set, and what every module has while there are none.
STOPS = []
UNWATCHED = Module.record, Module.__call__


#: Modules that pdb's "step" passes over: what it takes to find the stop.
NOT_STEPPED_INTO = ["tinyhf.inspection.*", "fnmatch", "re"]


def stop_at(name, when=None):
    """Open the debugger where a value is made, in whatever model.

    Args:
        name: of the value, or a glob; HF's or TransformerLens's.
        when: ``function(value) -> bool``; None stops each time.

    Returns:
        A ``StopAt``: call its ``remove()``, or use it in a ``with`` block.
    """
    stop = StopAt(name, when)
    STOPS.append(stop)
    Module.record = _record
    Module.__call__ = property(lambda module: functools.partial(_call, module))
    return stop


def _record(module, names, values):
    """What stands in the place of ``Module.record`` while a stop is set."""
    pairs = [(names, values)] if isinstance(names, str) else zip(names, values, strict=True)
    frame = sys._getframe(1)
    while frame.f_globals["__name__"] == watch.__module__:  # a trace, which asks what was there
        frame = frame.f_back
    for name, value in pairs:
        _consider(module, name, value, frame)
    return values


def _call(module, *args, **kwargs):
    """Goes on to ``forward``; a hook would be hidden by a module's own."""
    output = module.forward(*args, **kwargs)
    value = output[0] if isinstance(output, tuple) or hasattr(output, "to_tuple") else output
    _consider(module, "", value, sys._getframe(1))
    return output


def _consider(module, name, value, frame):
    path = path_in_the_whole(module, frame)
    for stop in list(STOPS):
        stop.consider(join(path, name) if name else path, value, frame)


def path_in_the_whole(module, frame):
    """The path of a module below the outermost module around it that is running."""
    path = ""
    while frame is not None:
        caller = frame.f_locals.get("self")
        if isinstance(caller, Module):
            path = paths_below(caller).get(id(module), path)
        frame = frame.f_back
    return path


@functools.cache  # so that "step into" meets few lines of this file
def paths_below(root):
    """id of a module → its path."""
    return {id(module): path for path, module in unique_modules(root)}


def open_debugger(frame, title):
    """The IDE's debugger, the one PYTHONBREAKPOINT names, or pdb; stops at the frame's next line.

    A notebook imports pydevd as well, but nobody is connected to it: there it is IPython's pdb.
    """
    pydevd = sys.modules.get("pydevd")  # what VS Code's debugpy and PyCharm are made of
    debugger = pydevd and pydevd.get_global_debugger()
    if debugger is not None and debugger.ready_to_run:
        pydevd.settrace(suspend=True, trace_only_current_thread=True, stop_at_frame=frame)
    elif os.environ.get("PYTHONBREAKPOINT"):
        sys.breakpointhook()
    else:
        start_pdb(frame, title)


def start_pdb(frame, title):
    """What ``Pdb.set_trace`` does, but not stepping into what the frame's line calls next."""
    debugger = pdb.Pdb(skip=NOT_STEPPED_INTO)
    debugger.message(title)
    debugger.reset()
    debugger.set_next(frame)
    while frame is not None:
        frame.f_trace, debugger.botframe = debugger.trace_dispatch, frame
        frame = frame.f_back
    sys.settrace(debugger.trace_dispatch)
