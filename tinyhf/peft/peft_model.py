"""Floor 6 · PeftModel: a base model that stays as it is, and adapters that learn.

Mirrors peft/peft_model.py. LoRA, (IA)³ and bottleneck adapters stand inside the base model; virtual
tokens stand before its text:

    base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight
    prompt_encoder.default.embedding.weight
"""

import contextlib

from tinyhf.autograd import Tensor, no_grad
from tinyhf.errors import ArgumentError
from tinyhf.nn import Module
from tinyhf.peft.adapter_layer import AdapterDict
from tinyhf.peft.bottleneck import BottleneckModel
from tinyhf.peft.config import PeftType
from tinyhf.peft.ia3 import IA3Model
from tinyhf.peft.lora import LoraModel
from tinyhf.peft.prefix_tuning import PrefixEncoder
from tinyhf.peft.prompt_learning import PromptLearning
from tinyhf.peft.prompt_tuning import PromptEmbedding
from tinyhf.peft.save_and_load import AdapterFiles

TUNERS = {
    PeftType.LORA: LoraModel,
    PeftType.IA3: IA3Model,
    PeftType.BOTTLENECK: BottleneckModel,
}
PROMPT_ENCODERS = {
    PeftType.PREFIX_TUNING: PrefixEncoder,
    PeftType.PROMPT_TUNING: PromptEmbedding,
}


