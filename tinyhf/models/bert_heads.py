"""Floor 5 · BERT's heads: the encoder of ``bert.py``, and what is asked about the text.

Mirrors transformers/models/bert/modeling_bert.py from BertPredictionHeadTransform on. How a head is
run and its loss computed is written once for all encoders, in ``encoder_heads.py``.
"""

from tinyhf.functional import classification_loss
from tinyhf.models.bert import BertModel, BertPreTrainedModel
from tinyhf.models.encoder_heads import (
    EncoderWithHead,
    QuestionAnswering,
    sequence_classification_loss,
)
from tinyhf.nn import (
    ACT2FN,
    BertForPreTrainingOutput,
    Dropout,
    LayerNorm,
    Linear,
    MaskedLMOutput,
    Module,
    NextSentencePredictorOutput,
    SequenceClassifierOutput,
    TokenClassifierOutput,
    Unloaded,
)

#: The scores of a token are its fit with each row of the token table, plus a bias.
TIED = {
    "cls.predictions.decoder.weight": "bert.embeddings.word_embeddings.weight",
    "cls.predictions.decoder.bias": "cls.predictions.bias",
}


class BertPredictionHeadTransform(Module):
    """One more layer for each token before its scores."""

    def __init__(self, config):
        self.dense = Linear(config.hidden_size, config.hidden_size)
        self.transform_act_fn = ACT2FN[config.hidden_act]()
        self.LayerNorm = LayerNorm(config.hidden_size, config.layer_norm_eps)

    def forward(self, hidden_states):
        return self.LayerNorm(self.transform_act_fn(self.dense(hidden_states)))


class BertLMPredictionHead(Module):
    """Each token's vector to a score for every token of the vocabulary."""

    parameter_names = ("bias",)

    def __init__(self, config):
        self.transform = BertPredictionHeadTransform(config)
        self.decoder = Linear(config.hidden_size, config.vocab_size)
        self.bias = Unloaded(config.vocab_size)  # used as decoder.bias

    def forward(self, hidden_states):
        return self.decoder(self.transform(hidden_states))  # (batch, seq, vocabulary)


class BertOnlyMLMHead(Module):
    """The head of a masked language model."""

    def __init__(self, config):
        self.predictions = BertLMPredictionHead(config)

    def forward(self, sequence_output):
        return self.predictions(sequence_output)


class BertOnlyNSPHead(Module):
    """Does the second sentence follow the first? Two scores: yes, no."""

    def __init__(self, config):
        self.seq_relationship = Linear(config.hidden_size, 2)

    def forward(self, pooled_output):
        return self.seq_relationship(pooled_output)  # (batch, 2)


class BertPreTrainingHeads(Module):
    """Both heads."""

    def __init__(self, config):
        self.predictions = BertLMPredictionHead(config)
        self.seq_relationship = Linear(config.hidden_size, 2)

    def forward(self, sequence_output, pooled_output):
        return self.predictions(sequence_output), self.seq_relationship(pooled_output)


def classifier_dropout(config):
    """The dropout before a classifier: at its own rate, or at that of the layers."""
    own = config.classifier_dropout
    return Dropout(config.hidden_dropout_prob if own is None else own)


class BertForPreTraining(BertPreTrainedModel):
    """As it was trained: masked tokens and next sentence at once."""

    tied_weights_keys = TIED

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config)
        self.cls = BertPreTrainingHeads(config)
        self.tie_weights()

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        inputs_embeds=None,
        labels=None,
        next_sentence_label=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """As ``BertModel.forward``, and:

        Args:
            labels: (batch, seq): the ids of masked tokens, -100 for others.
            next_sentence_label: (batch,): 0 if the second sentence follows the first, 1 if not.

        Returns:
            ``BertForPreTrainingOutput``, with ``loss`` if there are both kinds of labels.
        """
        outputs = self.bert(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        predictions, relationship = self.cls(outputs.last_hidden_state, outputs.pooler_output)
        loss = None
        if labels is not None and next_sentence_label is not None:
            next_sentence_loss = classification_loss(relationship, next_sentence_label)
            loss = classification_loss(predictions, labels) + next_sentence_loss
        output = BertForPreTrainingOutput(
            loss=loss,
            prediction_logits=predictions,
            seq_relationship_logits=relationship,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()


class BertForMaskedLM(EncoderWithHead, BertPreTrainedModel):
    """Which token stands behind [MASK]?"""

    output_class = MaskedLMOutput
    tied_weights_keys = TIED

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.cls = BertOnlyMLMHead(config)
        self.tie_weights()

    def score(self, outputs):
        return self.cls(outputs.last_hidden_state)


class BertForNextSentencePrediction(EncoderWithHead, BertPreTrainedModel):
    """Does the second sentence follow the first?"""

    output_class = NextSentencePredictorOutput

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config)
        self.cls = BertOnlyNSPHead(config)

    def score(self, outputs):
        return self.cls(outputs.pooler_output)


class BertForSequenceClassification(EncoderWithHead, BertPreTrainedModel):
    """Of which kind is the text?"""

    output_class = SequenceClassifierOutput

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config)
        self.dropout = classifier_dropout(config)
        self.classifier = Linear(config.hidden_size, config.num_labels)

    def score(self, outputs):
        return self.classifier(self.dropout(outputs.pooler_output))  # (batch, labels)

    def loss_function(self, logits, labels):
        return sequence_classification_loss(self.config, logits, labels)


class BertForTokenClassification(EncoderWithHead, BertPreTrainedModel):
    """Of which kind is each token?"""

    output_class = TokenClassifierOutput

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.dropout = classifier_dropout(config)
        self.classifier = Linear(config.hidden_size, config.num_labels)

    def score(self, outputs):
        return self.classifier(self.dropout(outputs.last_hidden_state))  # (batch, seq, labels)


class BertForQuestionAnswering(QuestionAnswering, BertPreTrainedModel):
    """Where in the text is the answer?"""

    def __init__(self, config):
        super().__init__(config)
        self.bert = BertModel(config, add_pooling_layer=False)
        self.qa_outputs = Linear(config.hidden_size, config.num_labels)
