"""Floor 2 · Named formulas on plain arrays, one short function each."""

from tinyhf.functional.activations import relu, silu
from tinyhf.functional.attention import (
    attention_scores,
    attention_weights,
    causal_mask,
    mix_values,
    scaled_dot_product_attention,
)
from tinyhf.functional.linear import embedding, linear
from tinyhf.functional.losses import causal_lm_loss, cross_entropy
from tinyhf.functional.norms import rms_norm
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
    "linear",
    "log_softmax",
    "mix_values",
    "relu",
    "rms_norm",
    "rotary_tables",
    "rotate_half",
    "scaled_dot_product_attention",
    "silu",
    "softmax",
]
