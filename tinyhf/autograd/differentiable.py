"""Floor 1 · ``@differentiable``: a formula, and right below it how its result changes with inputs.

    @differentiable
    def silu(x):
        ...

    @silu.wrt("x")
    def silu_grad_x(grad, out, x):
        ...

Called with plain arrays the formula just runs. Called with a ``Tensor`` it runs on the array
inside, and the result is a Tensor that remembers this call, a ``Step``.
"""

import contextlib
import functools
import inspect

from tinyhf.autograd.tensor import Tensor, plain
from tinyhf.backend import is_array
from tinyhf.errors import ArgumentError


class no_grad(contextlib.ContextDecorator):
    """Inside, Tensors count as plain arrays: nothing is written down, results are plain.

    ``with no_grad():``, or ``@no_grad()`` before a function.
    """

    open = 0  # how many of them we are in

    def __enter__(self):
        no_grad.open += 1

    def __exit__(self, *error):
        no_grad.open -= 1


def is_recording():
    """Whether calls with Tensors are written down: False inside ``no_grad()``."""
    return not no_grad.open


class Differentiable:
    """A formula with gradient rules; ``formula.wrt("x")`` is the decorator of the rule for x.

    A rule is ``rule(grad, out, *inputs)``: how the loss changes with one input, given how it
    changes with the result (``grad``, of the shape of ``out``). Its answer may have the shape that
    the input has after broadcasting.
    """

    def __init__(self, formula):
        functools.update_wrapper(self, formula)
        self.formula, self.rules = formula, {}
        self.signature = inspect.signature(formula)
        self.names = list(self.signature.parameters)

    def wrt(self, name):
        """The rule for the argument ``name`` follows ("with respect to")."""

        def enter(rule):
            self.rules[name] = rule
            return rule

        return enter

    def __call__(self, *args, **kwargs):
        return (self.write_down if Tensor in map(type, args) else self.formula)(*args, **kwargs)

    def write_down(self, *args, **kwargs):
        """Run the formula on the arrays; the result remembers what it was made from."""
        if kwargs:  # arguments that were named go to their places: a rule is found by the place
            bound = self.signature.bind(*args, **kwargs)
            args, kwargs = bound.args, bound.kwargs
        out = self.formula(*map(plain, args), **kwargs)
        return out if no_grad.open else Tensor(out, Step(self, args, kwargs))

    def __repr__(self):
        return f"<differentiable {self.__name__} with rules for {', '.join(self.rules)}>"


def differentiable(formula):
    """The decorator: see the head of this file."""
    return Differentiable(formula)


class Step:
    """One call of a formula, on the tape."""

    def __init__(self, formula, args, kwargs):
        self.formula, self.args, self.kwargs = formula, args, kwargs

    @property
    def name(self):
        return self.formula.__name__

    def sources(self):
        """The Tensors that went in."""
        return [x for x in self.args if type(x) is Tensor]

    def gradients(self, grad, out):
        """(Tensor that went in, how the loss changes with it), for each."""
        arrays = [*map(plain, self.args)]
        for name, source in zip(self.formula.names, self.args, strict=False):
            if type(source) is Tensor:
                if name not in self.formula.rules:
                    fix = f"Write one below the formula, with @{self.name}.wrt({name!r})."
                    problem = "the formula has no gradient rule for this argument"
                    raise ArgumentError(problem, where=f"{self.name}({name})", fix=fix)
                part = self.formula.rules[name](grad, out, *arrays, **self.kwargs)
                yield source, undo_broadcasting(part, source.shape)

    def describe(self, names):
        """``softmax(t3)``: Tensors by their names, other arrays by their shapes."""
        shown = [names[x.number] if type(x) is Tensor else show(x) for x in self.args]
        shown += [f"{name}={show(x)}" for name, x in self.kwargs.items()]
        return f"{self.name}({', '.join(shown)})"


def show(x):
    """An array by its shape, an index as it is written: ``0, 1:3, ::2``; others as they are."""
    if isinstance(x, slice):
        ends = ["" if end is None else str(end) for end in (x.start, x.stop, x.step)]
        return ":".join(ends if ends[2] else ends[:2])
    if isinstance(x, tuple) and any(isinstance(part, slice) for part in x):
        return ", ".join(map(show, x))
    return str(tuple(x.shape) if is_array(x) else x).replace(" ", "")


def undo_broadcasting(grad, shape):
    """What was stretched to more rows in the forward pass is summed over them on the way back."""
    if grad.shape == shape:
        return grad
    extra = grad.ndim - len(shape)
    grad = grad.sum(axis=tuple(range(extra))) if extra else grad
    stretched = tuple(i for i, size in enumerate(shape) if size == 1 and grad.shape[i] != 1)
    return grad.sum(axis=stretched, keepdims=True) if stretched else grad
