"""Floor 6 · A layer of the base model, with what adapters add to it.

Mirrors peft/tuners/tuners_utils.py (BaseTunerLayer) and peft/utils/other.py (ModulesToSaveWrapper).
The layer keeps its place in the tree and gets a wrapper around it:

    self_attn.q_proj.weight   →   self_attn.q_proj.base_layer.weight     a plain array: frozen
                                  self_attn.q_proj.lora_A.default.weight  a Tensor: trained
"""

import copy

from tinyhf.autograd import Tensor, plain
from tinyhf.backend import device_of, float32, to_device
from tinyhf.errors import ArgumentError
from tinyhf.nn import Conv1D, Embedding, Module


def set_trainable(module, name, is_trainable):
    """Make one parameter a Tensor or a plain array; a Tensor that is one stays the same object."""
    value = getattr(module, name)
    if value is not None and isinstance(value, Tensor) != is_trainable:
        setattr(module, name, Tensor(value) if is_trainable else value.array)


class AdapterDict(Module):
    """Adapter name → module: torch.nn.ModuleDict."""

    def __contains__(self, adapter_name):
        return adapter_name in vars(self)

    def __getitem__(self, adapter_name):
        return getattr(self, adapter_name)

    def __setitem__(self, adapter_name, module):
        setattr(self, adapter_name, module)

    def __delitem__(self, adapter_name):
        delattr(self, adapter_name)

    def set_trainable(self, adapter_names):
        """The adapters of these names become Tensors, the others plain arrays."""
        for adapter_name, adapter in self.named_children():
            for module in adapter.modules():
                for name in module.parameter_names:
                    set_trainable(module, name, adapter_name in adapter_names)

    def names_of(self, adapter_name):
        """The parameters of one adapter: name below this module → name without the adapter's."""
        return {f"{adapter_name}.{name}": f".{name}" for name in self[adapter_name].state_dict()}


class ParameterDict(AdapterDict):
    """Adapter name → array: torch.nn.ParameterDict."""

    def __setitem__(self, adapter_name, array):
        setattr(self, adapter_name, array)
        self.parameter_names = (*self.parameter_names, adapter_name)

    def __delitem__(self, adapter_name):
        delattr(self, adapter_name)
        self.parameter_names = tuple(n for n in self.parameter_names if n != adapter_name)

    def set_trainable(self, adapter_names):
        for name in self.parameter_names:
            set_trainable(self, name, name in adapter_names)

    def names_of(self, adapter_name):
        return {adapter_name: ""}


def as_type_of(result, x):
    """``x``, computed in float32, in the type that the base model computes in."""
    return x if x.dtype == result.dtype else x.astype(result.dtype)


class AdapterLayer(Module):
    """The base class of wrapped layers.

    Attributes:
        base_layer: what was here before.
        active_adapters: those that take part in ``forward``.
        merged_adapters: those that were added into the weight.
    """

    #: The kinds of layers it can stand around, and what they are called in an error.
    fits, wanted = (), ""

    def __init__(self, base_layer):
        self.base_layer = base_layer
        self.active_adapters, self.merged_adapters = [], []
        self.is_disabled, self.original = False, None

    @property
    def weight(self):
        """The base layer's, as for all who ask a layer for its weight."""
        return self.base_layer.weight

    @property
    def bias(self):
        """The base layer's."""
        return getattr(self.base_layer, "bias", None)

    def rows(self):
        """The weight as (out, in), float32; Conv1D and Embedding store it the other way round."""
        weight = plain(self.base_layer.weight).astype(float32, copy=False)
        return weight.T if self.is_turned else weight

    @property
    def is_turned(self):
        """Whether the weight is stored as (in, out)."""
        return isinstance(self.base_layer, Conv1D | Embedding)

    @property
    def sizes(self):
        """(out, in)."""
        return self.weight.shape[::-1] if self.is_turned else self.weight.shape

    def on_device(self, values):
        """New values, from the host to where the base layer is."""
        return to_device(values, device_of(plain(self.base_layer.weight)))

    def acting(self, container):
        """The names of the adapters that take part now."""
        if self.is_disabled or self.merged_adapters:
            return []
        return [name for name in self.active_adapters if name in container]

    def containers(self):
        """The dicts that hold the adapters' parameters."""
        return [child for child in vars(self).values() if isinstance(child, AdapterDict)]

    def delete_adapter(self, adapter_name):
        """Forget one."""
        self.active_adapters = [n for n in self.active_adapters if n != adapter_name]
        for container in self.containers():
            if adapter_name in container:
                del container[adapter_name]

    # ---- into the weight and out again ---------------------------------------------------------

    def merged(self, rows, bias, adapter_name):
        """(weight as (out, in), bias) with one adapter in them."""
        raise ArgumentError(
            f"{type(self).__name__} bends what it adds, so no weight can hold it", where="merge"
        )

    def merge(self, adapter_names):
        """Put the adapters into the weight; the arrays from before are kept for ``unmerge``."""
        if self.merged_adapters:
            return
        base_layer, rows, bias = self.base_layer, self.rows(), plain(self.bias)
        for name in adapter_names:
            rows, bias = self.merged(rows, bias, name)
        self.original = base_layer.weight, self.bias
        base_layer.weight = (rows.T if self.is_turned else rows).astype(self.weight.dtype)
        if bias is not None:
            base_layer.bias = bias
        self.merged_adapters = list(adapter_names)

    def unmerge(self):
        """Take the adapters out of the weight: it is bit for bit what it was."""
        if self.merged_adapters:
            self.base_layer.weight, bias = self.original
            if bias is not None:
                self.base_layer.bias = bias
            self.merged_adapters, self.original = [], None


class ModulesToSaveWrapper(Module):
    """A module of the base model, and copies of it that adapters train as a whole."""

    def __init__(self, original_module):
        self.original_module = original_module
        self.modules_to_save = AdapterDict()
        self.active_adapters, self.is_disabled = [], False

    def chosen(self):
        """The module that acts now."""
        names = [name for name in self.active_adapters if name in self.modules_to_save]
        return self.modules_to_save[names[0]] if names and not self.is_disabled else None

    def add_adapter(self, adapter_name):
        """Copy the original."""
        copied = copy.deepcopy(self.original_module)
        self.modules_to_save[adapter_name] = copied

    def containers(self):
        return [self.modules_to_save]

    def delete_adapter(self, adapter_name):
        self.active_adapters = [n for n in self.active_adapters if n != adapter_name]
        if adapter_name in self.modules_to_save:
            del self.modules_to_save[adapter_name]

    def forward(self, *args, **kwargs):
        return (self.chosen() or self.original_module)(*args, **kwargs)

    @property
    def weight(self):
        return (self.chosen() or self.original_module).weight
