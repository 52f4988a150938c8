"""Floor 5 · RoBERTa: BERT, trained longer and on masked tokens only; positions start after padding.

Mirrors transformers/models/roberta/modeling_roberta.py (Liu et al., 2019). What differs from BERT
is in ``RobertaEmbeddings`` and in the heads; the other stages are BERT's under RoBERTa's name.
"""

from tinyhf.functional import count_positions, count_positions_of_tokens, gelu, tanh
from tinyhf.models.bert import (
    BertAttention,
    BertConfig,
    BertEmbeddings,
    BertEncoder,
    BertIntermediate,
    BertLayer,
    BertModel,
    BertPooler,
    BertSelfAttention,
    ResidualOutput,
)
from tinyhf.models.bert_heads import classifier_dropout
from tinyhf.models.encoder_heads import (
    EncoderWithHead,
    QuestionAnswering,
    sequence_classification_loss,
)
from tinyhf.models.pretrained import PreTrainedModel
from tinyhf.nn import (
    Dropout,
    Embedding,
    LayerNorm,
    Linear,
    MaskedLMOutput,
    Module,
    SequenceClassifierOutput,
    TokenClassifierOutput,
    Unloaded,
)


class RobertaConfig(BertConfig):
    """The sizes of a RoBERTa; published ones have 514 positions, of which texts use 512."""

    model_type = "roberta"

    vocab_size: int = 50265
    bos_token_id: int | None = 0
    eos_token_id: int | list | None = 2
    pad_token_id: int | None = 1

    def validate(self):
        super().validate()
        if self.pad_token_id is None:
            problem = "positions are counted from this id on, so there must be one"
            raise self.error("pad_token_id", problem, wanted="int", got=None)


class RobertaEmbeddings(BertEmbeddings):
    """As in BERT, but the first token's position is ``padding_idx`` + 1, and padding has none."""

    def __init__(self, config):
        hidden, self.padding_idx = config.hidden_size, config.pad_token_id
        self.word_embeddings = Embedding(config.vocab_size, hidden, self.padding_idx)
        self.token_type_embeddings = Embedding(config.type_vocab_size, hidden, ids="token_type_ids")
        self.LayerNorm = LayerNorm(hidden, config.layer_norm_eps)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.position_embeddings = Embedding(
            config.max_position_embeddings, hidden, self.padding_idx, ids="position_ids"
        )

    def default_positions(self, input_ids, inputs_embeds):
        """Counted over the tokens that are no padding; vectors do not show which ones are."""
        if input_ids is None:
            return count_positions(inputs_embeds, self.padding_idx + 1)
        return count_positions_of_tokens(input_ids, self.padding_idx)


class RobertaSelfAttention(BertSelfAttention):
    """As in BERT."""


class RobertaSelfOutput(ResidualOutput):
    """As in BERT."""


class RobertaAttention(BertAttention):
    """As in BERT."""

    self_class, output_class = RobertaSelfAttention, RobertaSelfOutput


class RobertaIntermediate(BertIntermediate):
    """As in BERT."""


class RobertaOutput(ResidualOutput):
    """As in BERT."""


class RobertaLayer(BertLayer):
    """As in BERT."""

    attention_class = RobertaAttention
    intermediate_class, output_class = RobertaIntermediate, RobertaOutput


class RobertaEncoder(BertEncoder):
    """As in BERT."""

    layer_class = RobertaLayer


class RobertaPooler(BertPooler):
    """As in BERT."""


class RobertaPreTrainedModel(PreTrainedModel):
    """What all RoBERTas share."""

    config_class = RobertaConfig
    base_model_prefix = "roberta"
    input_embeddings = "embeddings.word_embeddings"
    keys_to_ignore_on_load_unexpected = (r"(^|\.)position_ids$",)


class RobertaModel(RobertaPreTrainedModel, BertModel):
    """Ids to a vector for each token, and one for the text."""

    embeddings_class, encoder_class = RobertaEmbeddings, RobertaEncoder
    pooler_class = RobertaPooler


class RobertaLMHead(Module):
    """Each token's vector to a score for every token of the vocabulary."""

    parameter_names = ("bias",)

    def __init__(self, config):
        self.dense = Linear(config.hidden_size, config.hidden_size)
        self.layer_norm = LayerNorm(config.hidden_size, config.layer_norm_eps)
        self.decoder = Linear(config.hidden_size, config.vocab_size)
        self.bias = Unloaded(config.vocab_size)  # used as decoder.bias

    def forward(self, features):
        return self.decoder(self.layer_norm(gelu(self.dense(features))))  # (batch, seq, vocabulary)


class RobertaForMaskedLM(EncoderWithHead, RobertaPreTrainedModel):
    """Which token stands behind <mask>?"""

    output_class = MaskedLMOutput
    tied_weights_keys = {
        "lm_head.decoder.weight": "roberta.embeddings.word_embeddings.weight",
        "lm_head.decoder.bias": "lm_head.bias",
    }

    def __init__(self, config):
        super().__init__(config)
        self.roberta = RobertaModel(config, add_pooling_layer=False)
        self.lm_head = RobertaLMHead(config)
        self.tie_weights()

    def score(self, outputs):
        return self.lm_head(outputs.last_hidden_state)


class RobertaClassificationHead(Module):
    """The first token, <s>, to a score for each label."""

    def __init__(self, config):
        self.dense = Linear(config.hidden_size, config.hidden_size)
        self.dropout = classifier_dropout(config)
        self.out_proj = Linear(config.hidden_size, config.num_labels)

    def forward(self, features):
        pooled = tanh(self.dense(self.dropout(features[:, 0])))  # (batch, hidden)
        return self.out_proj(self.dropout(pooled))  # (batch, labels)


class RobertaForSequenceClassification(EncoderWithHead, RobertaPreTrainedModel):
    """Of which kind is the text?"""

    output_class = SequenceClassifierOutput

    def __init__(self, config):
        super().__init__(config)
        self.roberta = RobertaModel(config, add_pooling_layer=False)
        self.classifier = RobertaClassificationHead(config)

    def score(self, outputs):
        return self.classifier(outputs.last_hidden_state)

    def loss_function(self, logits, labels):
        return sequence_classification_loss(self.config, logits, labels)


class RobertaForTokenClassification(EncoderWithHead, RobertaPreTrainedModel):
    """Of which kind is each token?"""

    output_class = TokenClassifierOutput

    def __init__(self, config):
        super().__init__(config)
        self.roberta = RobertaModel(config, add_pooling_layer=False)
        self.dropout = classifier_dropout(config)
        self.classifier = Linear(config.hidden_size, config.num_labels)

    def score(self, outputs):
        return self.classifier(self.dropout(outputs.last_hidden_state))  # (batch, seq, labels)


class RobertaForQuestionAnswering(QuestionAnswering, RobertaPreTrainedModel):
    """Where in the text is the answer?"""

    def __init__(self, config):
        super().__init__(config)
        self.roberta = RobertaModel(config, add_pooling_layer=False)
        self.qa_outputs = Linear(config.hidden_size, config.num_labels)
