"""Floor 5 · The sizes and choices of a BART.

Mirrors transformers/models/bart/configuration_bart.py.
"""

from tinyhf.configuration import PreTrainedConfig
from tinyhf.nn import ACT2FN


class BartConfig(PreTrainedConfig):
    """The sizes of a BART; without arguments those of bart-large."""

    model_type = "bart"
    attribute_map = {
        "hidden_size": "d_model",
        "num_attention_heads": "encoder_attention_heads",
        "num_hidden_layers": "encoder_layers",
    }

    vocab_size: int = 50265
    max_position_embeddings: int = 1024
    encoder_layers: int = 12
    encoder_ffn_dim: int = 4096
    encoder_attention_heads: int = 16
    decoder_layers: int = 12
    decoder_ffn_dim: int = 4096
    decoder_attention_heads: int = 16
    encoder_layerdrop: float = 0.0
    decoder_layerdrop: float = 0.0
    activation_function: str = "gelu"
    d_model: int = 1024
    dropout: float = 0.1
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0
    init_std: float = 0.02
    classifier_dropout: float = 0.0
    scale_embedding: bool = False
    is_encoder_decoder: bool = True
    is_decoder: bool = False
    pad_token_id: int | None = 1
    bos_token_id: int | None = 0
    eos_token_id: int | list | None = 2
    decoder_start_token_id: int | None = 2
    forced_eos_token_id: int | list | None = 2
    id2label: dict | None = {0: "LABEL_0", 1: "LABEL_1", 2: "LABEL_2"}
    label2id: dict | None = {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2}

    def validate(self):
        self.require_positive("vocab_size", "max_position_embeddings", "d_model")
        for half in ("encoder", "decoder"):
            self.require_positive(f"{half}_layers", f"{half}_ffn_dim", f"{half}_attention_heads")
            self.require_divides(f"{half}_attention_heads", "d_model")
        self.require_known("activation_function", ACT2FN)
