"""Floor 6 · ``adapter_config.json``: which adapter it is, how large, and for which base model.

Mirrors peft/config.py and peft/utils/peft_types.py.
"""

import json
from dataclasses import asdict, dataclass, fields
from enum import Enum
from pathlib import Path

from tinyhf.configuration.base import read_json
from tinyhf.errors import ConfigError
from tinyhf.hub import HubOptions, cached_file

CONFIG_NAME = "adapter_config.json"

#: Fields of PEFT that say nothing on the numbers of an adapter.
WITHOUT_EFFECT = {"auto_mapping", "peft_version", "megatron_core", "qalora_group_size"}

#: ``peft_type`` → config class; each enters itself when its class is made.
CONFIG_CLASSES = {}


class PeftType(str, Enum):
    """The methods there are."""

    LORA = "LORA"
    IA3 = "IA3"
    PREFIX_TUNING = "PREFIX_TUNING"
    PROMPT_TUNING = "PROMPT_TUNING"
    BOTTLENECK = "BOTTLENECK"


class TaskType(str, Enum):
    """What the base model is for."""

    CAUSAL_LM = "CAUSAL_LM"
    SEQ_2_SEQ_LM = "SEQ_2_SEQ_LM"
    SEQ_CLS = "SEQ_CLS"
    TOKEN_CLS = "TOKEN_CLS"
    QUESTION_ANS = "QUESTION_ANS"
    FEATURE_EXTRACTION = "FEATURE_EXTRACTION"


@dataclass(kw_only=True)
class PeftConfig:
    """The fields that all adapters share.

    Args:
        task_type: a ``TaskType`` or its name; None for a base model of any kind.
        base_model_name_or_path: what the adapter was trained on; ``get_peft_model`` fills it in.
        revision: of the base model.
        inference_mode: True leaves the adapter as plain arrays, which are not trained.
    """

    peft_type = None
    task_type: str | None = None
    base_model_name_or_path: str | None = None
    revision: str | None = None
    inference_mode: bool = False

    is_prompt_learning = False

    def __init_subclass__(cls):
        if cls.peft_type is not None:
            CONFIG_CLASSES[cls.peft_type.value] = cls

    def __post_init__(self):
        if self.task_type is not None:
            self.require_known("task_type", [task.value for task in TaskType])
            self.task_type = TaskType(self.task_type)

    # ---- checks --------------------------------------------------------------------------------

    def error(self, field, problem, **details):
        """A ConfigError about one field."""
        return ConfigError(problem, where=f"{type(self).__name__}, field {field!r}", **details)

    def require_known(self, field, known):
        """The field must be one of ``known``."""
        value = getattr(self, field)
        if value not in known:
            wanted = ", ".join(map(str, known))
            raise self.error(field, "unknown value", wanted=wanted, got=value)

    def require_positive(self, *names):
        """Each field must be a whole number above zero."""
        for field in names:
            value = getattr(self, field)
            if type(value) is not int or value <= 0:
                raise self.error(field, "must be a whole number above zero", got=value)

    # ---- files ---------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, **kwargs):
        """The config of an adapter, in the class of its ``peft_type``; ``kwargs`` are the hub's.

        Raises:
            ConfigError: there is no such file, or its method or a field is unknown here.
        """
        name = str(pretrained_model_name_or_path)
        path = cached_file(name, CONFIG_NAME, HubOptions.pop_from(kwargs))
        if path is None:
            fix = "An adapter is a folder or a repo with this file and adapter_model.safetensors"
            raise ConfigError(f"there is no {CONFIG_NAME}", where=name, fix=fix)
        return cls.from_dict(read_json(path), source=path)

    @staticmethod
    def from_dict(values, source="PeftConfig.from_dict"):
        """A config of the class that ``peft_type`` names."""
        kind = CONFIG_CLASSES.get(values.get("peft_type"))
        if kind is None:
            where, wanted = f"{source}, field 'peft_type'", ", ".join(CONFIG_CLASSES)
            got = values.get("peft_type")
            raise ConfigError("no such method here", where=where, wanted=wanted, got=got)
        known = {field.name for field in fields(kind)}
        for name in values.keys() - known - WITHOUT_EFFECT - {"peft_type"}:
            if values[name]:  # a default of PEFT that is off
                where = f"{source}, field {name!r}"
                raise ConfigError("is not available here", where=where, got=values[name])
        return kind(**{name: value for name, value in values.items() if name in known})

    def to_dict(self):
        """All fields, as JSON holds them."""
        return {**asdict(self), "peft_type": self.peft_type.value}

    def save_pretrained(self, save_directory):
        """Write ``adapter_config.json``; who reads it wants to use the adapter, not to train it."""
        values = {**self.to_dict(), "inference_mode": True}
        text = json.dumps(values, indent=2, sort_keys=True, ensure_ascii=False)
        (Path(save_directory) / CONFIG_NAME).write_text(text, encoding="utf-8")


@dataclass(kw_only=True)
class TargetConfig(PeftConfig):
    """What the adapters share that stand beside layers of the base model.

    Args:
        target_modules: names such as "q_proj", which mean all paths that end with them; or one
            text, a regular expression for whole paths, or "all-linear"; None for the layers that
            PEFT chooses for this family.
        exclude_modules: names, or a regular expression, of layers to leave alone.
        modules_to_save: modules to train as a whole, beside the adapter.
    """

    target_modules: list | str | None = None
    exclude_modules: list | str | None = None
    modules_to_save: list | None = None

    def __post_init__(self):
        super().__post_init__()
        for field in ("target_modules", "exclude_modules"):
            if isinstance(getattr(self, field), set | tuple):
                setattr(self, field, sorted(getattr(self, field)))
