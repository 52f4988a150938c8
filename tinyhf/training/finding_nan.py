"""Floor 6 · When the loss is no number any more: at which step, and where it begins.

A run that goes on with NaN has lost its weights; it stops instead, before they are touched.
"""

import math

from tinyhf.autograd import Tensor, plain
from tinyhf.errors import NumericsError
from tinyhf.training.clipping import is_finite

FIX = "A smaller learning_rate, or warmup_steps, may help; the weights are those of the step before"


def check_loss(model, loss, inputs, step):
    """Raise NumericsError if the loss is NaN or infinite, saying where that comes from."""
    if math.isfinite(value := loss.item()):
        return
    labels = inputs.get("labels")
    if labels is not None and labels.dtype.kind == "i" and not (labels != -100).any():
        problem = "the loss is NaN, because every label of the batch is -100"
        fix = "Larger batches, or items with at least one token to learn, avoid that"
        raise NumericsError(problem, where=f"step {step}", fix=fix)
    raise NumericsError(
        f"the loss is {value}, {where_it_begins(model, loss)}", where=f"step {step}", fix=FIX
    )


def where_it_begins(model, loss):
    """The first parameter that holds such numbers, or the first whose gradient does."""
    named = model.named_parameters()
    for name, parameter in named:
        if not is_finite(plain(parameter)):
            return f"and the first parameter that is not finite is {name}"
    if isinstance(loss, Tensor):
        loss.backward()
    for name, parameter in named:
        if (grad := getattr(parameter, "grad", None)) is not None and not is_finite(grad):
            return f"all parameters are finite, and the first gradient that is not is of {name}"
    return "though all parameters and gradients are finite"


def check_grad_norm(model, grad_norm, step):
    """Raise NumericsError if the gradients are not finite, naming the first parameter."""
    if math.isfinite(grad_norm):
        return
    for name, parameter in model.named_parameters():
        grad = getattr(parameter, "grad", None)
        if grad is not None and not is_finite(grad):
            problem = f"the gradients are not finite; the first such is of {name}"
            raise NumericsError(problem, where=f"step {step}", fix=FIX)
