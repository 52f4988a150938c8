"""Floor 5 · Llama: the family most open models descend from.

Mirrors transformers/models/llama/modeling_llama.py (Touvron et al., 2023). Read it from top to
bottom; the last class is the whole model:

    input_ids ─ embed_tokens ─┬─ layers × num_hidden_layers ─┬─ norm ─ lm_head ─ logits
                              │   x + self_attn(norm(x))     │
                              └── x + mlp(norm(x)) ──────────┘

Shapes: batch, seq = new tokens, total = cached + new tokens, hidden = hidden_size,
heads × head_dim, kv_heads = num_key_value_heads (several heads share one).
"""

from tinyhf.configuration import PreTrainedConfig, RopeConfigMixin
from tinyhf.functional import (
    apply_rotary_pos_emb,
    attention_scores,
    attention_weights,
    causal_lm_loss,
    merge_heads,
    mix_values,
    split_heads,
)
from tinyhf.models.pretrained import PreTrainedModel
from tinyhf.nn import (
    ACT2FN,
    BaseModelOutputWithPast,
    CausalLMOutputWithPast,
    Embedding,
    Linear,
    Module,
    ModuleList,
    RMSNorm,
    RotaryEmbedding,
)


class LlamaConfig(RopeConfigMixin, PreTrainedConfig):
    """The sizes of a Llama; without arguments those of Llama-2-7B."""

    model_type = "llama"

    vocab_size: int = 32000
    hidden_size: int = 4096
    intermediate_size: int = 11008
    num_hidden_layers: int = 32
    num_attention_heads: int = 32
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    hidden_act: str = "silu"
    max_position_embeddings: int = 2048
    initializer_range: float = 0.02
    rms_norm_eps: float = 1e-6
    bos_token_id: int | None = 1
    eos_token_id: int | list | None = 2
    pretraining_tp: int | None = 1
    tie_word_embeddings: bool = False
    rope_parameters: dict | None = None
    attention_bias: bool = False
    attention_dropout: float | None = 0.0
    mlp_bias: bool = False

    def validate(self):
        sizes = ("vocab_size", "hidden_size", "intermediate_size", "max_position_embeddings")
        self.require_positive(*sizes, "num_hidden_layers", "num_attention_heads")
        if self.head_dim is None:
            self.require_divides("num_attention_heads", "hidden_size")
            self.head_dim = self.hidden_size // self.num_attention_heads
        if self.num_key_value_heads is None:
            self.num_key_value_heads = self.num_attention_heads
        self.require_positive("num_key_value_heads", "head_dim")
        self.require_divides("num_key_value_heads", "num_attention_heads")
        self.require_known("hidden_act", ACT2FN)
        if self.head_dim % 2:
            raise self.error("head_dim", "must be even: rotary turns pairs", got=self.head_dim)
        self.validate_rope()


class LlamaRMSNorm(RMSNorm):
    """The norm before each block: size away, direction kept."""


class LlamaRotaryEmbedding(RotaryEmbedding):
    """cos and sin of every position, shared by all layers."""


class LlamaMLP(Module):
    """Each token on its own: hidden → intermediate, gated, → hidden (SwiGLU, Shazeer 2020)."""

    def __init__(self, config):
        self.gate_proj = Linear(config.hidden_size, config.intermediate_size, config.mlp_bias)
        self.up_proj = Linear(config.hidden_size, config.intermediate_size, config.mlp_bias)
        self.down_proj = Linear(config.intermediate_size, config.hidden_size, config.mlp_bias)
        self.act_fn = ACT2FN[config.hidden_act]()

    def forward(self, x):
        return self.down_proj(self.record("act", self.act_fn(self.gate_proj(x)) * self.up_proj(x)))


class LlamaAttention(Module):
    """Tokens look at each other: the only place where information moves between positions."""

    rotate = staticmethod(apply_rotary_pos_emb)

    def __init__(self, config, layer_idx):
        self.layer_idx = layer_idx
        self.head_dim = config.head_dim
        self.scaling, self.dropout = config.head_dim**-0.5, config.attention_dropout
        heads, kv_heads = config.num_attention_heads, config.num_key_value_heads
        bias = config.attention_bias
        self.q_proj = Linear(config.hidden_size, heads * config.head_dim, bias)
        self.k_proj = Linear(config.hidden_size, kv_heads * config.head_dim, bias)
        self.v_proj = Linear(config.hidden_size, kv_heads * config.head_dim, bias)
        self.o_proj = Linear(heads * config.head_dim, config.hidden_size, bias)

    def forward(self, hidden_states, position_embeddings, mask, past_key_values):
        query = self.record("q", split_heads(self.q_proj(hidden_states), self.head_dim))
        key = self.record("k", split_heads(self.k_proj(hidden_states), self.head_dim))
        value = self.record("v", split_heads(self.v_proj(hidden_states), self.head_dim))
        rotated = self.rotate(query, key, *position_embeddings)
        query, key = self.record(("q_rotary", "k_rotary"), rotated)  # (batch, heads, seq, head_dim)

        if past_key_values is not None:  # (batch, kv_heads, total, head_dim) from here on
            key, value = past_key_values.update(key, value, self.layer_idx)

        scores = self.record("scores", attention_scores(query, key, self.scaling))
        weights = self.record("pattern", self.omit(self.dropout, attention_weights(scores, mask)))
        mixed = self.record("z", mix_values(weights, value))  # (batch, heads, seq, head_dim)
        return self.o_proj(merge_heads(mixed)), weights


