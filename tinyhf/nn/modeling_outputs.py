"""Floor 3 · The outputs of all kinds of models, each a list of named arrays.

Mirrors transformers/modeling_outputs.py. What the names mean wherever they stand:

    loss: a scalar, if labels were given.
    logits: (batch, seq, vocabulary) for language models, (batch, labels) for classifiers.
    last_hidden_state: (batch, seq, hidden), after the last norm.
    pooler_output: (batch, hidden), the first token's vector through one more layer.
    past_key_values: the cache, if it was asked for.
    hidden_states: layers + 1 arrays (batch, seq, hidden): the embeddings, then each layer's.
    attentions: one array a layer, (batch, heads, seq, total).
    cross_attentions: the same where a decoder looks at its encoder, (batch, heads, seq, source).
    decoder_…, encoder_…: the above of either half of an encoder–decoder.
"""

from dataclasses import make_dataclass
from typing import Any

from tinyhf.nn.outputs import ModelOutput


def _output(name, *fields):
    """A subclass of ModelOutput with these fields, all None unless given."""
    fields = [(field, Any, None) for field in fields]
    options = {"repr": False, "eq": False, "namespace": {"__module__": __name__}}
    return make_dataclass(name, fields, bases=(ModelOutput,), **options)


_STATES = ("hidden_states", "attentions")
_DECODER = ("past_key_values", *_STATES, "cross_attentions")
_HALVES = (
    "past_key_values",
    "decoder_hidden_states",
    "decoder_attentions",
    "cross_attentions",
    "encoder_last_hidden_state",
    "encoder_hidden_states",
    "encoder_attentions",
)

# Without a head.
BaseModelOutput = _output("BaseModelOutput", "last_hidden_state", *_STATES)
BaseModelOutputWithPast = _output(
    "BaseModelOutputWithPast", "last_hidden_state", "past_key_values", *_STATES
)
BaseModelOutputWithPastAndCrossAttentions = _output(
    "BaseModelOutputWithPastAndCrossAttentions", "last_hidden_state", *_DECODER
)
BaseModelOutputWithPoolingAndCrossAttentions = _output(
    "BaseModelOutputWithPoolingAndCrossAttentions", "last_hidden_state", "pooler_output", *_DECODER
)
Seq2SeqModelOutput = _output("Seq2SeqModelOutput", "last_hidden_state", *_HALVES)

# With the head of a language model.
CausalLMOutputWithPast = _output(
    "CausalLMOutputWithPast", "loss", "logits", "past_key_values", *_STATES
)
CausalLMOutputWithCrossAttentions = _output(
    "CausalLMOutputWithCrossAttentions", "loss", "logits", *_DECODER
)
MaskedLMOutput = _output("MaskedLMOutput", "loss", "logits", *_STATES)
Seq2SeqLMOutput = _output("Seq2SeqLMOutput", "loss", "logits", *_HALVES)

# With the head of a classifier.
NextSentencePredictorOutput = _output("NextSentencePredictorOutput", "loss", "logits", *_STATES)
SequenceClassifierOutput = _output("SequenceClassifierOutput", "loss", "logits", *_STATES)
TokenClassifierOutput = _output("TokenClassifierOutput", "loss", "logits", *_STATES)
QuestionAnsweringModelOutput = _output(
    "QuestionAnsweringModelOutput", "loss", "start_logits", "end_logits", *_STATES
)
BertForPreTrainingOutput = _output(
    "BertForPreTrainingOutput", "loss", "prediction_logits", "seq_relationship_logits", *_STATES
)
