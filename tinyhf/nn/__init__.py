"""Floor 3 · Stages with weights: modules, layers, the KV cache, and what a model returns."""

from tinyhf.nn.cache import DynamicCache
from tinyhf.nn.initialization import initial_values
from tinyhf.nn.layers import ACT2FN, Embedding, Linear, RMSNorm
from tinyhf.nn.module import Module, ModuleList
from tinyhf.nn.outputs import BaseModelOutputWithPast, CausalLMOutputWithPast, ModelOutput
from tinyhf.nn.parameter import Unloaded
from tinyhf.nn.rotary import RotaryEmbedding

__all__ = [
    "ACT2FN",
    "BaseModelOutputWithPast",
    "CausalLMOutputWithPast",
    "DynamicCache",
    "Embedding",
    "Linear",
    "ModelOutput",
    "Module",
    "ModuleList",
    "RMSNorm",
    "RotaryEmbedding",
    "Unloaded",
    "initial_values",
]