class PeftModel(PromptLearning, AdapterFiles, Module):
    """A base model with one or more adapters of one method.

    What is not found here is asked of the base model: ``config``, ``device``, ``dtype`` …

    Args:
        model: the base model; it is wrapped in place.
        peft_config: of the first adapter.
        adapter_name: what it is called.

    Attributes:
        peft_config: adapter name → config.
        active_adapter: the name of the one that acts.
    """

    #: What the base model is for, and the heads that are new then: they are trained as a whole.
    task_type, new_heads = None, ()

    def __init_subclass__(cls):
        MODEL_CLASSES[cls.task_type] = cls

    @classmethod
    def class_for(cls, config):
        """The class for the task of ``config``; a class for a task stays itself."""
        return MODEL_CLASSES[config.task_type] if cls is PeftModel else cls

    def __init__(self, model, peft_config, adapter_name="default"):
        if isinstance(model, PeftModel):
            fix = "Use model.add_adapter(name, config)."
            raise ArgumentError("has adapters already", where="model", fix=fix)
        self.peft_config, self.active_adapter = {}, adapter_name
        self.is_disabled = False
        if peft_config.is_prompt_learning:
            self.base_model, self.prompt_encoder = model.requires_grad_(False), AdapterDict()
        else:
            self.base_model = TUNERS[peft_config.peft_type](model)
        self.add_adapter(adapter_name, peft_config)

    def __getattr__(self, name):
        if name.startswith("__") or "base_model" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name!r}")
        return getattr(self.get_base_model(), name)

    @property
    def is_prompt_learning(self):
        """Whether virtual tokens stand before the text."""
        return "prompt_encoder" in vars(self)

    @property
    def active_peft_config(self):
        """The config of the adapter that acts."""
        return self.peft_config[self.active_adapter]

    @property
    def active_adapters(self):
        """The names of the adapters that act: one."""
        return [self.active_adapter]

    def get_base_model(self):
        """The model inside; its layers are still wrapped (see ``unload``)."""
        return self.base_model if self.is_prompt_learning else self.base_model.model

    # ---- forward and generate ------------------------------------------------------------------

    def forward(self, *args, **kwargs):
        """As the base model's."""
        if self.is_prompt_learning and not self.is_disabled:
            return self.forward_with_prompt(*args, **kwargs)
        return self.base_model(*args, **kwargs)

    def generate(self, *args, **kwargs):
        """As the base model's; nothing is written on the tape."""
        model = self.get_base_model()
        has_prompt = self.is_prompt_learning and not self.is_disabled
        if has_prompt:
            model.prepare_inputs_for_generation = self.prepare_inputs_for_generation
        try:
            with no_grad():
                return model.generate(*args, **kwargs)
        finally:
            if has_prompt:
                del model.prepare_inputs_for_generation

    @contextlib.contextmanager
    def disable_adapter(self):
        """Inside, the base model answers alone."""
        self._set_disabled(True)
        try:
            yield
        finally:
            self._set_disabled(False)

    def _set_disabled(self, is_disabled):
        self.is_disabled = is_disabled
        if not self.is_prompt_learning:
            self.base_model.set_disabled(is_disabled)

    # ---- several adapters ----------------------------------------------------------------------

    def add_adapter(self, adapter_name, peft_config):
        """A new adapter, with the values that training begins with; ``set_adapter`` lets it act.

        Raises:
            ArgumentError: the name cannot be used, or the method is another one.
            ConfigError: the config does not fit the model.
        """
        self._check_new(adapter_name, peft_config)
        model = self.get_base_model()
        if self.new_heads and hasattr(peft_config, "modules_to_save"):
            own = peft_config.modules_to_save or []
            peft_config.modules_to_save = [*dict.fromkeys([*own, *self.new_heads])]
        if peft_config.base_model_name_or_path is None:
            peft_config.base_model_name_or_path = model.name_or_path or None
        if self.is_prompt_learning:
            peft_config.fill_in(model.config)
            encoder = PROMPT_ENCODERS[peft_config.peft_type]
            encoder = encoder(peft_config, model.get_input_embeddings())
            self.prompt_encoder[adapter_name] = encoder.move_arrays(model.device)
        else:
            self.base_model.add_adapter(adapter_name, peft_config)
        self.peft_config[adapter_name] = peft_config
        self.set_adapter(self.active_adapter)

    def _check_new(self, adapter_name, peft_config):
        if adapter_name in self.peft_config or "." in adapter_name or hasattr(Module, adapter_name):
            problem = "is taken" if adapter_name in self.peft_config else "cannot be used"
            raise ArgumentError(problem, where="adapter_name", got=adapter_name)
        methods = {config.peft_type for config in self.peft_config.values()}
        if methods - {peft_config.peft_type}:
            wanted, got = self.active_peft_config.peft_type.value, peft_config.peft_type.value
            problem = "a model has adapters of one method"
            raise ArgumentError(problem, where="peft_config", wanted=wanted, got=got)

    def set_adapter(self, adapter_name):
        """Let this adapter act, and be trained unless its config says ``inference_mode``.

        Raises:
            ArgumentError: there is none of this name.
        """
        config = self._config_of(adapter_name)
        self.active_adapter = adapter_name
        if self.is_prompt_learning:
            names = () if config.inference_mode else (adapter_name,)
            self.prompt_encoder.set_trainable(names)
        else:
            self.base_model.set_adapter([adapter_name], config, not config.inference_mode)

    def delete_adapter(self, adapter_name):
        """Forget an adapter; if it was the active one, the first of the others becomes it.

        Raises:
            ArgumentError: there is none of this name, or no other one.
        """
        self._config_of(adapter_name)
        if len(self.peft_config) == 1:
            fix = "model.unload() gives the base model back."
            raise ArgumentError("is the only adapter", where="adapter_name", fix=fix)
        self._forget(adapter_name)
        if self.active_adapter == adapter_name:
            self.set_adapter(next(iter(self.peft_config)))

    def _forget(self, adapter_name):
        del self.peft_config[adapter_name]
        if self.is_prompt_learning:
            del self.prompt_encoder[adapter_name]
        else:
            self.base_model.delete_adapter(adapter_name)

    def _config_of(self, adapter_name):
        if adapter_name not in self.peft_config:
            wanted = ", ".join(self.peft_config)
            problem = "there is no adapter of this name"
            raise ArgumentError(problem, where="adapter_name", wanted=wanted, got=adapter_name)
        return self.peft_config[adapter_name]

    # ---- into the weights ----------------------------------------------------------------------

    def merge_adapter(self):
        """Add the active adapter into the weights; forward is as fast as the base model's then."""
        self._tuner("merge_adapter").merge_adapter([self.active_adapter])

    def unmerge_adapter(self):
        """Take it out again: the weights are bit for bit what they were."""
        self._tuner("unmerge_adapter").unmerge_adapter()

    def merge_and_unload(self):
        """The base model with the active adapter in its weights, as if it had been trained."""
        tuner = self._tuner("merge_and_unload")
        tuner.merge_adapter([self.active_adapter])
        return tuner.unload()

    def unload(self):
        """The base model without the adapters."""
        if self.is_prompt_learning:
            return self.base_model
        self.base_model.unmerge_adapter()
        return self.base_model.unload()

    def _tuner(self, where):
        if self.is_prompt_learning:
            problem = "virtual tokens stand before the text, no weight can hold them"
            raise ArgumentError(problem, where=where, got=self.active_peft_config.peft_type.value)
        return self.base_model

    # ---- how much is learnt --------------------------------------------------------------------

    def get_nb_trainable_parameters(self):
        """(numbers that are trained, all numbers of the model)."""
        parameters = self.parameters()
        trained = sum(x.size for x in parameters if isinstance(x, Tensor))
        return trained, sum(x.size for x in parameters)

    def print_trainable_parameters(self):
        """Write both, and the share, to the standard output."""
        trained, total = self.get_nb_trainable_parameters()
        share = 100 * trained / total
        print(
            f"trainable params: {trained:,d} || all params: {total:,d} || trainable%: {share:.4f}"
        )


#: ``task_type`` of a config → the class; those for a task enter themselves.
MODEL_CLASSES = {None: PeftModel}
