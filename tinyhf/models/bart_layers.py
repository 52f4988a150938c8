"""Floor 5 · The layers of BART; Marian's are the same.

Mirrors the first half of transformers/models/bart/modeling_bart.py (Lewis et al., 2019). Norms come
after the sums; only a decoder layer has the line in the middle:

    x = self_attn_layer_norm(x + self_attn(x))
    x = encoder_attn_layer_norm(x + encoder_attn(x, encoder's x))
    x = final_layer_norm(x + fc2(activation_fn(fc1(x))))

Shapes: batch, seq = new tokens, total = cached + new tokens, source = the encoder's tokens,
hidden = d_model = heads × head_dim.
"""

import math

from tinyhf.functional import (
    attention_scores,
    attention_weights,
    clamp_overflow,
    merge_heads,
    mix_values,
    split_heads,
)
from tinyhf.models.encoder_decoder import EncoderDecoderAttention
from tinyhf.nn import (
    ACT2FN,
    Embedding,
    LayerNorm,
    Linear,
    Module,
)

LAYER_NORM_EPS = 1e-5


class BartLearnedPositionalEmbedding(Embedding):
    """One vector for each position; the first two rows belong to no position."""

    offset = 2

    def __init__(self, num_embeddings, embedding_dim):
        super().__init__(num_embeddings + self.offset, embedding_dim, ids="position_ids")

    def forward(self, position_ids):
        return super().forward(position_ids + self.offset)


class BartScaledWordEmbedding(Embedding):
    """One vector for each token, times a factor if the config says ``scale_embedding``."""

    def __init__(self, num_embeddings, embedding_dim, padding_idx, embed_scale):
        super().__init__(num_embeddings, embedding_dim, padding_idx)
        self.embed_scale = embed_scale

    def forward(self, input_ids):
        return super().forward(input_ids) * self.embed_scale


def embed_scale(config):
    """What the vectors of the tokens are multiplied by."""
    return math.sqrt(config.d_model) if config.scale_embedding else 1.0


class BartAttention(EncoderDecoderAttention):
    """Tokens look at each other, or at ``key_value_states``: those of the encoder."""

    def __init__(self, config, num_heads, layer_idx):
        embed_dim, self.dropout = config.d_model, config.attention_dropout
        self.layer_idx = layer_idx
        self.head_dim = embed_dim // num_heads
        self.k_proj = Linear(embed_dim, embed_dim)
        self.v_proj = Linear(embed_dim, embed_dim)
        self.q_proj = Linear(embed_dim, embed_dim)
        self.out_proj = Linear(embed_dim, embed_dim)

    def forward(
        self, hidden_states, key_value_states=None, past_key_values=None, attention_mask=None
    ):
        query = self.record("q", split_heads(self.q_proj(hidden_states), self.head_dim))
        found = self.keys_and_values(hidden_states, key_value_states, past_key_values)
        key, value = self.record(("k", "v"), found)  # (batch, heads, total or source, head_dim)
        scores = self.record("scores", attention_scores(query, key, self.head_dim**-0.5))
        weights = self.omit(self.dropout, attention_weights(scores, attention_mask))
        weights = self.record("pattern", weights)
        mixed = self.record("z", mix_values(weights, value))  # (batch, heads, seq, head_dim)
        return self.out_proj(merge_heads(mixed)), weights

    def project(self, states):
        key, value = self.k_proj(states), self.v_proj(states)
        return split_heads(key, self.head_dim), split_heads(value, self.head_dim)


class BartLayer(Module):
    """What the layers of both halves do last."""

    def feed_forward(self, hidden_states):
        """Each token on its own: hidden → encoder_ffn_dim or decoder_ffn_dim → hidden."""
        bent = self.activation_fn(self.fc1(hidden_states))
        return self.fc2(self.omit(self.activation_dropout, bent))


class BartEncoderLayer(BartLayer):
    """Attention, then two linear maps; a norm after each."""

    attention_class = BartAttention

    def __init__(self, config, layer_idx):
        hidden, self.dropout = config.d_model, config.dropout
        self.activation_dropout = config.activation_dropout
        self.self_attn = self.attention_class(config, config.encoder_attention_heads, layer_idx)
        self.self_attn_layer_norm = LayerNorm(hidden, LAYER_NORM_EPS)
        self.activation_fn = ACT2FN[config.activation_function]()
        self.fc1 = Linear(hidden, config.encoder_ffn_dim)
        self.fc2 = Linear(config.encoder_ffn_dim, hidden)
        self.final_layer_norm = LayerNorm(hidden, LAYER_NORM_EPS)

    def forward(self, hidden_states, attention_mask):
        mixed, weights = self.self_attn(hidden_states, attention_mask=attention_mask)
        hidden_states = self.self_attn_layer_norm(hidden_states + self.omit(self.dropout, mixed))
        forwarded = self.omit(self.dropout, self.feed_forward(hidden_states))
        return clamp_overflow(self.final_layer_norm(hidden_states + forwarded)), weights


class BartDecoderLayer(BartLayer):
    """The same, with attention to the encoder's tokens in between."""

    attention_class = BartAttention

    def __init__(self, config, layer_idx):
        hidden, heads = config.d_model, config.decoder_attention_heads
        self.dropout, self.activation_dropout = config.dropout, config.activation_dropout
        self.self_attn = self.attention_class(config, heads, layer_idx)
        self.activation_fn = ACT2FN[config.activation_function]()
        self.self_attn_layer_norm = LayerNorm(hidden, LAYER_NORM_EPS)
        self.encoder_attn = self.attention_class(config, heads, layer_idx)
        self.encoder_attn_layer_norm = LayerNorm(hidden, LAYER_NORM_EPS)
        self.fc1 = Linear(hidden, config.decoder_ffn_dim)
        self.fc2 = Linear(config.decoder_ffn_dim, hidden)
        self.final_layer_norm = LayerNorm(hidden, LAYER_NORM_EPS)

    def forward(
        self,
        hidden_states,
        attention_mask,
        encoder_hidden_states,
        encoder_attention_mask,
        past_key_values,
    ):
        mixed, weights = self.self_attn(
            hidden_states, past_key_values=past_key_values, attention_mask=attention_mask
        )
        hidden_states = self.self_attn_layer_norm(hidden_states + self.omit(self.dropout, mixed))
        mixed, cross_weights = self.encoder_attn(
            hidden_states, encoder_hidden_states, past_key_values, encoder_attention_mask
        )
        hidden_states = self.encoder_attn_layer_norm(hidden_states + self.omit(self.dropout, mixed))
        forwarded = self.omit(self.dropout, self.feed_forward(hidden_states))
        return self.final_layer_norm(hidden_states + forwarded), weights, cross_weights
