"""Floor 6 · ``AutoModelForCausalLM.from_pretrained(folder)`` where the folder holds an adapter.

Mirrors what transformers/models/auto/auto_factory.py does with adapter_config.json.
"""

from tinyhf.hub import HubOptions, cached_file
from tinyhf.peft.config import CONFIG_NAME, PeftConfig
from tinyhf.peft.peft_model import PeftModel


def from_adapter(cls, name, no_config, **kwargs):
    """The base model that the adapter names, with the adapter.

    Args:
        cls: the Auto class.
        no_config: the error that there is no config.json; raised if there is no adapter either.
        kwargs: as for ``from_pretrained``.

    Raises:
        ConfigError: the adapter does not say what it was trained on.
    """
    hub_options = vars(HubOptions.pop_from(dict(kwargs)))
    if cached_file(str(name), CONFIG_NAME, **hub_options) is None:
        raise no_config
    config = PeftConfig.from_pretrained(name, **hub_options)
    if config.base_model_name_or_path is None:
        fix = "Load the base model, then PeftModel.from_pretrained(base_model, folder)."
        raise config.error("base_model_name_or_path", "is missing", fix=fix)
    base_options = {**kwargs, "revision": config.revision} if config.revision else kwargs
    model = cls.from_pretrained(config.base_model_name_or_path, **base_options)
    return PeftModel.from_pretrained(model, name, **hub_options)
