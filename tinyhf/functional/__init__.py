"""Floor 2 · Named formulas on plain arrays, one short function each."""

from tinyhf.functional.activations import clamp_overflow, gelu, gelu_tanh, relu, silu, tanh
from tinyhf.functional.attention import (
    attention_scores,
    attention_weights,
    causal_mask,
    merge_heads,
    mix_values,
    padding_mask,
    scaled_dot_product_attention,
    split_heads,
)
from tinyhf.functional.dropout import dropout
from tinyhf.functional.glm import (
    apply_rotary_pos_emb_2d,
    first_places,
    glm_attention_weights,
    glm_mask,
    glm_positions,
)
from tinyhf.functional.linear import embedding, linear
from tinyhf.functional.losses import (
    PROBLEM_LOSSES,
    binary_cross_entropy,
    causal_lm_loss,
    classification_loss,
    cross_entropy,
    mean_squared_error,
    question_answering_loss,
    smoothed_cross_entropy,
)
from tinyhf.functional.norms import layer_norm, rms_norm
from tinyhf.functional.positions import count_positions, count_positions_of_tokens
from tinyhf.functional.quantization import quantized_embedding, quantized_linear
from tinyhf.functional.relative_positions import (
    relative_position_bucket,
    relative_positions,
    sinusoidal_positions,
)
from tinyhf.functional.rotary import apply_rotary_pos_emb, rotary_tables, rotate_half
from tinyhf.functional.rotary_frequencies import ROPE_FUNCTIONS, default_frequencies
from tinyhf.functional.softmax import log_softmax, softmax

__all__ = [
    "PROBLEM_LOSSES",
    "ROPE_FUNCTIONS",
    "apply_rotary_pos_emb",
    "apply_rotary_pos_emb_2d",
    "attention_scores",
    "attention_weights",
    "binary_cross_entropy",
    "causal_lm_loss",
    "causal_mask",
    "clamp_overflow",
    "classification_loss",
    "count_positions",
    "count_positions_of_tokens",
    "cross_entropy",
    "default_frequencies",
    "dropout",
    "embedding",
    "first_places",
    "gelu",
    "gelu_tanh",
    "glm_attention_weights",
    "glm_mask",
    "glm_positions",
    "layer_norm",
    "linear",
    "log_softmax",
    "mean_squared_error",
    "merge_heads",
    "mix_values",
    "padding_mask",
    "quantized_embedding",
    "quantized_linear",
    "question_answering_loss",
    "relative_position_bucket",
    "relative_positions",
    "relu",
    "rms_norm",
    "rotary_tables",
    "rotate_half",
    "scaled_dot_product_attention",
    "silu",
    "sinusoidal_positions",
    "smoothed_cross_entropy",
    "softmax",
    "split_heads",
    "tanh",
]
