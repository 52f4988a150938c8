"""Floor 5 · Mistral: Llama with a sliding window: a token looks back over the last 4096 only.

Mirrors transformers/models/mistral/modeling_mistral.py (Jiang et al., 2023).
"""

from tinyhf.models.llama import (
    LlamaAttention,
    LlamaConfig,
    LlamaDecoderLayer,
    LlamaForCausalLM,
    LlamaMLP,
    LlamaModel,
)
from tinyhf.nn import RMSNorm, RotaryEmbedding


class MistralConfig(LlamaConfig):
    """The sizes of a Mistral; without arguments those of Mistral-7B."""

    model_type = "mistral"

    intermediate_size: int = 14336
    num_key_value_heads: int | None = 8
    max_position_embeddings: int = 4096 * 32
    sliding_window: int | None = 4096


class MistralAttention(LlamaAttention):
    """As in Llama; the window is in the mask."""


class MistralMLP(LlamaMLP):
    """As in Llama."""


class MistralRMSNorm(RMSNorm):
    """As in Llama."""


class MistralRotaryEmbedding(RotaryEmbedding):
    """As in Llama."""


class MistralDecoderLayer(LlamaDecoderLayer):
    """As in Llama."""

    attention_class, mlp_class, norm_class = MistralAttention, MistralMLP, MistralRMSNorm


class MistralModel(LlamaModel):
    """Ids to hidden states; every layer sees the window only."""

    config_class = MistralConfig
    layer_class, rotary_class = MistralDecoderLayer, MistralRotaryEmbedding

    def layer_masks(self, attention_mask, hidden_states, past_key_values):
        window = self.config.sliding_window
        mask = self.causal_mask(attention_mask, hidden_states, past_key_values, window)
        return [mask] * len(self.layers)


class MistralForCausalLM(LlamaForCausalLM):
    """Ids to logits."""

    config_class = MistralConfig
    model_class = MistralModel
