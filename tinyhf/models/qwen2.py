"""Floor 5 · Qwen2: Llama with biases on q, k and v, and a sliding window in some layers.

Mirrors transformers/models/qwen2/modeling_qwen2.py (Yang et al., 2024).
"""

from tinyhf.models.llama import (
    LlamaAttention,
    LlamaConfig,
    LlamaDecoderLayer,
    LlamaForCausalLM,
    LlamaMLP,
    LlamaModel,
)
from tinyhf.models.windows import WindowedConfigMixin, WindowedModelMixin
from tinyhf.nn import Linear, RMSNorm, RotaryEmbedding


class Qwen2Config(WindowedConfigMixin, LlamaConfig):
    """The sizes of a Qwen2; without arguments those of Qwen2-7B."""

    model_type = "qwen2"

    vocab_size: int = 151936
    intermediate_size: int = 22016
    num_key_value_heads: int | None = 32
    max_position_embeddings: int = 32768
    bos_token_id: int | None = None
    eos_token_id: int | list | None = None
    attention_bias: bool = True


class Qwen2Attention(LlamaAttention):
    """q, k and v have biases, o has none."""

    def __init__(self, config, layer_idx):
        super().__init__(config, layer_idx)
        heads = config.num_attention_heads
        self.o_proj = Linear(heads * config.head_dim, config.hidden_size, bias=False)


class Qwen2MLP(LlamaMLP):
    """As in Llama."""


class Qwen2RMSNorm(RMSNorm):
    """As in Llama."""


class Qwen2RotaryEmbedding(RotaryEmbedding):
    """As in Llama."""


class Qwen2DecoderLayer(LlamaDecoderLayer):
    """As in Llama."""

    attention_class, mlp_class, norm_class = Qwen2Attention, Qwen2MLP, Qwen2RMSNorm


class Qwen2Model(WindowedModelMixin, LlamaModel):
    """Ids to hidden states."""

    config_class = Qwen2Config
    layer_class, rotary_class = Qwen2DecoderLayer, Qwen2RotaryEmbedding


class Qwen2ForCausalLM(LlamaForCausalLM):
    """Ids to logits."""

    config_class = Qwen2Config
    model_class = Qwen2Model
