"""Floor 5 · DistilBERT: BERT's layers, half as many, without token types and without a pooler.

Mirrors transformers/models/distilbert/modeling_distilbert.py (Sanh et al., 2019). The stages are
BERT's, but have other names and stand in another tree, so most are written out here:

    input_ids ──── word_embeddings ─┐
    position_ids ─ position_… ──────┴─ LayerNorm ─ layer × n_layers ─ last_hidden_state
                                           sa_layer_norm(x + attention(x))
                                           output_layer_norm(x + ffn(x))

Shapes: batch, seq, dim = n_heads × head_dim.
"""

from tinyhf.configuration import PreTrainedConfig
from tinyhf.functional import (
    attention_scores,
    attention_weights,
    classification_loss,
    count_positions,
    merge_heads,
    mix_values,
    relu,
    sinusoidal_positions,
    split_heads,
)
from tinyhf.models.bert import BertEncoder
from tinyhf.models.encoder_heads import (
    EncoderWithHead,
    QuestionAnswering,
    sequence_classification_loss,
)
from tinyhf.models.pretrained import PreTrainedModel
from tinyhf.nn import (
    ACT2FN,
    Dropout,
    Embedding,
    LayerNorm,
    Linear,
    MaskedLMOutput,
    Module,
    SequenceClassifierOutput,
    TokenClassifierOutput,
)

LAYER_NORM_EPS = 1e-12  # no field of the config


class DistilBertConfig(PreTrainedConfig):
    """The sizes of a DistilBERT; without arguments those of distilbert-base-uncased."""

    model_type = "distilbert"
    attribute_map = {
        "hidden_size": "dim",
        "num_attention_heads": "n_heads",
        "num_hidden_layers": "n_layers",
    }

    vocab_size: int = 30522
    max_position_embeddings: int = 512
    sinusoidal_pos_embds: bool = False
    n_layers: int = 6
    n_heads: int = 12
    dim: int = 768
    hidden_dim: int = 4 * 768
    dropout: float = 0.1
    attention_dropout: float = 0.1
    activation: str = "gelu"
    initializer_range: float = 0.02
    qa_dropout: float = 0.1
    seq_classif_dropout: float = 0.2
    pad_token_id: int | None = 0

    def validate(self):
        self.require_positive("vocab_size", "max_position_embeddings", "n_layers", "n_heads", "dim")
        self.require_positive("hidden_dim")
        self.require_divides("n_heads", "dim")
        self.require_known("activation", ACT2FN)


class Embeddings(Module):
    """What a token is, and where it stands."""

    def __init__(self, config):
        self.word_embeddings = Embedding(config.vocab_size, config.dim, config.pad_token_id)
        self.position_embeddings = Embedding(
            config.max_position_embeddings, config.dim, ids="position_ids"
        )
        self.LayerNorm = LayerNorm(config.dim, LAYER_NORM_EPS)
        self.dropout = Dropout(config.dropout)

    def forward(self, input_ids=None, inputs_embeds=None, position_ids=None):
        if inputs_embeds is None:
            inputs_embeds = self.word_embeddings(input_ids)  # (batch, seq, dim)
        if position_ids is None:
            position_ids = count_positions(inputs_embeds)  # (1, seq)
        embeddings = inputs_embeds + self.position_embeddings(position_ids)
        return self.dropout(self.LayerNorm(embeddings))


class DistilBertSelfAttention(Module):
    """Each token takes a mix of all tokens' values: the only place where information moves."""

    def __init__(self, config):
        self.head_dim = config.dim // config.n_heads
        self.q_lin = Linear(config.dim, config.dim)
        self.k_lin = Linear(config.dim, config.dim)
        self.v_lin = Linear(config.dim, config.dim)
        self.out_lin = Linear(config.dim, config.dim)
        self.dropout = Dropout(config.attention_dropout)

    def forward(self, hidden_states, attention_mask):
        query = self.record("q", split_heads(self.q_lin(hidden_states), self.head_dim))
        key = self.record("k", split_heads(self.k_lin(hidden_states), self.head_dim))
        value = self.record("v", split_heads(self.v_lin(hidden_states), self.head_dim))
        scores = self.record("scores", attention_scores(query, key, self.head_dim**-0.5))
        weights = self.record("pattern", self.dropout(attention_weights(scores, attention_mask)))
        mixed = self.record("z", mix_values(weights, value))  # (batch, n_heads, seq, head_dim)
        return self.out_lin(merge_heads(mixed)), weights


class FFN(Module):
    """Each token on its own: dim → hidden_dim → dim."""

    def __init__(self, config):
        self.dropout = Dropout(config.dropout)
        self.lin1 = Linear(config.dim, config.hidden_dim)
        self.lin2 = Linear(config.hidden_dim, config.dim)
        self.activation = ACT2FN[config.activation]()

    def forward(self, hidden_states):
        return self.dropout(self.lin2(self.activation(self.lin1(hidden_states))))


class TransformerBlock(Module):
    """Attention, then feed forward; what went in is added, and the sum is normed."""

    def __init__(self, config):
        self.attention = DistilBertSelfAttention(config)
        self.sa_layer_norm = LayerNorm(config.dim, LAYER_NORM_EPS)
        self.ffn = FFN(config)
        self.output_layer_norm = LayerNorm(config.dim, LAYER_NORM_EPS)

    def forward(self, hidden_states, attention_mask):
        mixed, weights = self.attention(hidden_states, attention_mask)
        hidden_states = self.sa_layer_norm(mixed + hidden_states)
        return self.output_layer_norm(self.ffn(hidden_states) + hidden_states), weights


