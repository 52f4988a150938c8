"""Floor 5 · The config of T5: how large the two stacks are, gated or not, scaled or not.

Mirrors transformers/models/t5/configuration_t5.py.
"""

from tinyhf.configuration import PreTrainedConfig
from tinyhf.nn import ACT2FN


class T5Config(PreTrainedConfig):
    """The sizes of a T5; without arguments those of t5-small."""

    model_type = "t5"
    attribute_map = {
        "hidden_size": "d_model",
        "num_attention_heads": "num_heads",
        "num_hidden_layers": "num_layers",
        "head_dim": "d_kv",
    }

    vocab_size: int = 32128
    d_model: int = 512
    d_kv: int = 64
    d_ff: int = 2048
    num_layers: int = 6
    num_decoder_layers: int | None = None
    num_heads: int = 8
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    dropout_rate: float = 0.1
    layer_norm_epsilon: float = 1e-6
    initializer_factor: float = 1.0
    feed_forward_proj: str = "relu"
    dense_act_fn: str | None = None
    is_gated_act: bool | None = None
    scale_decoder_outputs: bool = True
    is_encoder_decoder: bool = True
    is_decoder: bool = False
    classifier_dropout: float = 0.0
    pad_token_id: int | None = 0
    eos_token_id: int | list | None = 1
    decoder_start_token_id: int | None = None

    def modernize(self, fields):
        """In files of T5 v1.1, ``tie_word_embeddings`` False says that outputs are not scaled."""
        fields = super().modernize(fields)
        was_tied = fields.pop("tie_word_embeddings", None) is not False
        return {"scale_decoder_outputs": was_tied, **fields, "tie_word_embeddings": True}

    def validate(self):
        self.require_positive("vocab_size", "d_model", "d_kv", "d_ff", "num_layers", "num_heads")
        self.require_positive("relative_attention_num_buckets", "relative_attention_max_distance")
        if self.num_decoder_layers is None:
            self.num_decoder_layers = self.num_layers
        gated, _, activation = self.feed_forward_proj.rpartition("-")
        if gated not in ("", "gated"):
            wanted = '"relu", "gated-gelu" or the like'
            got = self.feed_forward_proj
            raise self.error("feed_forward_proj", "unknown form", wanted=wanted, got=got)
        if self.is_gated_act is None:
            self.is_gated_act = gated == "gated"
        if self.dense_act_fn is None:  # "gated-gelu" always meant the approximation
            self.dense_act_fn = "gelu_new" if gated and activation == "gelu" else activation
        self.require_known("dense_act_fn", ACT2FN)
