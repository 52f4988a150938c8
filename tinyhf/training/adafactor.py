"""Floor 6 · Adafactor: Adam with a memory of a row and a column instead of a whole matrix.

Mirrors Adafactor of transformers/optimization.py (Shazeer & Stern, 2018).
"""

import math

from tinyhf.backend import array_module
from tinyhf.errors import ArgumentError
from tinyhf.training.optimizer import Optimizer, require_between


def adafactor_update(grad, state, beta2, eps):
    """g / √v, where v, the average of g², is rebuilt from the means of its rows and columns.

        v[i, j] ≈ row[i] · column[j] / mean(row)

    Args:
        grad: (…, rows, columns), or (n,) with the whole v as memory.
        state: "exp_avg_sq_row" (…, rows) and "exp_avg_sq_col" (…, columns), or "exp_avg_sq" (n,);
            changed in place.
        beta2: how much of the average stays.
        eps: added to g².
    """
    square = grad * grad + eps
    if "exp_avg_sq" in state:
        _average(state["exp_avg_sq"], square, beta2)
        return state["exp_avg_sq"] ** -0.5 * grad
    row, column = state["exp_avg_sq_row"], state["exp_avg_sq_col"]
    _average(row, square.mean(axis=-1), beta2)
    _average(column, square.mean(axis=-2), beta2)
    row = (row / row.mean(axis=-1, keepdims=True)) ** -0.5
    return row[..., :, None] * (column**-0.5)[..., None, :] * grad


def _average(mean, new, beta2):
    mean *= beta2
    mean += (1 - beta2) * new


def root_mean_square(x):
    """√(mean of x²), a Python float."""
    flat = x.reshape(-1)
    return math.sqrt(float(flat @ flat) / flat.size)


class Adafactor(Optimizer):
    """Adafactor: for big models, whose two averages of Adam would not fit into memory.

    Args:
        params: see ``Optimizer``.
        lr: the learning rate; None with ``relative_step``.
        eps: added to g², and the smallest size of a parameter that scales its step.
        clip_threshold: the root mean square of a step, before lr, is at most this.
        decay_rate: at step t the average keeps 1 - t^decay_rate.
        beta1: momentum; None keeps none.
        weight_decay: how much a weight shrinks in a step, times lr.
        scale_parameter: multiply lr by the root mean square of the parameter.
        relative_step: lr is 1 / √t, at most 0.01.
        warmup_init: with relative_step, lr is at most t · 1e-6.

    Raises:
        ArgumentError: lr together with relative_step, or neither.
    """

    def __init__(
        self,
        params,
        lr=None,
        eps=(1e-30, 1e-3),
        clip_threshold=1.0,
        decay_rate=-0.8,
        beta1=None,
        weight_decay=0.0,
        scale_parameter=True,
        relative_step=True,
        warmup_init=False,
    ):
        settings = {name: value for name, value in locals().items() if name not in OF_CALL}
        super().__init__(params, settings)

    def check(self, group):
        if (group["lr"] is None) != group["relative_step"]:
            fix = "Pass lr=… with relative_step=False, or neither."
            raise ArgumentError("lr and relative_step exclude each other", where="lr", fix=fix)
        if group["warmup_init"] and not group["relative_step"]:
            raise ArgumentError("warmup_init needs relative_step=True", where="warmup_init")
        require_between(group, "weight_decay", 0.0)
        if group["lr"] is not None:
            require_between(group, "lr", 0.0)

    def first_state(self, array, group):
        zeros = array_module(array).zeros
        state = {}
        if group["beta1"] is not None:
            state["exp_avg"] = zeros(array.shape, array.dtype)
        if array.ndim < 2:
            return state | {"exp_avg_sq": zeros(array.shape, array.dtype)}
        state["exp_avg_sq_row"] = zeros(array.shape[:-1], array.dtype)
        state["exp_avg_sq_col"] = zeros(array.shape[:-2] + array.shape[-1:], array.dtype)
        return state

    def update(self, array, grad, state, group):
        state["RMS"] = root_mean_square(array)
        lr = learning_rate(group, state)
        beta2 = 1.0 - state["step"] ** group["decay_rate"]
        change = adafactor_update(grad, state, beta2, group["eps"][0])
        change *= lr / max(1.0, root_mean_square(change) / group["clip_threshold"])
        if group["beta1"] is not None:
            state["exp_avg"] *= group["beta1"]
            state["exp_avg"] += (1 - group["beta1"]) * change
            change = state["exp_avg"]
        if group["weight_decay"]:
            array *= 1 - group["weight_decay"] * lr
        array -= change


OF_CALL = ("self", "params", "__class__")


def learning_rate(group, state):
    """The lr of one step of one parameter."""
    lr = group["lr"]
    if group["relative_step"]:
        most = 1e-6 * state["step"] if group["warmup_init"] else 1e-2
        lr = min(most, 1.0 / math.sqrt(state["step"]))
    return lr * (max(group["eps"][1], state["RMS"]) if group["scale_parameter"] else 1.0)
