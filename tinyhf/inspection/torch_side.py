"""Floor 6 · What a model of transformers computes, value by value, under the names of tinyhf.

Torch is never imported: whoever has such a model has torch, too. Hooks see what modules return; the
values between q and z come from a stand-in for transformers' own eager attention, which calls it;
the others are what goes into the next module.
"""

import re
import sys
from contextlib import ExitStack, contextmanager
from inspect import signature

import numpy

from tinyhf.backend import bfloat16, to_host
from tinyhf.errors import ArgumentError

#: What goes into a module, called below its parent. A name of a module is never taken.
INPUTS = {
    "post_attention_layernorm": "residual_mid",
    "ln_2": "residual_mid",
    "down_proj": "act",
    "wo": "gated",
    "wpe": "position_ids",
}
#: The stack of layers that an attention module stands in.
STACK = re.compile(r"(.*?)\.?(?:layers|h|block)\.\d+\..*")


def is_torch_model(x):
    """Whether ``x`` is a torch.nn.Module."""
    libraries = {kind.__module__.partition(".")[0] for kind in type(x).__mro__}
    return "torch" in libraries and hasattr(x, "named_modules")


def as_array(x):
    """A torch tensor, or anything that NumPy takes for an array, as an array on the host."""
    if not hasattr(x, "detach"):
        return numpy.asarray(to_host(x))
    x = x.detach().cpu()
    if str(x.dtype) == "torch.bfloat16":  # NumPy's own types have none
        return x.view(sys.modules["torch"].int16).numpy().copy().view(bfloat16)
    return x.numpy().copy()


def run_torch(model, steps):
    """Run ``model`` once for each step, with a cache between them.

    Args:
        model: of transformers, or any torch.nn.Module.
        steps: for each its inputs, argument → array.

    Returns:
        for each step name → array.
    """
    torch = sys.modules["torch"]
    seen, cache = TorchRecorder(model), {}
    device = next(model.parameters()).device
    with torch.no_grad(), seen.watching():
        for inputs in steps:
            seen.steps.append(dict(inputs))
            tensors = {name: torch.tensor(x, device=device) for name, x in inputs.items()}
            output = model(**tensors, **cache)
            if len(steps) > 1:
                cache = {"past_key_values": output.past_key_values}
            for name, value in output.items() if hasattr(output, "items") else ():
                seen.keep(name, value)
    return seen.steps


class TorchRecorder:
    """Keeps what the modules of a torch model are given and return."""

    def __init__(self, model):
        self.model, self.steps, self.masks = model, [], {}
        self.paths = {module: path for path, module in model.named_modules()}
        self.taken = set(self.paths.values())

    @contextmanager
    def watching(self):
        """Inside, every forward pass is kept."""
        with ExitStack() as leaving:
            if hasattr(self.model, "set_attn_implementation"):
                leaving.enter_context(self.eager_attention())
            for module, path in self.paths.items():
                if path:  # what the whole model returns has names of its own
                    before = module.register_forward_pre_hook(self.see_input, with_kwargs=True)
                    leaving.callback(before.remove)
                    leaving.callback(module.register_forward_hook(self.see_output).remove)
            yield

    def keep(self, name, value):
        """The main one of several values, if it is a tensor."""
        while isinstance(value, tuple | list) and value:
            value = value[0]
        if hasattr(value, "keys"):
            value = next(iter(value.values()))
        if hasattr(value, "detach"):
            self.steps[-1].pop(name, None)  # a module called twice stands where it was last
            self.steps[-1][name] = as_array(value)

    def keep_between(self, name, value):
        """A value that is no module's own."""
        if name not in self.taken:
            self.keep(name, value)

    def see_output(self, module, args, output):
        """A forward hook."""
        self.keep(self.paths[module], output)

    def see_input(self, module, args, kwargs):
        """A forward pre-hook."""
        parent, _, own = self.paths[module].rpartition(".")
        if own == "rotary_emb":
            self.keep(f"{parent}.position_ids", kwargs.get("position_ids", *args[1:]))
        elif own in INPUTS and args and (own != "wo" or f"{parent}.wi_1" in self.taken):
            self.keep_between(f"{parent}.{INPUTS[own]}", args[0])

    # ---- attention -------------------------------------------------------------------------------

    @contextmanager
    def eager_attention(self):
        """Inside, the model's attention is written out, and seen."""
        functions = sys.modules["transformers.modeling_utils"].ALL_ATTENTION_FUNCTIONS
        before = self.model.config._attn_implementation
        self.model.set_attn_implementation("eager")
        functions["eager"] = self.attention
        try:
            yield
        finally:
            del functions["eager"]
            self.model.set_attn_implementation(before)

    def attention(self, module, query, key, value, attention_mask, **kwargs):
        """What the family's own ``eager_attention_forward`` gives; all that it meets is kept."""
        eager = eager_attention_of(module)
        output, weights = eager(module, query, key, value, attention_mask, **kwargs)
        path, seq = self.paths[module], query.shape[2]
        if "position_embeddings" in signature(module.forward).parameters:
            self.keep_unrotated(path, query.shape[3])
            self.keep(f"{path}.v", value[:, :, -seq:])
            self.keep(f"{path}.q_rotary", query)
            self.keep(f"{path}.k_rotary", key[:, :, -seq:])
        else:
            for name, x in (("q", query), ("k", key), ("v", value)):
                self.keep_between(f"{path}.{name}", x)
        if (bias := kwargs.get("position_bias")) is not None and bias.any():
            self.keep(f"{path}.position_bias", bias)
        self.keep(f"{path}.scores", scores_of(query, key, **kwargs))
        self.keep(f"{path}.pattern", weights)
        self.keep(f"{path}.z", output.transpose(1, 2))
        if getattr(module, "is_causal", False) and attention_mask is not None:
            self.keep_mask(path, attention_mask)
        return output, weights

    def keep_unrotated(self, path, head_dim):
        """q and k as their maps gave them, split into heads."""
        for letter in "qk":
            projected = self.steps[-1].get(f"{path}.{letter}_proj")
            if projected is not None:
                split = projected.reshape(*projected.shape[:2], -1, head_dim).swapaxes(1, 2)
                self.steps[-1][f"{path}.{letter}"] = split

    def keep_mask(self, path, mask):
        """The mask of a stack of layers, if it is the same one for all of them."""
        stack = STACK.fullmatch(path)
        name = f"{stack[1] if stack else path}.causal_mask"
        earlier = self.masks.setdefault((len(self.steps), name), mask)
        if earlier is mask:
            self.keep(name, mask)
        else:
            self.steps[-1].pop(name, None)


def eager_attention_of(module):
    """``eager_attention_forward`` from the file of the module's class, or of one it inherits."""
    name = "eager_attention_forward"
    for kind in type(module).__mro__:
        function = getattr(sys.modules[kind.__module__], name, None)
        if function is not None:
            return function
    problem = f"there is no {name} beside this class, as there is in transformers"
    raise ArgumentError(problem, where=type(module).__qualname__)


def scores_of(query, key, scaling=None, position_bias=None, **_):
    """query · key · scaling, before the mask; several query heads may share a key head."""
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling
    stacked = query.reshape(query.shape[0], key.shape[1], -1, query.shape[3])
    scores = (stacked @ key.transpose(-1, -2)).reshape(*query.shape[:3], -1) * scaling
    return scores if position_bias is None else scores + position_bias
