"""Floor 5 · Heads on encoders: what BERT, DistilBERT and RoBERTa do alike with what they have read.

Mirrors the ``…For…`` classes of transformers/models/bert/modeling_bert.py and its relatives:

    input_ids ─ encoder ─ last_hidden_state ─ score ─ logits ─┬─ loss_function ─ loss
                                              labels ─────────┘

A family adds the modules of the head in their order, and ``score``, the way through them.
"""

from tinyhf.functional import PROBLEM_LOSSES, classification_loss, question_answering_loss
from tinyhf.nn import QuestionAnsweringModelOutput


class EncoderWithHead:
    """Ids to scores of each token or of the whole text; mixed into a family's PreTrainedModel."""

    #: The class of what ``forward`` returns.
    output_class = None

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        inputs_embeds=None,
        labels=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """As ``forward`` of the model without head, and:

        Args:
            labels: one for each score: (batch, seq) for tokens, where -100 is not counted in the
                loss; (batch,) for texts, or (batch, labels) if a text may have several.

        Returns:
            ``output_class``, with ``loss`` if there are labels.
        """
        outputs = self.base_model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.score(outputs)
        output = self.output_class(
            loss=None if labels is None else self.loss_function(logits, labels),
            logits=logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()

    def loss_function(self, logits, labels):
        """Cross entropy of each row of scores."""
        return classification_loss(logits, labels)

    def can_generate(self):
        """An encoder reads; it does not write."""
        return False


def sequence_classification_loss(config, logits, labels):
    """The loss that ``config.problem_type`` names; the first labels decide where it is None.

    One number a text is regression, whole numbers are one label a text, others yes or no for each.
    """
    if config.problem_type is None:
        one_label = labels.dtype.kind == "i"
        several = "single_label_classification" if one_label else "multi_label_classification"
        config.problem_type = "regression" if config.num_labels == 1 else several
    if config.problem_type not in PROBLEM_LOSSES:
        wanted = ", ".join(PROBLEM_LOSSES)
        raise config.error("problem_type", "unknown", wanted=wanted, got=config.problem_type)
    return PROBLEM_LOSSES[config.problem_type](logits, labels)


class QuestionAnswering:
    """Ids of a question and a text to scores: where in the text does the answer start and end?"""

    def __init__(self, config):
        if config.num_labels != 2:
            problem = "a token has two scores, for start and end"
            raise config.error("num_labels", problem, wanted=2, got=config.num_labels)
        super().__init__(config)

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        inputs_embeds=None,
        start_positions=None,
        end_positions=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """As ``forward`` of the model without head, and:

        Args:
            start_positions, end_positions: (batch,): the first and the last token of the answer;
                positions beyond the text are not counted in the loss.

        Returns:
            ``QuestionAnsweringModelOutput``.
        """
        outputs = self.base_model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        logits = self.score(outputs)  # (batch, seq, 2)
        start_logits, end_logits = logits[:, :, 0], logits[:, :, 1]
        loss = None
        if start_positions is not None and end_positions is not None:
            loss = question_answering_loss(start_logits, end_logits, start_positions, end_positions)
        output = QuestionAnsweringModelOutput(
            loss=loss,
            start_logits=start_logits,
            end_logits=end_logits,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()

    def score(self, outputs):
        """Two scores a token: (batch, seq, 2)."""
        return self.qa_outputs(outputs.last_hidden_state)