class Transformer(BertEncoder):
    """All layers, one after the other."""

    layer_class = TransformerBlock


class DistilBertPreTrainedModel(PreTrainedModel):
    """What all DistilBERTs share."""

    config_class = DistilBertConfig
    base_model_prefix = "distilbert"
    input_embeddings = "embeddings.word_embeddings"
    keys_to_ignore_on_load_unexpected = (r"(^|\.)position_ids$",)

    def initial_values(self, name, generator):
        """Positions may start as waves: sine and cosine of each pair side by side."""
        if name.endswith("position_embeddings.weight") and self.config.sinusoidal_pos_embds:
            positions, dim = self.config.max_position_embeddings, self.config.dim
            waves = sinusoidal_positions(positions, dim)  # all sines, then all cosines
            return waves.reshape(positions, 2, -1).swapaxes(1, 2).reshape(positions, dim)
        return super().initial_values(name, generator)


class DistilBertModel(DistilBertPreTrainedModel):
    """Ids to a vector for each token."""

    def __init__(self, config):
        super().__init__(config)
        self.embeddings = Embeddings(config)
        self.transformer = Transformer(config)

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        inputs_embeds=None,
        position_ids=None,
        token_type_ids=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """One pass over the text.

        Args:
            input_ids: (batch, seq), or ``inputs_embeds``: (batch, seq, dim).
            attention_mask: (batch, seq), 1 for tokens and 0 for padding.
            position_ids: (batch, seq).
            token_type_ids: not used; BERT's tokenizers give them.
            output_attentions, output_hidden_states: return those of every layer, too.
            return_dict: False gives a plain tuple.

        Returns:
            ``BaseModelOutput``.
        """
        self.check_inputs(input_ids, inputs_embeds)
        hidden_states = self.embeddings(input_ids, inputs_embeds, position_ids)
        output = self.transformer(
            hidden_states,
            self.encoder_mask(attention_mask, hidden_states, "attention_mask"),
            self.choose(output_attentions, "output_attentions"),
            self.choose(output_hidden_states, "output_hidden_states"),
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()


class CrossEntropyLoss(Module):
    """The loss as a stage of its own, which only this family has."""

    def forward(self, logits, labels):
        return classification_loss(logits, labels)


class DistilBertForMaskedLM(EncoderWithHead, DistilBertPreTrainedModel):
    """Which token stands behind [MASK]?"""

    output_class = MaskedLMOutput
    tied_weights_keys = {"vocab_projector.weight": "distilbert.embeddings.word_embeddings.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.activation = ACT2FN[config.activation]()
        self.distilbert = DistilBertModel(config)
        self.vocab_transform = Linear(config.dim, config.dim)
        self.vocab_layer_norm = LayerNorm(config.dim, LAYER_NORM_EPS)
        self.vocab_projector = Linear(config.dim, config.vocab_size)
        self.mlm_loss_fct = CrossEntropyLoss()
        self.tie_weights()

    def score(self, outputs):
        transformed = self.activation(self.vocab_transform(outputs.last_hidden_state))
        return self.vocab_projector(self.vocab_layer_norm(transformed))  # (batch, seq, vocabulary)

    def loss_function(self, logits, labels):
        return self.mlm_loss_fct(logits, labels)


class DistilBertForSequenceClassification(EncoderWithHead, DistilBertPreTrainedModel):
    """Of which kind is the text?"""

    output_class = SequenceClassifierOutput

    def __init__(self, config):
        super().__init__(config)
        self.distilbert = DistilBertModel(config)
        self.pre_classifier = Linear(config.dim, config.dim)
        self.classifier = Linear(config.dim, config.num_labels)
        self.dropout = Dropout(config.seq_classif_dropout)

    def score(self, outputs):
        pooled = relu(self.pre_classifier(outputs.last_hidden_state[:, 0]))  # (batch, dim)
        return self.classifier(self.dropout(pooled))  # (batch, labels)

    def loss_function(self, logits, labels):
        return sequence_classification_loss(self.config, logits, labels)


class DistilBertForTokenClassification(EncoderWithHead, DistilBertPreTrainedModel):
    """Of which kind is each token?"""

    output_class = TokenClassifierOutput

    def __init__(self, config):
        super().__init__(config)
        self.distilbert = DistilBertModel(config)
        self.dropout = Dropout(config.dropout)
        self.classifier = Linear(config.dim, config.num_labels)

    def score(self, outputs):
        return self.classifier(self.dropout(outputs.last_hidden_state))  # (batch, seq, labels)


class DistilBertForQuestionAnswering(QuestionAnswering, DistilBertPreTrainedModel):
    """Where in the text is the answer?"""

    def __init__(self, config):
        super().__init__(config)
        self.distilbert = DistilBertModel(config)
        self.qa_outputs = Linear(config.dim, config.num_labels)
        self.dropout = Dropout(config.qa_dropout)

    def score(self, outputs):
        return self.qa_outputs(self.dropout(outputs.last_hidden_state))  # (batch, seq, 2)
