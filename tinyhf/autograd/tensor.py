"""Floor 1 · Tensor: an array that remembers how it was made, so that gradients find the way back.

Stands in for torch.Tensor with requires_grad. Every operation on a Tensor gives a new one, which
knows its formula and its inputs. ``backward`` walks that way back, from the loss to the parameters,
and asks each formula for its gradients:

    weight ─┐
            matmul ─ scores ─ softmax ─ … ─ loss          forward: each step is written down
    x ──────┘
    weight.grad ◁─ matmul ◁─ softmax ◁─ … ◁─ 1            backward: the same steps, last one first

An array that is no Tensor needs no gradient: nothing is written down for it.
"""

import itertools

from tinyhf.backend import array_module, to_host
from tinyhf.errors import ArgumentError

_numbers = itertools.count()


class Tensor:
    """An array with a gradient.

    Args:
        array: the plain array.
        step: the ``Step`` that made it; None for a parameter, or whatever a user begins with.

    Attributes:
        grad: None before ``backward``, then an array of the same shape: how much the loss grows for
            each number of the array. Kept where there is no ``step``, or after ``retain_grad()``;
            further calls add to it.
    """

    __slots__ = ("array", "grad", "keeps_grad", "number", "step")
    __array_ufunc__ = None  # array + Tensor asks the Tensor, not NumPy

    def __init__(self, array, step=None):
        self.array, self.step, self.grad, self.keeps_grad = array, step, None, False
        self.number = next(_numbers)  # a Tensor has a higher one than all it was made from

    def __reduce__(self):
        return Tensor, (self.array,)  # a copy does not know how the original was made

    @property
    def requires_grad(self):
        """True: an array that needs no gradient is no Tensor."""
        return True

    @requires_grad.setter
    def requires_grad(self, value):
        if not value:
            problem = "a parameter without gradient is a plain array here"
            fix = "Call requires_grad_(False) on the module that has it."
            raise ArgumentError(problem, where="requires_grad", fix=fix)

    # ---- what an array says of itself ----------------------------------------------------------

    shape = property(lambda self: self.array.shape)
    dtype = property(lambda self: self.array.dtype)
    ndim = property(lambda self: self.array.ndim)
    size = property(lambda self: self.array.size)
    nbytes = property(lambda self: self.array.nbytes)

    def __len__(self):
        return len(self.array)

    def __float__(self):
        return float(self.array)

    def __bool__(self):
        return bool(self.array)

    def __format__(self, how):
        return format(self.item(), how) if how else repr(self)

    def __array__(self, *args, **kwargs):
        fix = "Take .array, its plain array; what is computed with that has no gradient."
        raise ArgumentError("NumPy would forget how a Tensor was made", where="Tensor", fix=fix)

    def item(self):
        """The number of a Tensor that holds only one."""
        return self.array.item()

    def detach(self):
        """The plain array: what is computed with it has no gradient."""
        return self.array

    def get(self):
        """The plain array on the host."""
        return to_host(self.array)

    def __repr__(self):
        made = "" if self.step is None else f", made by {self.step.name}"
        return f"Tensor({self.array!r}{made})"

    # ---- the way back --------------------------------------------------------------------------

    def retain_grad(self):
        """Keep ``grad`` although a step made this Tensor."""
        self.keeps_grad = True

    def backward(self, grad=None):
        """Add to ``grad`` of every Tensor without a step that this one was made from.

        What was kept for a step is let go as soon as it was used, so the way can be gone once.

        Args:
            grad: the derivative by this Tensor, of its shape; None is 1, for a loss.

        Raises:
            ArgumentError: this is no single number, and ``grad`` is not given or of another shape;
                the way was gone before; a formula on the way has no rule.
        """
        if grad is None and self.size != 1:
            fix = "Take a loss, such as .mean(), or pass grad=."
            problem = "without grad= only a single number has gradients"
            raise ArgumentError(problem, where="backward()", got=self.shape, fix=fix)
        if grad is None:
            grad = array_module(self).ones_like(self.array)
        if grad.shape != self.shape:
            problem = "grad= has another shape than the Tensor"
            raise ArgumentError(problem, where="backward()", wanted=self.shape, got=grad.shape)
        grads, tape = {self.number: grad}, self.tape()
        while tape:
            tensor = tape.pop()
            if (grad := grads.pop(tensor.number, None)) is None:
                continue
            if tensor.step is None or tensor.keeps_grad:
                tensor.grad = grad if tensor.grad is None else tensor.grad + grad
            if tensor.step is None:
                continue
            for source, part in tensor.step.gradients(grad, tensor.array):
                earlier = grads.get(source.number)
                grads[source.number] = part if earlier is None else earlier + part
            tensor.step = SPENT

    def tape(self):
        """All Tensors this one was made from and itself, in the order in which they were made."""
        found, waiting = {}, [self]
        while waiting:
            tensor = waiting.pop()
            if tensor.number not in found:
                found[tensor.number] = tensor
                waiting += tensor.step.sources() if tensor.step else ()
        return [found[number] for number in sorted(found)]

    def history(self):
        """The tape as text, a line a step: what was computed, of which shape, from what."""
        tape = self.tape()
        names = {tensor.number: f"t{i}" for i, tensor in enumerate(tape)}
        lines = []
        for tensor in tape:
            made = "given"
            if tensor.step is not None:
                made = tensor.step.describe(names)
            shape = str(tuple(tensor.shape)).replace(" ", "")
            lines.append(f"{names[tensor.number]:>5}  {shape:18} {made}")
        return "\n".join(lines)


class Spent:
    """In place of a step that ``backward`` has used."""

    name = "a step that is forgotten"

    def sources(self):
        raise ArgumentError(
            "the way back from this Tensor was gone before, and nothing of it is kept",
            where="backward()",
            fix="Compute the loss again, or add up all losses and call backward once.",
        )


SPENT = Spent()


def plain(x):
    """The array of a Tensor; anything else as it is."""
    return getattr(x, "array", x)
