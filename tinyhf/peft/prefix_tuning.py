"""Floor 6 · Prefix tuning: every layer finds learnt keys and values in its cache.

Mirrors peft/tuners/prefix_tuning (Li and Liang, 2021).
"""

import math
from dataclasses import dataclass

from tinyhf.backend.random import default_generator
from tinyhf.nn import DynamicCache, Embedding, Linear, Module, ModuleList, Tanh
from tinyhf.peft.config import PeftType
from tinyhf.peft.lora_layers import kaiming_uniform, normal
from tinyhf.peft.prompt_learning import PromptLearningConfig


@dataclass(kw_only=True)
class PrefixTuningConfig(PromptLearningConfig):
    """How long the prefix is; see also ``PromptLearningConfig``.

    Args:
        encoder_hidden_size: of the small network that makes the prefix while training.
        prefix_projection: learn that network; False: learn the prefix itself.
        init_weights: None: random; "zero": keys and values begin as zeros.
    """

    peft_type = PeftType.PREFIX_TUNING
    encoder_hidden_size: int | None = None
    prefix_projection: bool = False
    init_weights: str | None = None

    def __post_init__(self):
        super().__post_init__()
        self.require_known("init_weights", [None, "zero"])

    def fill_in(self, model_config):
        """Keys have as many heads as the model stores, which may be fewer than it asks with."""
        if getattr(model_config, "num_key_value_heads", None) and not self.num_attention_heads:
            self.num_attention_heads = model_config.num_key_value_heads
            self.token_dim = self.num_attention_heads * model_config.head_dim
        super().fill_in(model_config)
        self.encoder_hidden_size = self.encoder_hidden_size or self.token_dim


class PrefixEncoder(Module):
    """Numbers of virtual tokens → a cache that begins with their keys and values."""

    def __init__(self, config, word_embeddings=None):
        count, dim, self.config = config.num_virtual_tokens, config.token_dim, config
        size = 2 * config.num_layers * dim
        self.is_projected = config.prefix_projection and not config.inference_mode
        self.embedding = Embedding(count, dim if self.is_projected else size)
        self.embedding.weight = normal(self.embedding.weight.shape)
        last = self.embedding
        if self.is_projected:
            self.transform = ModuleList(
                [
                    start(Linear(dim, config.encoder_hidden_size)),
                    Tanh(),
                    start(Linear(config.encoder_hidden_size, size)),
                ]
            )
            last = self.transform[2]
        if config.init_weights == "zero":
            for parameter in last.parameters():
                parameter[:] = 0.0

    def flat(self, virtual_tokens):
        """(batch, virtual) → (batch, virtual, 2 · layers · token_dim)."""
        states = self.embedding(virtual_tokens)
        for module in self.transform if self.is_projected else ():
            states = module(states)
        return states

    def forward(self, virtual_tokens):
        heads = self.config.num_attention_heads
        states = self.flat(virtual_tokens)
        shape = (*virtual_tokens.shape, 2 * self.config.num_layers, heads, -1)
        states = states.reshape(shape).transpose(2, 0, 3, 1, 4)
        layers = range(0, 2 * self.config.num_layers, 2)  # (batch, heads, virtual, head_dim) each
        return DynamicCache.from_legacy_cache([(states[i], states[i + 1]) for i in layers])


def start(linear):
    """Values as torch gives a new Linear."""
    linear.weight = kaiming_uniform(linear.weight.shape)
    bound = 1 / math.sqrt(linear.weight.shape[1])
    linear.bias = default_generator().uniform(linear.bias.shape, -bound, bound)
    return linear
