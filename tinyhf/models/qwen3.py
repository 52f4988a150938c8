"""Floor 5 · Qwen3: Llama with a norm on every query and key before they are turned.

Mirrors transformers/models/qwen3/modeling_qwen3.py (Yang et al., 2025).
"""

from tinyhf.functional import apply_rotary_pos_emb
from tinyhf.models.llama import (
    LlamaAttention,
    LlamaConfig,
    LlamaDecoderLayer,
    LlamaForCausalLM,
    LlamaMLP,
    LlamaModel,
)
from tinyhf.models.windows import WindowedConfigMixin, WindowedModelMixin
from tinyhf.nn import RMSNorm, RotaryEmbedding


class Qwen3Config(WindowedConfigMixin, LlamaConfig):
    """The sizes of a Qwen3; without arguments those of Qwen3-8B."""

    model_type = "qwen3"

    vocab_size: int = 151936
    intermediate_size: int = 22016
    num_key_value_heads: int | None = 32
    head_dim: int | None = 128
    max_position_embeddings: int = 32768
    bos_token_id: int | None = None
    eos_token_id: int | list | None = None


class Qwen3RMSNorm(RMSNorm):
    """As in Llama; on queries and keys over head_dim."""


class Qwen3Attention(LlamaAttention):
    """Queries and keys are brought to one size, head by head, so that scores cannot explode."""

    def __init__(self, config, layer_idx):
        super().__init__(config, layer_idx)
        self.q_norm = Qwen3RMSNorm(config.head_dim, config.rms_norm_eps)
        self.k_norm = Qwen3RMSNorm(config.head_dim, config.rms_norm_eps)

    def rotate(self, query, key, cos, sin):
        return apply_rotary_pos_emb(self.q_norm(query), self.k_norm(key), cos, sin)


class Qwen3MLP(LlamaMLP):
    """As in Llama."""


class Qwen3RotaryEmbedding(RotaryEmbedding):
    """As in Llama."""


class Qwen3DecoderLayer(LlamaDecoderLayer):
    """As in Llama."""

    attention_class, mlp_class, norm_class = Qwen3Attention, Qwen3MLP, Qwen3RMSNorm


class Qwen3Model(WindowedModelMixin, LlamaModel):
    """Ids to hidden states."""

    config_class = Qwen3Config
    layer_class, rotary_class = Qwen3DecoderLayer, Qwen3RotaryEmbedding


class Qwen3ForCausalLM(LlamaForCausalLM):
    """Ids to logits."""

    config_class = Qwen3Config
    model_class = Qwen3Model
