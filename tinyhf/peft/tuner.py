"""Floor 6 · A base model whose layers got adapters.

Mirrors BaseTuner of peft/tuners/tuners_utils.py. The base model hangs below ``model``, and only the
layers that were named are wrapped.
"""

from tinyhf.errors import ArgumentError
from tinyhf.nn import Module
from tinyhf.peft.adapter_layer import AdapterLayer, ModulesToSaveWrapper, set_trainable
from tinyhf.peft.targets import find_targets, layers_of


class BaseTuner(Module):
    """The base model with adapters of one method.

    Args:
        model: the base model; it is changed, and its own weights are no longer trained.
    """

    #: The wrapper of a layer.
    layer_class = AdapterLayer

    #: Model type → ``target_modules`` where a config names none.
    default_targets = {}

    def __init__(self, model):
        self.model = model.requires_grad_(False)

    def forward(self, *args, **kwargs):
        return self.model(*args, **kwargs)

    # ---- adapters come and go ------------------------------------------------------------------

    def add_adapter(self, adapter_name, config):
        """Wrap the layers that ``config`` means, and give each an adapter."""
        found = find_targets(self.model, config, self.default_targets)
        wrapped = [self.wrap(path, config) for path in found]  # all fit, or nothing is changed
        for path, layer in zip(found, wrapped, strict=True):
            self.model.set_parameter(path, layer)
            layer.add_adapter(adapter_name, config, path)
        for path, module in layers_of(self.model).items():
            if path.endswith(tuple(config.modules_to_save or ())):
                wrapper = module
                if not isinstance(module, ModulesToSaveWrapper):
                    wrapper = ModulesToSaveWrapper(module)
                    self.model.set_parameter(path, wrapper)
                wrapper.add_adapter(adapter_name)

    def wrap(self, path, config):
        """The wrapper of the layer at ``path``, which may be there already."""
        module = self.model.get_submodule(path)
        if isinstance(module, AdapterLayer):
            return module
        return self.layer_for(module, path, config)

    def layer_for(self, module, path, config):
        """A new wrapper.

        Raises:
            ArgumentError: the module is none that this method can stand beside.
        """
        if not isinstance(module, self.layer_class.fits):
            raise ArgumentError(
                f"{config.peft_type.value} cannot stand beside such a module",
                where=f"target_modules, {path}",
                wanted=self.layer_class.wanted,
                got=type(module).__name__,
            )
        return self.layer_class(module)

    def delete_adapter(self, adapter_name):
        """Take one adapter out of all layers."""
        for layer in self.layers():
            layer.delete_adapter(adapter_name)

    def layers(self):
        """All wrappers."""
        return [
            m for m in self.model.modules() if isinstance(m, AdapterLayer | ModulesToSaveWrapper)
        ]

    # ---- which one acts, and which one learns --------------------------------------------------

    def set_adapter(self, adapter_names, config, is_trainable):
        """Let these adapters act; the trainable ones' parameters are Tensors."""
        for layer in self.layers():
            layer.active_adapters = list(adapter_names)
            for container in layer.containers():
                container.set_trainable(adapter_names if is_trainable else ())
        self.train_biases(getattr(config, "bias", "none") if is_trainable else "none")

    def train_biases(self, which):
        """Train biases of the base model: "none", "all", or those of wrapped layers."""
        for module in layers_of(self.model).values():
            is_wrapped = isinstance(module, AdapterLayer)
            module = module.base_layer if is_wrapped else module
            if "bias" in module.parameter_names:
                is_meant = which == "all" or (which == "lora_only" and is_wrapped)
                set_trainable(module, "bias", is_meant)

    def set_disabled(self, is_disabled):
        """Whether the base model answers alone."""
        for layer in self.layers():
            if is_disabled and isinstance(layer, AdapterLayer):
                layer.unmerge()
            layer.is_disabled = is_disabled

    # ---- into the weights ----------------------------------------------------------------------

    def merge_adapter(self, adapter_names):
        """Put the adapters into the weights."""
        for layer in self.layers():
            if isinstance(layer, AdapterLayer):
                layer.merge(adapter_names)

    def unmerge_adapter(self):
        """Take them out again."""
        for layer in self.layers():
            if isinstance(layer, AdapterLayer):
                layer.unmerge()

    def unload(self):
        """The base model without wrappers; modules that were trained as a whole stay trained."""
        for path, module in layers_of(self.model).items():
            if isinstance(module, ModulesToSaveWrapper):
                self.model.set_parameter(path, module.chosen() or module.original_module)
            elif isinstance(module, AdapterLayer):
                self.model.set_parameter(path, module.base_layer)
        return self.model.requires_grad_(False)

    def names_to_save(self, adapter_name, config):
        """Full name of a parameter → its name in ``adapter_model.safetensors``."""
        names = {}
        for path, layer in self.model.named_modules():
            if not isinstance(layer, AdapterLayer | ModulesToSaveWrapper):
                continue
            for child, container in layer.named_children():
                if container in layer.containers() and adapter_name in container:
                    shown = path if child == "modules_to_save" else f"{path}.{child}"
                    for name, end in container.names_of(adapter_name).items():
                        end = "" if child == "lora_magnitude_vector" else end
                        names[f"{path}.{child}.{name}"] = shown + end
        names |= {name: name for name in self.biases_to_save(getattr(config, "bias", "none"))}
        prefix = "base_model.model."
        return {prefix + name: prefix + end for name, end in names.items()}

    def biases_to_save(self, which):
        """The names of the base model's biases that are part of the adapter."""
        ends = {"none": (), "all": ".bias", "lora_only": ".base_layer.bias"}[which]
        names = (name for name in self.model.state_dict() if name.endswith(ends))
        return [name for name in names if "modules_to_save" not in name]