class LlamaDecoderLayer(Module):
    """Attention, then MLP; each adds to the residual stream what it found."""

    attention_class, mlp_class, norm_class = LlamaAttention, LlamaMLP, LlamaRMSNorm

    def __init__(self, config, layer_idx):
        self.self_attn = self.attention_class(config, layer_idx)
        self.mlp = self.mlp_class(config)
        self.input_layernorm = self.norm_class(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = self.norm_class(config.hidden_size, config.rms_norm_eps)

    def forward(self, hidden_states, position_embeddings, attention_mask, past_key_values):
        normed = self.input_layernorm(hidden_states)
        seen, weights = self.self_attn(normed, position_embeddings, attention_mask, past_key_values)
        hidden_states = self.record("residual_mid", hidden_states + seen)
        return hidden_states + self.mlp(self.post_attention_layernorm(hidden_states)), weights


class LlamaPreTrainedModel(PreTrainedModel):
    """What LlamaModel and LlamaForCausalLM share."""

    config_class = LlamaConfig
    base_model_prefix = "model"
    keys_to_ignore_on_load_unexpected = (r"rotary_emb\.inv_freq$",)


class LlamaModel(LlamaPreTrainedModel):
    """Ids to hidden states: embedding, layers, norm."""

    layer_class, rotary_class = LlamaDecoderLayer, LlamaRotaryEmbedding

    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = Embedding(config.vocab_size, config.hidden_size, config.pad_token_id)
        self.layers = ModuleList(
            self.layer_class(config, layer_idx) for layer_idx in range(config.num_hidden_layers)
        )
        self.norm = self.layer_class.norm_class(config.hidden_size, config.rms_norm_eps)
        self.rotary_emb = self.rotary_class(config)

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        position_ids=None,
        past_key_values=None,
        inputs_embeds=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """One pass over the new tokens.

        Args:
            input_ids: (batch, seq), or ``inputs_embeds``: (batch, seq, hidden).
            attention_mask: (batch, total), 1 for tokens and 0 for padding.
            position_ids: (batch, seq); None counts on from the cache.
            past_key_values: a ``DynamicCache``; with ``use_cache`` a new one is made if None.
            output_attentions, output_hidden_states: return those of every layer, too.
            return_dict: False gives a plain tuple.

        Returns:
            ``BaseModelOutputWithPast``.
        """
        output_attentions = self.choose(output_attentions, "output_attentions")
        output_hidden_states = self.choose(output_hidden_states, "output_hidden_states")
        hidden_states = self.embed(input_ids, inputs_embeds)
        past_key_values = self.start_cache(past_key_values, use_cache)
        position_ids = self.default_positions(position_ids, hidden_states, past_key_values)
        masks = self.layer_masks(attention_mask, hidden_states, past_key_values)
        position_embeddings = self.rotary_emb(position_ids)

        all_hidden_states, all_attentions = (), ()
        for layer, mask in zip(self.layers, masks, strict=True):
            if output_hidden_states:
                all_hidden_states += (hidden_states,)
            hidden_states, weights = layer(
                hidden_states, position_embeddings, mask, past_key_values
            )
            if output_attentions:
                all_attentions += (weights,)
        hidden_states = self.norm(hidden_states)
        if output_hidden_states:
            all_hidden_states += (hidden_states,)

        output = BaseModelOutputWithPast(
            last_hidden_state=hidden_states,
            past_key_values=past_key_values,
            hidden_states=all_hidden_states or None,
            attentions=all_attentions or None,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()

    def layer_masks(self, attention_mask, hidden_states, past_key_values):
        """The causal mask of each layer: here the same one for all."""
        mask = self.causal_mask(attention_mask, hidden_states, past_key_values)
        return [mask] * self.config.num_hidden_layers


class LlamaForCausalLM(LlamaPreTrainedModel):
    """Ids to logits: LlamaModel and a head that scores every token of the vocabulary."""

    tied_weights_keys = {"lm_head.weight": "model.embed_tokens.weight"}
    model_class = LlamaModel

    def __init__(self, config):
        super().__init__(config)
        self.model = self.model_class(config)
        self.lm_head = Linear(config.hidden_size, config.vocab_size, bias=False)
        self.tie_weights()

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        position_ids=None,
        past_key_values=None,
        inputs_embeds=None,
        labels=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
        logits_to_keep=0,
    ):
        """As ``LlamaModel.forward``, and:

        Args:
            labels: (batch, seq): the ids themselves; -100 is not counted in the loss.
            logits_to_keep: compute only the last n logits; 0 means all.

        Returns:
            ``CausalLMOutputWithPast``.
        """
        outputs = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.lm_head(outputs.last_hidden_state[:, -logits_to_keep:])
        output = CausalLMOutputWithPast(
            loss=None if labels is None else causal_lm_loss(logits, labels),
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()
