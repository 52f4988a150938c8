"""Floor 5 · T5: every task is text to text.

Mirrors the second half of transformers/models/t5/modeling_t5.py (Raffel et al., 2020; version 1.1
and Flan-T5 are the gated ones). Encoder and decoder are both a ``T5Stack``:

    input_ids ───────── encoder: embed_tokens ─ block × num_layers ─ final_layer_norm
                                                   │
    decoder_input_ids ─ decoder: embed_tokens ─ block × num_decoder_layers ─ final_layer_norm ─┐
                                                      logits ─ lm_head ─ · 1 / √d_model ───────┘

Shapes: batch, source = the encoder's tokens, seq = the decoder's new tokens, total = its cached and
new tokens, hidden = d_model.
"""

import copy

from tinyhf.models.configuration_t5 import T5Config
from tinyhf.models.encoder_decoder import EncoderDecoderModel
from tinyhf.models.t5_layers import T5Block, T5LayerNorm
from tinyhf.nn import (
    BaseModelOutputWithPastAndCrossAttentions,
    Dropout,
    Embedding,
    Linear,
    ModuleList,
)

#: A table that old checkpoints hold, though cross-attention knows no distances.
UNUSED_TABLE = r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight"


class T5PreTrainedModel(EncoderDecoderModel):
    """What the models of this family share."""

    config_class = T5Config
    base_model_prefix = "transformer"
    input_embeddings = "shared"
    drawn_again = (*"qkvo", "relative_attention_bias", "wi", "wi_0", "wi_1", "wo", "shared")
    keep_in_fp32_modules = ("wo",)

    def initial_std(self, name):
        """Each kind of matrix has its own, so that no scaling is needed in the formulas."""
        config = self.config
        stds = {
            "shared": 1.0,
            "q": (config.d_model * config.d_kv) ** -0.5,
            "o": (config.num_heads * config.d_kv) ** -0.5,
            "wo": config.d_ff**-0.5,
        }
        return config.initializer_factor * stds.get(name.split(".")[-2], config.d_model**-0.5)

    def make_halves(self, config):
        """Encoder and decoder, and the table of vectors they share."""
        self.shared = Embedding(config.vocab_size, config.d_model)
        self.encoder = T5Stack(config)
        decoder_config = copy.copy(config)
        decoder_config.is_decoder, decoder_config.num_layers = True, config.num_decoder_layers
        self.decoder = T5Stack(decoder_config)

    def _shift_right(self, input_ids):
        """T5's own name for what the decoder reads while it learns ``input_ids``."""
        return self.prepare_decoder_input_ids_from_labels(input_ids)


