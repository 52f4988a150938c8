"""Floor 5 · The sizes and choices of a GPT-2.

Mirrors transformers/models/gpt2/configuration_gpt2.py.
"""

from tinyhf.configuration import PreTrainedConfig
from tinyhf.nn import ACT2FN


class GPT2Config(PreTrainedConfig):
    """The sizes of a GPT-2; without arguments those of the smallest one, 124M."""

    model_type = "gpt2"
    attribute_map = {
        "hidden_size": "n_embd",
        "max_position_embeddings": "n_positions",
        "num_attention_heads": "n_head",
        "num_hidden_layers": "n_layer",
    }

    vocab_size: int = 50257
    n_positions: int = 1024
    n_embd: int = 768
    n_layer: int = 12
    n_head: int = 12
    n_inner: int | None = None
    activation_function: str = "gelu_new"
    resid_pdrop: float = 0.1
    embd_pdrop: float = 0.1
    attn_pdrop: float = 0.1
    layer_norm_epsilon: float = 1e-5
    initializer_range: float = 0.02
    scale_attn_weights: bool = True
    scale_attn_by_inverse_layer_idx: bool = False
    reorder_and_upcast_attn: bool = False  # about half types in training; the formula is the same
    add_cross_attention: bool = False
    bos_token_id: int | None = 50256
    eos_token_id: int | list | None = 50256

    def validate(self):
        self.require_positive("vocab_size", "n_positions", "n_embd", "n_layer", "n_head")
        self.require_divides("n_head", "n_embd")
        self.require_known("activation_function", ACT2FN)
        if self.n_inner is not None:
            self.require_positive("n_inner")
