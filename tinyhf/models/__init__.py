"""Floor 5 · Models: one file a family, and the way from a checkpoint into it."""

from tinyhf.models.auto import AutoModel, AutoModelForCausalLM
from tinyhf.models.llama import LlamaConfig, LlamaForCausalLM, LlamaModel
from tinyhf.models.mistral import MistralConfig, MistralForCausalLM, MistralModel
from tinyhf.models.pretrained import PreTrainedModel
from tinyhf.models.qwen2 import Qwen2Config, Qwen2ForCausalLM, Qwen2Model
from tinyhf.models.qwen3 import Qwen3Config, Qwen3ForCausalLM, Qwen3Model

__all__ = [
    "AutoModel",
    "AutoModelForCausalLM",
    "LlamaConfig",
    "LlamaForCausalLM",
    "LlamaModel",
    "MistralConfig",
    "MistralForCausalLM",
    "MistralModel",
    "PreTrainedModel",
    "Qwen2Config",
    "Qwen2ForCausalLM",
    "Qwen2Model",
    "Qwen3Config",
    "Qwen3ForCausalLM",
    "Qwen3Model",
]
