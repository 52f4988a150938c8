"""Floor 4 · AutoConfig: ``config.json`` itself says which config class it belongs to.

Mirrors transformers/models/auto/configuration_auto.py.
"""

import difflib
import re

from tinyhf.configuration.base import CONFIG_CLASSES, PreTrainedConfig
from tinyhf.errors import ConfigError


class AutoConfig:
    """Reads a config of any family; never made itself."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, **kwargs):
        """The config in the class its file names; keywords replace fields.

        ``config.decided_by`` says what named the class: the field ``model_type``, or, where that is
        missing, ``architectures`` or ``auto_map``.

        Raises:
            ConfigError: no field names a family that tinyhf has.
        """
        config_dict, kwargs = PreTrainedConfig.get_config_dict(
            pretrained_model_name_or_path, **kwargs
        )
        config_class, decided_by = choose_config_class(config_dict)
        config = config_class.from_dict(config_dict, **kwargs)
        config.decided_by = decided_by
        return config

    @classmethod
    def for_model(cls, model_type, **fields):
        """The config of a family with its default values: ``AutoConfig.for_model("llama")``."""
        return choose_config_class({"model_type": model_type})[0](**fields)


def choose_config_class(config_dict):
    """The config class for a ``config.json``, and the field that decided.

    ``model_type`` ("llama") decides; where it is missing the class names in ``architectures``
    ("LlamaForCausalLM"), then those in ``auto_map`` ("configuration_llama.LlamaConfig").
    """
    model_type = config_dict.get("model_type")
    if str(model_type) in CONFIG_CLASSES:
        return CONFIG_CLASSES[str(model_type)], f'model_type "{model_type}"'
    for field in ("architectures", "auto_map") if model_type is None else ():
        config_class = _class_named_in(str(config_dict.get(field)))
        if config_class is not None:
            return config_class, f"{field} {config_dict[field]}"
    raise _unknown(model_type, config_dict)


def _class_named_in(text):
    """The config class of whose family ("Llama") a class stands in ``text``, or None."""
    for config_class in CONFIG_CLASSES.values():
        family = config_class.__name__.removesuffix("Config")
        if re.search(rf"\b{family}(For\w+|(LMHead|MT)?Model|Config)\b", text):
            return config_class
    return None


def _unknown(model_type, config_dict):
    nearest = difflib.get_close_matches(str(model_type), CONFIG_CLASSES, n=1)
    return ConfigError(
        "no field names a model family that tinyhf has",
        where=f"{config_dict.get('_source', 'config')}, fields model_type, architectures, auto_map",
        wanted="one of " + ", ".join(sorted(CONFIG_CLASSES)),
        got=model_type,
        fix=f"Did you mean {nearest[0]!r}?" if nearest else None,
    )
