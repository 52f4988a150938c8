"""Floor 5 · The layers of T5, up to a block; positions are distances between tokens.

Mirrors the first half of transformers/models/t5/modeling_t5.py (Raffel et al., 2020). A block has
these layers, the one in the middle only in the decoder:

    x + SelfAttention(layer_norm(x))
    x + EncDecAttention(layer_norm(x))
    x + DenseReluDense(layer_norm(x))

Shapes: batch, seq = new tokens, total = cached + new tokens, source = the encoder's tokens,
hidden = d_model, heads × head_dim (d_kv).
"""

from tinyhf.backend import compute_dtype
from tinyhf.functional import (
    attention_scores,
    attention_weights,
    clamp_overflow,
    merge_heads,
    mix_values,
    relative_position_bucket,
    relative_positions,
    split_heads,
)
from tinyhf.models.encoder_decoder import EncoderDecoderAttention
from tinyhf.nn import (
    ACT2FN,
    Dropout,
    Embedding,
    Linear,
    Module,
    ModuleList,
    RMSNorm,
)


class T5LayerNorm(RMSNorm):
    """Size away, direction kept; the result is as narrow as the weights even where x is not."""

    def forward(self, hidden_states):
        return super().forward(hidden_states).astype(compute_dtype(self.weight), copy=False)

    def extra_repr(self):
        return ""


class T5DenseActDense(Module):
    """Each token on its own: hidden → d_ff → hidden."""

    def __init__(self, config):
        self.wi = Linear(config.d_model, config.d_ff, bias=False)
        self.wo = Linear(config.d_ff, config.d_model, bias=False)
        self.dropout = Dropout(config.dropout_rate)
        self.act = ACT2FN[config.dense_act_fn]()

    def forward(self, hidden_states):
        return self.wo(self.dropout(self.act(self.wi(hidden_states))))


class T5DenseGatedActDense(Module):
    """The same with a gate, from version 1.1 on."""

    def __init__(self, config):
        self.wi_0 = Linear(config.d_model, config.d_ff, bias=False)
        self.wi_1 = Linear(config.d_model, config.d_ff, bias=False)
        self.wo = Linear(config.d_ff, config.d_model, bias=False)
        self.dropout = Dropout(config.dropout_rate)
        self.act = ACT2FN[config.dense_act_fn]()

    def forward(self, hidden_states):
        gate = self.act(self.wi_0(hidden_states))
        gated = self.record("gated", gate * self.wi_1(hidden_states))
        return self.wo(self.dropout(gated))


class T5LayerFF(Module):
    """The last layer of a block."""

    def __init__(self, config):
        dense = T5DenseGatedActDense if config.is_gated_act else T5DenseActDense
        self.DenseReluDense = dense(config)
        self.layer_norm = T5LayerNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, hidden_states):
        forwarded = self.DenseReluDense(self.layer_norm(hidden_states))
        return clamp_overflow(hidden_states + self.dropout(forwarded))


class T5Attention(EncoderDecoderAttention):
    """Scores are q · k, not scaled, plus a number learnt for each head and bucket of distances."""

    def __init__(self, config, layer_idx, has_relative_attention_bias=False):
        self.layer_idx = layer_idx
        self.head_dim, self.dropout = config.d_kv, config.dropout_rate
        self.is_decoder = config.is_decoder
        self.relative_attention_max_distance = config.relative_attention_max_distance
        inner_dim = config.num_heads * config.d_kv
        self.q = Linear(config.d_model, inner_dim, bias=False)
        self.k = Linear(config.d_model, inner_dim, bias=False)
        self.v = Linear(config.d_model, inner_dim, bias=False)
        self.o = Linear(inner_dim, config.d_model, bias=False)
        if has_relative_attention_bias:
            buckets = config.relative_attention_num_buckets
            self.relative_attention_bias = Embedding(buckets, config.num_heads)

    def forward(
        self,
        hidden_states,
        mask=None,
        key_value_states=None,
        position_bias=None,
        past_key_values=None,
    ):
        query = split_heads(self.q(hidden_states), self.head_dim)  # (batch, heads, seq, head_dim)
        key, value = self.keys_and_values(hidden_states, key_value_states, past_key_values)
        scores = attention_scores(query, key, 1.0)  # (batch, heads, seq, total or source)
        if position_bias is not None:
            scores = scores + self.record("position_bias", position_bias)
        weights = attention_weights(self.record("scores", scores), mask)
        weights = self.record("pattern", self.omit(self.dropout, weights))
        mixed = self.record("z", mix_values(weights, value))  # (batch, heads, seq, head_dim)
        return self.o(merge_heads(mixed)), weights

    def project(self, states):
        key, value = self.k(states), self.v(states)
        return split_heads(key, self.head_dim), split_heads(value, self.head_dim)

    def compute_bias(self, query_length, key_length):
        """What the distances add to the scores: (1, heads, seq, total)."""
        table = self.relative_attention_bias
        distances = relative_positions(query_length, key_length, like=table.weight)  # (seq, total)
        buckets = relative_position_bucket(
            distances,
            bidirectional=not self.is_decoder,
            num_buckets=table.weight.shape[0],
            max_distance=self.relative_attention_max_distance,
        )
        return table(buckets).transpose(2, 0, 1)[None]


class T5LayerSelfAttention(Module):
    """The first layer of a block: tokens look at each other."""

    def __init__(self, config, layer_idx):
        self.SelfAttention = T5Attention(
            config, layer_idx, has_relative_attention_bias=layer_idx == 0
        )
        self.layer_norm = T5LayerNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, hidden_states, attention_mask, position_bias, past_key_values):
        mixed, weights = self.SelfAttention(
            self.layer_norm(hidden_states),
            mask=attention_mask,
            position_bias=position_bias,
            past_key_values=past_key_values,
        )
        return clamp_overflow(hidden_states + self.dropout(mixed)), weights


class T5LayerCrossAttention(Module):
    """The second layer of the decoder's blocks: tokens look at the encoder's."""

    def __init__(self, config, layer_idx):
        self.EncDecAttention = T5Attention(config, layer_idx)
        self.layer_norm = T5LayerNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(self, hidden_states, key_value_states, attention_mask, past_key_values):
        mixed, weights = self.EncDecAttention(
            self.layer_norm(hidden_states),
            mask=attention_mask,
            key_value_states=key_value_states,
            past_key_values=past_key_values,
        )
        return clamp_overflow(hidden_states + self.dropout(mixed)), weights


class T5Block(Module):
    """Self-attention, in the decoder cross-attention, and the dense layer."""

    def __init__(self, config, layer_idx):
        across = [T5LayerCrossAttention(config, layer_idx)] if config.is_decoder else []
        self.layer = ModuleList(
            [T5LayerSelfAttention(config, layer_idx), *across, T5LayerFF(config)]
        )

    def forward(
        self,
        hidden_states,
        attention_mask,
        position_bias,
        encoder_hidden_states,
        encoder_attention_mask,
        past_key_values,
    ):
        hidden_states, weights = self.layer[0](
            hidden_states, attention_mask, position_bias, past_key_values
        )
        cross_weights = None
        if encoder_hidden_states is not None:
            hidden_states, cross_weights = self.layer[1](
                hidden_states, encoder_hidden_states, encoder_attention_mask, past_key_values
            )
        return self.layer[-1](hidden_states), weights, cross_weights
