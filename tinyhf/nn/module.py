"""Floor 3 · Module: a tree of stages whose attribute paths are the names in the checkpoint.

Mirrors torch.nn.Module. A child is an attribute that holds a Module; a parameter is an attribute
named in ``parameter_names``. So ``model.layers[0].mlp`` has the path ``model.layers.0.mlp``, and
its ``up_proj.weight`` is found in the checkpoint under just that name.
"""

import functools
import operator

from tinyhf.autograd import Tensor, plain
from tinyhf.backend import is_array, to_device
from tinyhf.functional import dropout


class Module:
    """One stage of a model; subclasses write ``forward``."""

    #: The attributes that checkpoints hold; one that is None does not exist.
    parameter_names = ()

    #: Those that checkpoints hold as well, and training leaves as they are.
    buffer_names = ()

    #: Parameters that hold what nobody learns, such as waves: ``requires_grad_`` leaves them.
    frozen_names = ()

    #: What ``register_forward_hook`` adds.
    _forward_hooks = ()

    #: ``x = self.record("scores", x)`` names a value that is worth seeing; several names go with
    #: several values. What stands here gives x back and costs nothing: an empty dict, asked for
    #: "scores", answers with the default. ``tinyhf.trace`` puts a function of its own in this
    #: place, which keeps x, and ``tinyhf.patch`` one that answers something else.
    record = {}.get

    #: ``x = self.omit(p, x)`` leaves out a share p of the numbers of x: see ``functional.dropout``.
    #: Outside of training this gives x back, in the same way; ``train()`` puts the formula here.
    omit = {}.get

    training = False

    #: ``stage(x)`` is ``stage.forward(x)``, and Python finds that out by itself: a debugger's "step
    #: into" goes from the call straight into the formula.
    __call__ = property(operator.attrgetter("forward"))

    def forward(self, *args, **kwargs):
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def _forward_with_hooks(self, forward, *args, **kwargs):
        for when, hook in self._forward_hooks:
            if when == "before":
                args, kwargs = hook(self, args, kwargs) or (args, kwargs)
        output = forward(*args, **kwargs)
        for when, hook in self._forward_hooks:
            if when == "after":
                changed = hook(self, args, output)
                output = output if changed is None else changed
        return output

    def register_forward_hook(self, hook):
        """Call ``hook(module, args, output)`` after each forward; a result replaces the output.

        Returns:
            A function that takes the hook away again.
        """
        return self._register("after", hook)

    def register_forward_pre_hook(self, hook):
        """Call ``hook(module, args, kwargs)`` before each forward; (args, kwargs) replaces both.

        Returns:
            A function that takes the hook away again.
        """
        return self._register("before", hook)

    def _register(self, when, hook):
        entry = (when, hook)
        if not self._forward_hooks:
            through = functools.partial(self._forward_with_hooks, self.forward)
            self.forward = functools.update_wrapper(through, self.forward)
        self._forward_hooks = (*self._forward_hooks, entry)

        def remove():
            if entry in self._forward_hooks:
                self._forward_hooks = tuple(h for h in self._forward_hooks if h is not entry)
                if not self._forward_hooks:
                    below = self.forward.__wrapped__  # the formula, or what wraps it as well
                    del self._forward_hooks, self.forward
                    if below != self.forward:
                        self.forward = below

        return remove

    # ---- the tree ----------------------------------------------------------------------------

    def named_children(self):
        """The modules right below this one, in the order they were made: (name, module)."""
        return [(name, value) for name, value in vars(self).items() if isinstance(value, Module)]

    def named_modules(self, prefix=""):
        """This module and all below it, parents first: (path, module)."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self):
        """This module and all below it, parents first."""
        return (module for _, module in self.named_modules())

    def state_dict(self, prefix=""):
        """All parameters by full name, in the order of transformers; tied ones stand twice."""
        names = (*self.parameter_names, *self.buffer_names)
        own = {prefix + name: getattr(self, name) for name in names}
        found = {name: value for name, value in own.items() if value is not None}
        for name, child in self.named_children():
            found |= child.state_dict(f"{prefix}{name}.")
        return found

    def named_parameters(self):
        """The parameters by full name, each once (a tied one under its first name)."""
        first = {}
        for path, module in self.named_modules():
            for name in module.parameter_names:
                value, full_name = getattr(module, name), f"{path}.{name}" if path else name
                if value is not None:
                    first.setdefault(id(value), (full_name, value))
        return list(first.values())

    def parameters(self):
        """The parameters, each once."""
        return list(dict(self.named_parameters()).values())

    def get_submodule(self, path):
        """The module at ``"model.layers.0.mlp"``."""
        return functools.reduce(getattr, path.split("."), self) if path else self

    def get_parameter(self, name):
        """The array (or ``Unloaded``) at the full ``name``."""
        return functools.reduce(getattr, name.split("."), self)

    def set_parameter(self, name, value):
        """Put an array where the full ``name`` says."""
        path, _, attribute = name.rpartition(".")
        setattr(self.get_submodule(path), attribute, value)

    def requires_grad_(self, requires_grad=True):
        """Make every parameter a ``Tensor``, which gets a gradient, or an array again."""
        made = {}
        for module in self.modules():
            for name in module.parameter_names:
                value = getattr(module, name)
                if value is not None and name not in module.frozen_names:
                    array = plain(value)
                    if id(array) not in made:
                        tensor = value if isinstance(value, Tensor) else Tensor(array)
                        made[id(array)] = tensor if requires_grad else array
                    setattr(module, name, made[id(array)])  # tied ones stay tied
        return self

    def zero_grad(self):
        """Forget all gradients."""
        for _, parameter in self.named_parameters():
            if isinstance(parameter, Tensor):
                parameter.grad = None

    # ---- mode and place ----------------------------------------------------------------------

    def train(self, mode=True):
        """Set ``training`` here and below: whether dropout acts."""
        for module in self.modules():
            module.training = mode
            module.omit = omit if mode else Module.omit
        return self

    def eval(self):
        """``train(False)``."""
        return self.train(False)

    def move_arrays(self, device):
        """Put every array of this module and those below on ``device``; tied ones stay tied."""
        moved = {}
        for module in self.modules():
            for name, value in vars(module).items():
                if isinstance(value, Tensor):
                    value.array = to_device(value.array, device)
                elif is_array(value):
                    if id(value) not in moved:
                        moved[id(value)] = to_device(value, device)
                    setattr(module, name, moved[id(value)])
        return self

    # ---- how it prints -----------------------------------------------------------------------

    def extra_repr(self):
        """What stands between the brackets when the module is printed."""
        return ""

    def __repr__(self):
        children = self._children_to_print()
        if not children:
            return f"{type(self).__name__}({self.extra_repr()})"
        lines = "\n".join(f"({name}): {child}" for name, child in children)
        return f"{type(self).__name__}(\n  {lines.replace(chr(10), chr(10) + '  ')}\n)"

    def _children_to_print(self):
        return [(name, repr(child)) for name, child in self.named_children()]


def omit(p, x):
    """``Module.omit`` in training."""
    return dropout(x, p)


class ModuleList(Module):
    """Modules by number, as ``layers.0``, ``layers.1`` …; torch.nn.ModuleList."""

    def __init__(self, modules=()):
        for number, module in enumerate(modules):
            setattr(self, str(number), module)

    def __iter__(self):
        return (child for child in vars(self).values() if isinstance(child, Module))

    def __len__(self):
        return len(self.named_children())

    def __getitem__(self, index):
        return list(self)[index]

    def _children_to_print(self):
        """Runs of equal modules are printed once: ``(0-31): 32 x LlamaDecoderLayer(``."""
        runs = []
        for number, child in enumerate(map(repr, self)):
            if runs and runs[-1][2] == child:
                runs[-1][1] = number
            else:
                runs.append([number, number, child])
        return [
            (str(first), child)
            if first == last
            else (f"{first}-{last}", f"{last - first + 1} x {child}")
            for first, last, child in runs
        ]
