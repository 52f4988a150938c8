"""Floor 4 · JSON files become typed configs with Hugging Face's field names."""

from tinyhf.configuration.auto import AutoConfig
from tinyhf.configuration.base import PreTrainedConfig
from tinyhf.configuration.generation import GENERATION_CONFIG_NAME, GenerationConfig
from tinyhf.configuration.rope import RopeConfigMixin

__all__ = [
    "GENERATION_CONFIG_NAME",
    "AutoConfig",
    "GenerationConfig",
    "PreTrainedConfig",
    "RopeConfigMixin",
]
