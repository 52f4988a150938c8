"""Floor 6 · Schedules: how the learning rate changes from step to step.

Mirrors transformers/optimization.py and torch.optim.lr_scheduler.LambdaLR. A schedule is a factor
on the optimizer's lr, as a function of the step; with warm-up it climbs from 0 to 1 first:

     1 ┤   ╱╲            linear        1 ┤   ╱‾‾╲         cosine       1 ┤   ╱‾‾‾‾‾‾   constant
       │  ╱    ╲                         │  ╱    ╲                       │  ╱
     0 ┼─╱────────╲─                   0 ┼─╱──────╲_─                  0 ┼─╱─────────
        warm-up
"""

import functools
import math

from tinyhf.errors import ArgumentError


class LambdaLR:
    """Sets ``lr`` of every group to its first lr times ``lr_lambda(step)``.

    Args:
        optimizer: an ``Optimizer``; the lr its groups have now are the first ones.
        lr_lambda: step, a whole number from 0 on → factor.
        last_epoch: -1 to begin; or the step at which a run stopped, to go on from there.
    """

    def __init__(self, optimizer, lr_lambda, last_epoch=-1):
        self.optimizer, self.lr_lambda, self.last_epoch = optimizer, lr_lambda, last_epoch
        for number, group in enumerate(optimizer.param_groups):
            if group["lr"] is None:
                fix = "Adafactor with relative_step=True makes its own: use relative_step=False"
                raise ArgumentError("a schedule needs an lr", where=f"group {number}", fix=fix)
            if last_epoch == -1:
                group["initial_lr"] = group["lr"]
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self.step()

    def step(self):
        """One step further: call it after ``optimizer.step()``."""
        self.last_epoch += 1
        factor = self.lr_lambda(self.last_epoch)
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base * factor

    def get_last_lr(self):
        """The lr of every group, as it is now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self):
        """What ``load_state_dict`` needs: plain numbers."""
        return {
            "last_epoch": self.last_epoch,
            "base_lrs": list(self.base_lrs),
            "_last_lr": self.get_last_lr(),
        }

    def load_state_dict(self, state_dict):
        """Go on where ``state_dict()`` was taken."""
        self.last_epoch, self.base_lrs = state_dict["last_epoch"], list(state_dict["base_lrs"])
        for group, lr in zip(self.optimizer.param_groups, state_dict["_last_lr"], strict=True):
            group["lr"] = lr


# ---- the factors: of warm-up, then of what comes after it ----------------------------------------


def warm_up(step, num_warmup_steps, after):
    """From 0 to 1 in ``num_warmup_steps``, then ``after()``."""
    return step / max(1, num_warmup_steps) if step < num_warmup_steps else after()


def progress(step, num_warmup_steps, num_training_steps):
    """Which part of the steps after warm-up is done: 0 to 1, more if training goes on."""
    return (step - num_warmup_steps) / max(1, num_training_steps - num_warmup_steps)


def scheduled(optimizer, factor, num_warmup_steps, last_epoch):
    """A LambdaLR of warm-up, and ``factor(step)`` after it."""

    def lr_lambda(step):
        return warm_up(step, num_warmup_steps, functools.partial(factor, step))

    return LambdaLR(optimizer, lr_lambda, last_epoch)


def get_constant_schedule(optimizer, last_epoch=-1):
    """The same lr at every step."""
    return LambdaLR(optimizer, lambda step: 1, last_epoch)


def get_constant_schedule_with_warmup(optimizer, num_warmup_steps, last_epoch=-1):
    """Up to lr, and there it stays."""
    return scheduled(optimizer, lambda step: 1.0, num_warmup_steps, last_epoch)


def get_linear_schedule_with_warmup(optimizer, num_warmup_steps, num_training_steps, last_epoch=-1):
    """Up to lr, then straight down to 0 at ``num_training_steps``."""

    def factor(step):
        left = (num_training_steps - step) / max(1, num_training_steps - num_warmup_steps)
        return max(0.0, left)

    return scheduled(optimizer, factor, num_warmup_steps, last_epoch)


def get_cosine_schedule_with_warmup(
    optimizer, num_warmup_steps, num_training_steps, num_cycles=0.5, last_epoch=-1
):
    """Up to lr, then down to 0 along half a cosine (Loshchilov & Hutter, 2017)."""

    def factor(step):
        done = progress(step, num_warmup_steps, num_training_steps)
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * num_cycles * 2.0 * done)))

    return scheduled(optimizer, factor, num_warmup_steps, last_epoch)


def get_cosine_with_hard_restarts_schedule_with_warmup(
    optimizer, num_warmup_steps, num_training_steps, num_cycles=1, last_epoch=-1
):
    """As cosine, ``num_cycles`` times: at the end of each it jumps up again."""

    def factor(step):
        done = progress(step, num_warmup_steps, num_training_steps)
        if done >= 1.0:
            return 0.0
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * ((num_cycles * done) % 1.0))))

    return scheduled(optimizer, factor, num_warmup_steps, last_epoch)


def get_polynomial_decay_schedule_with_warmup(
    optimizer, num_warmup_steps, num_training_steps, lr_end=1e-7, power=1.0, last_epoch=-1
):
    """Up to lr, then down to ``lr_end`` as (1 - progress)^power.

    Raises:
        ArgumentError: ``lr_end`` is not below lr.
    """
    lr = optimizer.defaults["lr"]
    if not lr > lr_end:
        raise ArgumentError("out of range", where="lr_end", wanted=f"below lr, {lr}", got=lr_end)

    def factor(step):
        if step > num_training_steps:
            return lr_end / lr
        left = 1 - progress(step, num_warmup_steps, num_training_steps)
        return ((lr - lr_end) * left**power + lr_end) / lr

    return scheduled(optimizer, factor, num_warmup_steps, last_epoch)


def get_inverse_sqrt_schedule(optimizer, num_warmup_steps, timescale=None, last_epoch=-1):
    """Up to lr, then down as 1 / sqrt(step); ``timescale`` is the length of warm-up if None."""
    timescale = timescale or num_warmup_steps or 10_000

    def factor(step):
        return 1.0 / math.sqrt((step + timescale - num_warmup_steps) / timescale)

    return scheduled(optimizer, factor, num_warmup_steps, last_epoch)


#: Ways up and down: the height when ``done`` of the way is behind.
CLIMBS = {
    "linear": lambda done: done,
    "cosine": lambda done: 0.5 * (1.0 - math.cos(math.pi * done)),
    "1-sqrt": lambda done: 1.0 - math.sqrt(1.0 - done),
}
DESCENTS = {
    "linear": lambda done, cycles: 1.0 - done,
    "cosine": lambda done, cycles: 0.5 * (1.0 + math.cos(math.pi * cycles * 2.0 * done)),
    "1-sqrt": lambda done, cycles: 1.0 - math.sqrt(done),
}


def get_wsd_schedule(
    optimizer,
    num_warmup_steps,
    num_decay_steps,
    num_training_steps=None,
    num_stable_steps=None,
    warmup_type="linear",
    decay_type="cosine",
    min_lr_ratio=0,
    num_cycles=0.5,
    last_epoch=-1,
):
    """Warm-up, stable, decay: up to lr, there it stays, and down to ``min_lr_ratio`` of it.

    Args:
        num_stable_steps: None is what the other two leave of ``num_training_steps``.
        warmup_type, decay_type: "linear", "cosine" or "1-sqrt".

    Raises:
        ArgumentError: there is no such type.
    """
    for name, value in {"warmup_type": warmup_type, "decay_type": decay_type}.items():
        if value not in CLIMBS:
            wanted = ", ".join(map(repr, CLIMBS))
            raise ArgumentError("is no such choice", where=name, wanted=wanted, got=value)
    if num_stable_steps is None:
        num_stable_steps = num_training_steps - num_warmup_steps - num_decay_steps
    decay_begin = num_warmup_steps + num_stable_steps

    def factor(step):
        if num_warmup_steps <= step < decay_begin:
            return 1.0
        if step >= decay_begin + num_decay_steps:
            return min_lr_ratio
        if step < num_warmup_steps:
            height = CLIMBS[warmup_type](step / max(1, num_warmup_steps))
        else:
            height = DESCENTS[decay_type]((step - decay_begin) / num_decay_steps, num_cycles)
        return max(0.0, height * (1.0 - min_lr_ratio) + min_lr_ratio)

    return LambdaLR(optimizer, factor, last_epoch)


#: ``lr_scheduler_type`` → its function, and which numbers of steps that takes.
SCHEDULES = {
    "linear": (get_linear_schedule_with_warmup, 2),
    "cosine": (get_cosine_schedule_with_warmup, 2),
    "cosine_with_restarts": (get_cosine_with_hard_restarts_schedule_with_warmup, 2),
    "polynomial": (get_polynomial_decay_schedule_with_warmup, 2),
    "constant": (get_constant_schedule, 0),
    "constant_with_warmup": (get_constant_schedule_with_warmup, 1),
    "inverse_sqrt": (get_inverse_sqrt_schedule, 1),
    "warmup_stable_decay": (get_wsd_schedule, 2),
}


def get_scheduler(
    name,
    optimizer,
    num_warmup_steps=None,
    num_training_steps=None,
    scheduler_specific_kwargs=None,
):
    """The schedule of a name: ``"linear"``, ``"cosine"``, … (``SCHEDULES``).

    Args:
        scheduler_specific_kwargs: further arguments of its function, such as num_cycles.

    Raises:
        ArgumentError: an unknown name, or a number of steps it needs is missing.
    """
    name = getattr(name, "value", name)  # an enum of transformers is welcome as well
    if name not in SCHEDULES:
        wanted = ", ".join(SCHEDULES)
        raise ArgumentError("unknown schedule", where="lr_scheduler_type", wanted=wanted, got=name)
    function, count = SCHEDULES[name]
    steps = {"num_warmup_steps": num_warmup_steps, "num_training_steps": num_training_steps}
    needed = dict(list(steps.items())[:count])
    for argument, value in needed.items():
        if value is None:
            raise ArgumentError(f'schedule "{name}" needs it', where=argument, got=None)
        if value < 0:
            raise ArgumentError("out of range", where=argument, wanted="0 or more", got=value)
    return function(optimizer, **needed, **(scheduler_specific_kwargs or {}))
