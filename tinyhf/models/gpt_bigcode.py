"""Floor 5 · GPTBigCode (StarCoder): GPT-2 whose heads may share one key and one value.

Mirrors transformers/models/gpt_bigcode/modeling_gpt_bigcode.py (Li et al., 2023; multi-query
attention: Shazeer, 2019). Read gpt2.py first: this file holds only what differs.
"""

from tinyhf.models.configuration_gpt2 import GPT2Config
from tinyhf.models.gpt2 import GPT2MLP, GPT2Attention, GPT2Block, GPT2LMHeadModel, GPT2Model
from tinyhf.nn import Linear


class GPTBigCodeConfig(GPT2Config):
    """The sizes of a GPTBigCode; without arguments those of the smallest GPT-2."""

    model_type = "gpt_bigcode"

    activation_function: str = "gelu_pytorch_tanh"
    multi_query: bool = True
    num_key_value_heads: int | None = None
    attention_softmax_in_fp32: bool = True  # it always is
    scale_attention_softmax_in_fp32: bool = True

    def validate(self):
        super().validate()
        self.num_key_value_heads = 1 if self.multi_query else self.n_head
        if self.add_cross_attention:
            raise self.error("add_cross_attention", "this family looks at no encoder", got=True)


class GPTBigCodeAttention(GPT2Attention):
    """Fewer keys and values, their weights as (out, in), and heads in an order of their own."""

    def __init__(self, config, layer_idx):
        super().__init__(config, layer_idx=layer_idx)
        self.multi_query = config.multi_query
        heads = config.n_head + 2 * config.num_key_value_heads
        self.c_attn = Linear(config.n_embd, heads * self.head_dim)
        self.c_proj = Linear(config.n_embd, config.n_embd)
        self.attn_pdrop = config.attn_pdrop
        del self.attn_dropout  # no module in this family, see below

    def take_apart(self, fused):
        """Queries, keys and values, each (batch, heads or 1, seq, head_dim).

        multi_query   (batch, heads + 2, seq, head_dim)   q q q q … k v
        otherwise     (batch, 3 · heads, seq, head_dim)   q k v  q k v …
        """
        if self.multi_query:
            return fused[:, :-2], fused[:, -2:-1], fused[:, -1:]
        return fused[:, 0::3], fused[:, 1::3], fused[:, 2::3]

    def attn_dropout(self, weights):
        """A share of the weights is left out in training."""
        return self.omit(self.attn_pdrop, weights)


class GPTBigCodeMLP(GPT2MLP):
    """Weights as (out, in)."""

    def __init__(self, intermediate_size, config):
        super().__init__(intermediate_size, config)
        self.c_fc = Linear(config.n_embd, intermediate_size)
        self.c_proj = Linear(intermediate_size, config.n_embd)


class GPTBigCodeBlock(GPT2Block):
    """As in GPT-2."""

    attention_class, mlp_class = GPTBigCodeAttention, GPTBigCodeMLP


class GPTBigCodeModel(GPT2Model):
    """Ids to hidden states."""

    config_class = GPTBigCodeConfig
    layer_class = GPTBigCodeBlock


class GPTBigCodeForCausalLM(GPT2LMHeadModel):
    """Ids to logits."""

    config_class = GPTBigCodeConfig
    model_class = GPTBigCodeModel
