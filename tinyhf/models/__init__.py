"""Floor 5 · Models: one file a family, and the way from a checkpoint into it."""

from tinyhf.models.auto import AutoModel, AutoModelForCausalLM
from tinyhf.models.llama import LlamaConfig, LlamaForCausalLM, LlamaModel
from tinyhf.models.pretrained import PreTrainedModel

__all__ = [
    "AutoModel",
    "AutoModelForCausalLM",
    "LlamaConfig",
    "LlamaForCausalLM",
    "LlamaModel",
    "PreTrainedModel",
]
