"""Floor 5 · Marian: BART's stages for translation, with sine waves for positions and one norm less.

Mirrors transformers/models/marian/modeling_marian.py (Junczys-Dowmunt et al., 2018; the models are
those of Tiedemann & Thottingal, 2020).
"""

from tinyhf.functional import sinusoidal_positions
from tinyhf.models.bart import (
    BartDecoder,
    BartEncoder,
    BartForConditionalGeneration,
    BartModel,
    BartPreTrainedModel,
)
from tinyhf.models.bart_layers import (
    BartAttention,
    BartDecoderLayer,
    BartEncoderLayer,
    embed_scale,
)
from tinyhf.models.configuration_bart import BartConfig
from tinyhf.nn import Embedding


class MarianConfig(BartConfig):
    """The sizes of a Marian; without arguments those of transformers, larger than most."""

    model_type = "marian"

    vocab_size: int = 58101
    decoder_vocab_size: int | None = None
    share_encoder_decoder_embeddings: bool = True
    decoder_start_token_id: int | None = 58100
    pad_token_id: int | None = 58100
    bos_token_id: int | None = None
    eos_token_id: int | list | None = 0
    forced_eos_token_id: int | list | None = 0
    id2label: dict | None = None
    label2id: dict | None = None

    def validate(self):
        super().validate()
        self.decoder_vocab_size = self.decoder_vocab_size or self.vocab_size


class MarianSinusoidalPositionalEmbedding(Embedding):
    """One vector for each position; nothing in it is learnt."""

    frozen_names = ("weight",)

    def __init__(self, num_positions, embedding_dim):
        super().__init__(num_positions, embedding_dim, ids="position_ids")


class MarianAttention(BartAttention):
    """As in BART."""


class MarianEncoderLayer(BartEncoderLayer):
    """As in BART."""

    attention_class = MarianAttention


class MarianDecoderLayer(BartDecoderLayer):
    """As in BART."""

    attention_class = MarianAttention


class MarianMixin:
    """What the models of this family share, beyond BART."""

    config_class = MarianConfig
    keys_to_ignore_on_load_missing = (r"embed_positions\.weight$", r"^final_logits_bias$")

    def initial_values(self, name, generator):
        drawn = super().initial_values(name, generator)
        if name.endswith("embed_positions.weight"):  # transformers, too, draws and takes the waves
            return sinusoidal_positions(*drawn.shape)
        return drawn

    def make_embeddings(self, config, vocab_size):
        """The tables of encoder or decoder; both have no norm after them."""
        hidden = config.d_model
        self.embed_scale = embed_scale(config)
        self.embed_tokens = Embedding(vocab_size, hidden, config.pad_token_id)
        positions = config.max_position_embeddings
        self.embed_positions = MarianSinusoidalPositionalEmbedding(positions, hidden)


class MarianEncoder(MarianMixin, BartEncoder):
    """Ids to hidden states."""

    layer_class = MarianEncoderLayer

    def __init__(self, config):
        super().__init__(config)
        self.layernorm_embedding = None

    def make_embeddings(self, config):
        super().make_embeddings(config, config.vocab_size)

    def embed(self, input_ids, inputs_embeds):
        vectors = super().embed(input_ids, inputs_embeds)
        return vectors * self.embed_scale if inputs_embeds is None else vectors


class MarianDecoder(MarianMixin, BartDecoder):
    """Ids to hidden states."""

    layer_class = MarianDecoderLayer

    def __init__(self, config):
        super().__init__(config)
        self.layernorm_embedding = None

    def make_embeddings(self, config):
        super().make_embeddings(config, config.decoder_vocab_size)

    def embed(self, input_ids, inputs_embeds):
        """Vectors that are given are multiplied as well: unlike the encoder's."""
        return super().embed(input_ids, inputs_embeds) * self.embed_scale


class MarianModel(MarianMixin, BartModel):
    """Two texts to hidden states; each language may have a table of its own."""

    input_embeddings = "encoder.embed_tokens"
    decoder_repeats_input = False

    def __init__(self, config):
        BartPreTrainedModel.__init__(self, config)
        if config.share_encoder_decoder_embeddings:
            self.shared = Embedding(config.vocab_size, config.d_model, config.pad_token_id)
        else:
            self.tied_weights_keys = {}
        self.encoder = MarianEncoder(config)
        self.decoder = MarianDecoder(config)
        self.tie_weights()


class MarianMTModel(MarianMixin, BartForConditionalGeneration):
    """Two texts to logits."""

    model_class = MarianModel
    keys_to_ignore_on_save = (
        "model.encoder.embed_positions.weight",
        "model.decoder.embed_positions.weight",
    )

    def __init__(self, config):
        if not config.share_encoder_decoder_embeddings:
            self.tied_weights_keys = {"lm_head.weight": "model.decoder.embed_tokens.weight"}
        super().__init__(config)
