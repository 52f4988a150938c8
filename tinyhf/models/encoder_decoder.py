"""Floor 5 · What the encoder–decoders T5, BART and Marian share: one half reads, the other writes.

Mirrors what transformers/models/bart/modeling_bart.py and t5/modeling_t5.py have in common:

    input_ids ───────── encoder ── encoder_outputs     once a text
                                        │
    decoder_input_ids ─ decoder ────────┴─ hidden states ─ head ─ logits

The decoder's tokens look at each other, and (cross-attention) at the encoder's; an
``EncoderDecoderCache`` keeps the keys and values of both.
"""

from tinyhf.errors import ArgumentError
from tinyhf.functional import classification_loss
from tinyhf.functional.losses import IGNORE_INDEX
from tinyhf.models.pretrained import PreTrainedModel
from tinyhf.nn import (
    BaseModelOutput,
    EncoderDecoderCache,
    Module,
    Seq2SeqLMOutput,
    Seq2SeqModelOutput,
)


def shift_tokens_right(input_ids, pad_token_id, decoder_start_token_id):
    """What the decoder reads to write ``input_ids``: the same, one token later.

    labels              31 7 5 2 -100
    decoder_input_ids    S 31 7 5  2      S = decoder_start_token_id; -100 becomes padding
    """
    shifted = input_ids.copy()
    shifted[:, 1:] = input_ids[:, :-1]
    shifted[:, 0] = decoder_start_token_id
    shifted[shifted == IGNORE_INDEX] = pad_token_id
    return shifted


class EncoderDecoderAttention(Module):
    """Tokens look at each other, or at those of the encoder.

    A family's own class has ``layer_idx``, and ``project``: hidden states to keys and values.
    """

    def keys_and_values(self, hidden_states, key_value_states, past_key_values):
        """What to look at: (batch, heads, total or source, head_dim) each."""
        if past_key_values is None:
            return self.project(hidden_states if key_value_states is None else key_value_states)
        if key_value_states is None:
            return past_key_values.update(*self.project(hidden_states), self.layer_idx)
        cross = past_key_values.cross_attention_cache
        if not cross.get_seq_length(self.layer_idx):  # the encoder's tokens never change
            cross.update(*self.project(key_value_states), self.layer_idx)
        return cross[self.layer_idx]


class EncoderDecoderModel(PreTrainedModel):
    """A model with ``encoder`` and ``decoder``, or with a ``base_model`` that has them."""

    decoder_repeats_input = False

    def get_encoder(self):
        """The half that reads."""
        return self.base_model.encoder

    def get_decoder(self):
        """The half that writes."""
        return self.base_model.decoder

    def prepare_decoder_input_ids_from_labels(self, labels):
        """The labels (batch, seq), one token later: what the decoder reads while it learns them."""
        pad, start = self.config.pad_token_id, self.config.decoder_start_token_id
        for field, token_id in (("pad_token_id", pad), ("decoder_start_token_id", start)):
            if token_id is None:
                raise self.config.error(field, "is missing, but the decoder starts with it")
        return shift_tokens_right(labels, pad, start)

    def prepare_inputs_for_generation(
        self, decoder_input_ids, past_key_values=None, logits_to_keep=None, **kwargs
    ):
        """What one step of ``generate`` passes to ``forward``: new tokens of the decoder only.

        ``kwargs`` hold the encoder's output and mask; ``forward`` has no ``logits_to_keep``.
        """
        past = 0 if past_key_values is None else past_key_values.get_seq_length()
        new_ids = decoder_input_ids[:, past:]  # (batch, seq)
        return {**kwargs, "decoder_input_ids": new_ids, "past_key_values": past_key_values}

    def start_cache(self, past_key_values, use_cache):
        """The cache to use: the one given, a new one for both kinds of attention, or None."""
        if past_key_values is None and self.choose(use_cache, "use_cache"):
            return EncoderDecoderCache()
        return super().start_cache(past_key_values, use_cache)

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        decoder_input_ids=None,
        decoder_attention_mask=None,
        encoder_outputs=None,
        past_key_values=None,
        inputs_embeds=None,
        decoder_inputs_embeds=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """One pass: the text through the encoder, then the decoder's new tokens.

        Args:
            input_ids: (batch, source), or ``inputs_embeds``: (batch, source, hidden).
            attention_mask: (batch, source), 1 for tokens and 0 for padding.
            decoder_input_ids: (batch, seq), or ``decoder_inputs_embeds``: (batch, seq, hidden); in
                BART with neither the decoder repeats ``input_ids``.
            decoder_attention_mask: (batch, total), of cached and new tokens.
            encoder_outputs: those of an earlier call, or a tuple that begins with the last hidden
                state; then the encoder does not run.
            past_key_values: an ``EncoderDecoderCache``; with ``use_cache`` a new one if None.
            output_attentions, output_hidden_states: return those of every layer, too.
            return_dict: False gives a plain tuple.

        Returns:
            ``Seq2SeqModelOutput``.
        """
        if decoder_input_ids is None and decoder_inputs_embeds is None:
            decoder_input_ids = self.default_decoder_input_ids(input_ids)
        if encoder_outputs is None:
            encoder_outputs = self.encoder(
                input_ids=input_ids,
                attention_mask=attention_mask,
                inputs_embeds=inputs_embeds,
                output_attentions=output_attentions,
                output_hidden_states=output_hidden_states,
                return_dict=True,
            )
        elif isinstance(encoder_outputs, tuple | list):
            encoder_outputs = BaseModelOutput(*encoder_outputs)
        decoder_outputs = self.decoder(
            input_ids=decoder_input_ids,
            attention_mask=decoder_attention_mask,
            encoder_hidden_states=encoder_outputs.last_hidden_state,
            encoder_attention_mask=attention_mask,
            past_key_values=past_key_values,
            inputs_embeds=decoder_inputs_embeds,
            use_cache=use_cache,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        output = Seq2SeqModelOutput(
            last_hidden_state=decoder_outputs.last_hidden_state,
            past_key_values=decoder_outputs.past_key_values,
            decoder_hidden_states=decoder_outputs.hidden_states,
            decoder_attentions=decoder_outputs.attentions,
            cross_attentions=decoder_outputs.cross_attentions,
            encoder_last_hidden_state=encoder_outputs.last_hidden_state,
            encoder_hidden_states=encoder_outputs.hidden_states,
            encoder_attentions=encoder_outputs.attentions,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()

    def default_decoder_input_ids(self, input_ids):
        """What the decoder reads if nobody says it."""
        if self.decoder_repeats_input and input_ids is not None:
            return self.prepare_decoder_input_ids_from_labels(input_ids)
        raise ArgumentError(
            "is missing: the decoder has nothing to read",
            where="decoder_input_ids",
            fix="Begin with config.decoder_start_token_id, or give a model with a head labels",
        )

    def language_model_output(self, outputs, logits, labels):
        """``outputs`` with logits, and the loss if there are labels, in place of hidden states."""
        halves = {name: value for name, value in outputs.items() if name != "last_hidden_state"}
        loss = None if labels is None else classification_loss(logits, labels)
        return Seq2SeqLMOutput(loss=loss, logits=logits, **halves)