class T5Stack(T5PreTrainedModel):
    """Ids to hidden states: the encoder, or (``config.is_decoder``) the decoder."""

    input_embeddings = "embed_tokens"

    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = Embedding(config.vocab_size, config.d_model)
        self.block = ModuleList(
            T5Block(config, layer_idx) for layer_idx in range(config.num_layers)
        )
        self.final_layer_norm = T5LayerNorm(config.d_model, config.layer_norm_epsilon)
        self.dropout = Dropout(config.dropout_rate)

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        encoder_hidden_states=None,
        encoder_attention_mask=None,
        inputs_embeds=None,
        past_key_values=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """One pass over the new tokens; arguments as in ``T5Model.forward``, of this half.

        Returns:
            ``BaseModelOutputWithPastAndCrossAttentions``.
        """
        output_attentions = self.choose(output_attentions, "output_attentions")
        output_hidden_states = self.choose(output_hidden_states, "output_hidden_states")
        hidden_states = self.dropout(self.embed(input_ids, inputs_embeds))
        if self.config.is_decoder:
            past_key_values = self.start_cache(past_key_values, use_cache)
            mask = self.causal_mask(attention_mask, hidden_states, past_key_values)
            encoder_mask = self.encoder_mask(encoder_attention_mask, encoder_hidden_states)
        else:
            mask = self.encoder_mask(attention_mask, hidden_states, "attention_mask")
            encoder_mask = None
        position_bias = self.position_bias(hidden_states, past_key_values)

        all_hidden_states, all_attentions, all_cross_attentions = (), (), ()
        for block in self.block:
            if output_hidden_states:
                all_hidden_states += (hidden_states,)
            hidden_states, weights, cross_weights = block(
                hidden_states,
                mask,
                position_bias,
                encoder_hidden_states,
                encoder_mask,
                past_key_values,
            )
            if output_attentions:
                all_attentions += (weights,)
                all_cross_attentions += () if cross_weights is None else (cross_weights,)
        hidden_states = self.dropout(self.final_layer_norm(hidden_states))
        if output_hidden_states:
            all_hidden_states += (hidden_states,)

        output = BaseModelOutputWithPastAndCrossAttentions(
            last_hidden_state=hidden_states,
            past_key_values=past_key_values,
            hidden_states=all_hidden_states or None,
            attentions=all_attentions or None,
            cross_attentions=all_cross_attentions or None,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()

    def position_bias(self, hidden_states, past_key_values):
        """Computed once, by the first block, for all of them: (1, heads, seq, total)."""
        past = 0 if past_key_values is None else past_key_values.get_seq_length()
        seq = hidden_states.shape[1]
        return self.block[0].layer[0].SelfAttention.compute_bias(seq, past + seq)


class T5Model(T5PreTrainedModel):
    """Two texts to hidden states: encoder and decoder, which share one table of vectors.

    How they work together: ``EncoderDecoderModel.forward``.
    """

    keys_to_ignore_on_load_unexpected = (UNUSED_TABLE,)
    tied_weights_keys = {
        "encoder.embed_tokens.weight": "shared.weight",
        "decoder.embed_tokens.weight": "shared.weight",
    }

    def __init__(self, config):
        super().__init__(config)
        self.make_halves(config)
        self.tie_weights()


class T5ForConditionalGeneration(T5PreTrainedModel):
    """Two texts to logits: the same halves, and a head."""

    keys_to_ignore_on_load_unexpected = (UNUSED_TABLE,)
    tied_weights_keys = {**T5Model.tied_weights_keys, "lm_head.weight": "shared.weight"}

    def __init__(self, config):
        super().__init__(config)
        self.make_halves(config)
        self.lm_head = Linear(config.d_model, config.vocab_size, bias=False)
        if not config.tie_word_embeddings:
            self.drawn_again = (*self.drawn_again, "lm_head")
        self.tie_weights()

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
        labels=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """As ``T5Model.forward``, and:

        Args:
            labels: (batch, seq): what to write; -100 is not counted in the loss. Without
                ``decoder_input_ids`` the decoder reads them, one token later.

        Returns:
            ``Seq2SeqLMOutput``.
        """
        if labels is not None and decoder_input_ids is None and decoder_inputs_embeds is None:
            decoder_input_ids = self._shift_right(labels)
        outputs = super().forward(
            input_ids=input_ids,
            attention_mask=attention_mask,
            decoder_input_ids=decoder_input_ids,
            decoder_attention_mask=decoder_attention_mask,
            encoder_outputs=encoder_outputs,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            decoder_inputs_embeds=decoder_inputs_embeds,
            use_cache=use_cache,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=True,
        )
        hidden_states = outputs.last_hidden_state  # (batch, seq, hidden)
        if self.config.scale_decoder_outputs:  # a tied head has large numbers
            hidden_states = hidden_states * self.config.d_model**-0.5
        output = self.language_model_output(outputs, self.lm_head(hidden_states), labels)
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()


class T5EncoderModel(T5PreTrainedModel):
    """One text to hidden states: the encoder alone."""

    keys_to_ignore_on_load_unexpected = (r"decoder",)
    tied_weights_keys = {"encoder.embed_tokens.weight": "shared.weight"}

    def __init__(self, config):
        config = copy.copy(config)
        config.use_cache = config.is_encoder_decoder = False
        super().__init__(config)
        self.shared = Embedding(config.vocab_size, config.d_model)
        self.encoder = T5Stack(config)
        self.tie_weights()

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        inputs_embeds=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """The encoder's part of ``T5Model.forward``.

        Returns:
            ``BaseModelOutputWithPastAndCrossAttentions``, of which the encoder fills three fields.
        """
        return self.encoder(
            input_ids=input_ids,
            attention_mask=attention_mask,
            inputs_embeds=inputs_embeds,
            output_attentions=output_attentions,
            output_hidden_states=output_hidden_states,
            return_dict=return_dict,
        )
