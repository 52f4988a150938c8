"""Floor 2 · Named formulas on plain arrays, one short function each."""

from tinyhf.functional.activations import gelu, gelu_tanh, relu, silu, tanh
from tinyhf.functional.attention import (
    attention_scores,
    attention_weights,
    causal_mask,
    mix_values,
    padding_mask,
    scaled_dot_product_attention,
)
from tinyhf.functional.linear import embedding, linear
from tinyhf.functional.losses import causal_lm_loss, cross_entropy
from tinyhf.functional.norms import layer_norm, rms_norm
from tinyhf.functional.rotary import apply_rotary_pos_emb, rotary_tables, rotate_half
from tinyhf.functional.rotary_frequencies import ROPE_FUNCTIONS
from tinyhf.functional.softmax import log_softmax, softmax

__all__ = [
    "ROPE_FUNCTIONS",
    "apply_rotary_pos_emb",
    "attention_scores",
    "attention_weights",
    "causal_lm_loss",
    "causal_mask",
    "cross_entropy",
    "embedding",
    "gelu",
    "gelu_tanh",
    "layer_norm",
    "linear",
    "log_softmax",
    "mix_values",
    "padding_mask",
    "relu",
    "rms_norm",
    "rotary_tables",
    "rotate_half",
    "scaled_dot_product_attention",
    "silu",
    "softmax",
    "tanh",
]
