"""Floor 6 · Watch every value of a forward pass: what trace, patch and stop_at have in common.

What a module returns has HF's module path as its name (``model.layers.0.mlp``). What is made in
between has a name below it, given by ``self.record`` (``model.layers.0.self_attn.scores``):

    q k v                     queries, keys and values, split into heads, before rotary positions
    q_rotary k_rotary         the same after them
    scores                    q · k, scaled, before the mask
    pattern                   softmax of the scores: the attention weights
    z                         the values mixed by the pattern, head by head
    residual_mid              the residual stream between attention and MLP
    act                       what the MLP's last map reads

Nothing of this exists while nobody watches: ``Module.record`` gives its value back, and a module
without hooks goes straight into ``forward``.
"""

import functools
import sys
from contextlib import ExitStack, contextmanager

from tinyhf.autograd import plain
from tinyhf.backend import is_array


@contextmanager
def watch(model, see):
    """Inside, ``see(name, value, place)`` is asked about every value, in the order they are made.

    Args:
        model: any ``Module``; names start below it.
        see: answers the value itself, or what goes on in its place. ``place`` says where the value
            was made.
    """
    with ExitStack() as leaving:
        for path, module in unique_modules(model):
            leaving.callback(_restore_record, module, vars(module).get("record"))
            module.record = functools.partial(_record, module.record, see, path)
            if path:  # what the whole model returns has names of its own
                leaving.callback(module.register_forward_hook(functools.partial(_hook, see, path)))
        yield


def unique_modules(model):
    """(path, module) as torch names them: a module that stands in two places has the first name."""
    first = {}
    for path, module in model.named_modules():
        first.setdefault(id(module), (path, module))
    return list(first.values())


class Place:
    """The line of code where a value was made; ``frame`` is only there for in-between values."""

    def __init__(self, code, line, frame=None):
        self.code, self.line, self.frame = code, line, frame

    def __str__(self):
        """``models/llama.py:128``, from the package on."""
        return f"{self.code.co_filename.rpartition('tinyhf/')[2]}:{self.line}"


def _record(inner, see, path, name, value):
    """What stands in the place of ``Module.record``; ``inner`` was there before."""
    value = inner(name, value)
    if value is None:  # such as the mask where nothing is hidden
        return None
    frame = sys._getframe(1)
    while frame.f_code is _record.__code__:  # somebody else watches as well
        frame = frame.f_back
    place = Place(frame.f_code, frame.f_lineno, frame)
    if isinstance(name, str):
        return see(join(path, name), value, place)
    return tuple(see(join(path, n), v, place) for n, v in zip(name, value, strict=True))


def _hook(see, path, module, args, output):
    code = type(module).forward.__code__
    return replace_main(output, lambda value: see(path, value, Place(code, code.co_firstlineno)))


def _restore_record(module, earlier):
    if earlier is None:
        del module.record
    else:
        module.record = earlier


def join(path, name):
    """``path.name``; the outermost module has no path."""
    return f"{path}.{name}" if path else name


def replace_main(output, change):
    """A module's output with its main value changed: the array itself, or the first one of many."""
    if is_array(plain(output)):
        return change(output)
    if isinstance(output, tuple) and output and is_array(plain(output[0])):
        return (change(output[0]), *output[1:])
    if hasattr(output, "keys"):
        name = next(iter(output.keys()))
        return type(output)(**{**dict(output.items()), name: change(output[name])})
    return output
