"""Floor 6 · Optimizer: what every optimizer does around its formula.

Mirrors torch.optim.Optimizer. A step goes through the parameters; for each, a formula changes the
array and the optimizer's memory of earlier gradients *in place*: here, and nowhere else in tinyhf,
arrays are overwritten, because a copy of all weights at every step would double the memory.
"""

from tinyhf.autograd import Tensor
from tinyhf.backend import device_of, is_array, to_device
from tinyhf.errors import ArgumentError
from tinyhf.training.clipping import check_finite
from tinyhf.training.mixed import compute_array, write_back

BLOCK = 2**15  # numbers: what a formula has in hand at once stays in the processor's cache


class Optimizer:
    """A list of parameters, in groups with settings of their own; subclasses write ``update``.

    Args:
        params: Tensors, as ``model.parameters()`` gives them; or (name, Tensor) pairs, as
            ``model.named_parameters()`` gives them, for errors that name the parameter; or groups,
            ``[{"params": …, "weight_decay": 0.0}, …]``. Plain arrays among them are frozen and left
            out.
        defaults: the settings of groups that do not say otherwise.

    Attributes:
        param_groups: a list of dicts: "params", "param_names" and the settings; change
            ``group["lr"]`` and it holds from the next step.
        state: Tensor → what is remembered of it: arrays and numbers by name.

    Raises:
        ArgumentError: no parameters, or none that is a Tensor; a setting is out of range.
    """

    def __init__(self, params, defaults):
        self.defaults, self.param_groups, self.state = defaults, [], {}
        if isinstance(params, Tensor) or not hasattr(params, "__iter__"):
            fix = "Pass model.parameters() or a list."
            problem = "an optimizer takes a list of parameters"
            raise ArgumentError(problem, where="params", got=type(params).__name__, fix=fix)
        groups = list(params)
        if not groups or not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)
        if not any(group["params"] for group in self.param_groups):
            fix = "Call model.requires_grad_() first."
            raise ArgumentError("nothing to train: no Tensors", where="params", fix=fix)

    def add_param_group(self, group):
        """Add ``{"params": …}`` with settings of its own."""
        if "params" not in group:
            raise ArgumentError('a group has no "params"', where="params", got=list(group))
        unknown = set(group) - {"params", "param_names", *self.defaults}
        if unknown:
            wanted = ", ".join(self.defaults)
            raise ArgumentError("unknown setting", where="params", wanted=wanted, got=unknown)
        already = {id(p) for other in self.param_groups for p in other["params"]}
        group = self.defaults | group
        named = [_named(entry, len(already) + i) for i, entry in enumerate(group["params"])]
        named = [(name, p) for name, p in named if isinstance(p, Tensor)]
        if already & {id(p) for _, p in named} or len({id(p) for _, p in named}) < len(named):
            raise ArgumentError("a parameter comes twice", where="params")
        group["params"] = [p for _, p in named]
        group["param_names"] = [name for name, _ in named]
        self.check(group)
        self.param_groups.append(group)

    def check(self, group):
        """Raise ArgumentError if a setting is out of range; subclasses add their own."""
        for name in ("lr", "weight_decay"):
            require_between(group, name, 0.0)

    # ---- a step --------------------------------------------------------------------------------

    def zero_grad(self):
        """Forget the gradients of all parameters."""
        for _, parameter in self.named_parameters():
            parameter.grad = None

    def named_parameters(self):
        """(name, Tensor) for all groups, in order."""
        groups = self.param_groups
        return [pair for g in groups for pair in zip(g["param_names"], g["params"], strict=True)]

    def step(self):
        """Move every parameter that has a gradient.

        Raises:
            NumericsError: a gradient is NaN or infinite; nothing has moved then.
        """
        check_finite(self.named_parameters())
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self.move(parameter, group)

    def move(self, parameter, group):
        """One parameter: its arrays in hand, ``update`` does the rest."""
        state = self.state.setdefault(parameter, {})
        wide = compute_array(parameter, state)
        if "step" not in state:
            state |= {"step": 0} | self.first_state(wide, group)
        state["step"] += 1
        self.update(wide, parameter.grad.astype(wide.dtype, copy=False), state, group)
        write_back(parameter, wide)

    def first_state(self, array, group):
        """What is remembered before the first step: arrays by name."""
        raise NotImplementedError(f"{type(self).__name__} has no first_state")

    def update(self, array, grad, state, group):
        """Change ``array`` and the arrays of ``state`` in place."""
        raise NotImplementedError(f"{type(self).__name__} has no update")

    # ---- what is saved -------------------------------------------------------------------------

    def state_dict(self):
        """As torch's: parameters are numbered through all groups; arrays are no copies.

        Returns:
            {"state": {number: {name: array or number}}, "param_groups": [settings]}.
        """
        numbers = {p: number for number, (_, p) in enumerate(self.named_parameters())}
        return {
            "state": {numbers[p]: dict(state) for p, state in self.state.items()},
            "param_groups": [
                group | {"params": [numbers[p] for p in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict):
        """Go on where ``state_dict()`` was taken: settings and memory are copied from it.

        Raises:
            ArgumentError: it is of another number of parameters, or of other shapes.
        """
        groups = state_dict["param_groups"]
        sizes = [len(group["params"]) for group in groups]
        wanted = [len(group["params"]) for group in self.param_groups]
        if sizes != wanted:
            problem = "the state is of other parameters (numbers in each group)"
            raise ArgumentError(problem, where="load_state_dict", wanted=wanted, got=sizes)
        loaded = {}
        for number, (name, parameter) in enumerate(self.named_parameters()):
            if number in state_dict["state"]:
                loaded[parameter] = _copy_state(state_dict["state"][number], parameter, name)
        self.state = loaded
        for own, saved in zip(self.param_groups, groups, strict=True):
            own |= {k: v for k, v in saved.items() if k not in ("params", "param_names")}


def _named(entry, number):
    """(name, parameter) of an entry that may have no name."""
    name, value = entry if isinstance(entry, tuple) else (f"parameter {number}", entry)
    if not isinstance(value, Tensor) and not is_array(value):
        fix = "Pass model.parameters()."
        got = type(value).__name__
        raise ArgumentError("a parameter must be a Tensor", where=name, got=got, fix=fix)
    return name, value


def _copy_state(state, parameter, name):
    """The state of one parameter, in arrays of our own on its device."""
    device = device_of(parameter.array)
    copied = {k: to_device(v, device).copy() if is_array(v) else v for k, v in state.items()}
    for key in ("exp_avg", "exp_avg_sq", "momentum_buffer", "master"):
        if is_array(copied.get(key)) and copied[key].shape != parameter.shape:
            got, wanted = copied[key].shape, parameter.shape
            where = f"{name}, {key}"
            raise ArgumentError("the state has another shape", where=where, wanted=wanted, got=got)
    return copied


def require_between(group, name, low, high=float("inf")):
    """Raise ArgumentError unless low ≤ group[name] < high."""
    if not low <= group[name] < high:
        wanted = f"{low} or more" if high == float("inf") else f"{low} to below {high}"
        raise ArgumentError("out of range", where=name, wanted=wanted, got=group[name])


def in_blocks(*arrays):
    """The arrays, a piece of each at a time; on a GPU as they are.

    A formula of ten operations reads and writes memory ten times, unless what it works on is small
    enough to stay in the processor's cache.
    """
    if device_of(arrays[0]) != "cpu":
        yield arrays
        return
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield [array[start : start + BLOCK] for array in flat]
