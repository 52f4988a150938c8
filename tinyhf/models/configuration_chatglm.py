"""Floor 5 · The config of ChatGLM-6B.

Mirrors configuration_chatglm.py of THUDM/chatglm-6b.
"""

from tinyhf.configuration import PreTrainedConfig


class ChatGLMConfig(PreTrainedConfig):
    """The sizes of a ChatGLM; without arguments those of the first release, March 2023."""

    model_type = "chatglm"
    attribute_map = {
        "intermediate_size": "inner_hidden_size",
        "max_position_embeddings": "max_sequence_length",
        "num_hidden_layers": "num_layers",
    }

    vocab_size: int = 150528
    hidden_size: int = 4096
    inner_hidden_size: int = 16384
    num_layers: int = 28
    num_attention_heads: int = 32
    layernorm_epsilon: float = 1e-5
    max_sequence_length: int = 2048
    position_encoding_2d: bool = True
    use_cache: bool = False
    bos_token_id: int | None = 150004
    eos_token_id: int | list | None = 150005
    mask_token_id: int = 150000
    gmask_token_id: int = 150001
    pad_token_id: int | None = 0
    quantization_bit: int = 0
    quantization_embeddings: bool = False
    pre_seq_len: int | None = None
    prefix_projection: bool = False
    initializer_range: float = 0.02  # for new random weights; the reference has no such field

    def validate(self):
        if {"ffn_hidden_size", "padded_vocab_size"} & vars(self).keys():
            problem = "this is ChatGLM2 or ChatGLM3, which share nothing but the name with ChatGLM"
            raise self.error("model_type", problem, wanted="the config of chatglm-6b")
        self.require_positive("vocab_size", "hidden_size", "inner_hidden_size", "num_layers")
        self.require_positive("num_attention_heads", "max_sequence_length")
        self.require_divides("num_attention_heads", "hidden_size")
        planes = 4 if self.position_encoding_2d else 2
        if self.hidden_size // self.num_attention_heads % planes:
            problem = (
                f"leaves heads of a size that is no multiple of {planes}, for rotary positions"
            )
            raise self.error("num_attention_heads", problem, got=self.num_attention_heads)
        if self.quantization_bit not in (0, 4, 8):
            wanted, got = "0 (not quantized), 4 or 8", self.quantization_bit
            raise self.error("quantization_bit", "no such number of bits", wanted=wanted, got=got)
        if self.pre_seq_len is not None:
            raise self.error("pre_seq_len", "p-tuning is not available", got=self.pre_seq_len)
