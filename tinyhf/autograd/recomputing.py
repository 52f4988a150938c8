"""Floor 1 · Recomputing: forget what happened inside a function, and do it again when going back.

Mirrors torch.utils.checkpoint (Chen et al., 2016). The tape keeps every in-between array of the
forward pass until ``backward`` has used it; most of the memory of training goes there. A function
called through ``checkpoint`` keeps its inputs only:

    forward:    x ─ function ─ out                         nothing written down inside
    backward:   x ─ function, now written down ─ out,  then back through it with the gradient of out

It costs one more forward pass, and gives the very same gradients.
"""

from tinyhf.autograd.differentiable import Step, is_recording, no_grad
from tinyhf.autograd.tensor import Tensor, plain
from tinyhf.backend.random import get_rng_state, set_rng_state


def checkpoint(function, *args):
    """``function(*args)``, recomputed in ``backward``.

    Args:
        function: gives a Tensor, or a tuple of Tensors and None. What it draws from the default
            random generator (dropout) is drawn again as it was; it must change nothing outside.

    Returns:
        What the function returns, as Tensors.
    """
    if not is_recording():
        return function(*args)
    state = get_rng_state()
    with no_grad():
        out = function(*map(plain, args))

    def remember(part, number=None):
        return (
            part if part is None else Tensor(plain(part), Recomputed(function, args, state, number))
        )

    if isinstance(out, tuple):
        return tuple(remember(part, number) for number, part in enumerate(out))
    return remember(out)


class Recomputed(Step):
    """One result of a call of ``checkpoint``, on the tape.

    Args:
        state: of the default generator, before the call.
        number: which part of a tuple; None where the function returns no tuple.
    """

    name = "checkpoint"

    def __init__(self, function, args, state, number):
        super().__init__(function, args, {})
        self.state, self.number = state, number

    def gradients(self, grad, out):
        """Forward again, then back: parameters inside get their ``grad``, the inputs' are given."""
        inside = [Tensor(x.array) if isinstance(x, Tensor) else x for x in self.args]
        now = get_rng_state()
        set_rng_state(self.state)
        result = self.formula(*inside)
        set_rng_state(now)
        (result if self.number is None else result[self.number]).backward(grad)
        for source, copy in zip(self.args, inside, strict=True):
            if isinstance(source, Tensor) and copy.grad is not None:
                yield source, copy.grad
