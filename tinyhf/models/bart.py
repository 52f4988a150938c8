"""Floor 5 · BART: an encoder–decoder that was trained to repair damaged text.

Mirrors the second half of transformers/models/bart/modeling_bart.py (Lewis et al., 2019):

    input_ids ───────── encoder: embed_tokens + embed_positions ─ layernorm_embedding ─ layers
                                                                                          │
    decoder_input_ids ─ decoder: embed_tokens + embed_positions ─ layernorm_embedding ─ layers ─┐
                                                     logits ─ final_logits_bias + ─ lm_head ────┘

Shapes: batch, source = the encoder's tokens, seq = the decoder's new tokens, total = its cached and
new tokens, hidden = d_model.
"""

from tinyhf.backend.random import default_generator
from tinyhf.models.bart_layers import (
    LAYER_NORM_EPS,
    BartDecoderLayer,
    BartEncoderLayer,
    BartLearnedPositionalEmbedding,
    BartScaledWordEmbedding,
    embed_scale,
)
from tinyhf.models.configuration_bart import BartConfig
from tinyhf.models.encoder_decoder import EncoderDecoderModel
from tinyhf.nn import (
    BaseModelOutput,
    BaseModelOutputWithPastAndCrossAttentions,
    LayerNorm,
    Linear,
    ModuleList,
    Unloaded,
)


class BartPreTrainedModel(EncoderDecoderModel):
    """What the models of this family share."""

    config_class = BartConfig
    base_model_prefix = "model"
    input_embeddings = "shared"
    keys_to_ignore_on_load_unexpected = (r"encoder\.version", r"decoder\.version")

    def initial_std(self, name):
        return self.config.init_std


class BartStack(BartPreTrainedModel):
    """What encoder and decoder share: how ids become vectors."""

    input_embeddings = "embed_tokens"

    def make_embeddings(self, config):
        """The tables for tokens and positions."""
        self.embed_tokens = BartScaledWordEmbedding(
            config.vocab_size, config.d_model, config.pad_token_id, embed_scale(config)
        )
        self.embed_positions = BartLearnedPositionalEmbedding(
            config.max_position_embeddings, config.d_model
        )

    def embed_with_positions(self, input_ids, inputs_embeds, past_key_values=None):
        """What goes into the first layer: (batch, seq, hidden)."""
        hidden_states = self.embed(input_ids, inputs_embeds)
        position_ids = self.default_positions(None, hidden_states, past_key_values)  # (1, seq)
        hidden_states = hidden_states + self.embed_positions(position_ids)
        if self.layernorm_embedding is not None:
            hidden_states = self.layernorm_embedding(hidden_states)
        return self.omit(self.config.dropout, hidden_states)

    def layers_to_run(self, layerdrop):
        """In training each layer is left out with probability ``layerdrop`` (Fan et al., 2019)."""
        if not (self.training and layerdrop):
            return self.layers
        return (layer for layer in self.layers if default_generator().uniform(1) >= layerdrop)


class BartEncoder(BartStack):
    """Ids to hidden states; every token sees all others."""

    layer_class = BartEncoderLayer

    def __init__(self, config):
        super().__init__(config)
        self.make_embeddings(config)
        self.layers = ModuleList(
            self.layer_class(config, layer_idx) for layer_idx in range(config.encoder_layers)
        )
        self.layernorm_embedding = LayerNorm(config.d_model, LAYER_NORM_EPS)

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        inputs_embeds=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """The encoder's part of ``BartModel.forward``.

        Returns:
            ``BaseModelOutput``.
        """
        output_attentions = self.choose(output_attentions, "output_attentions")
        output_hidden_states = self.choose(output_hidden_states, "output_hidden_states")
        hidden_states = self.embed_with_positions(input_ids, inputs_embeds)
        mask = self.encoder_mask(attention_mask, hidden_states, "attention_mask")

        all_hidden_states, all_attentions = (), ()
        for layer in self.layers_to_run(self.config.encoder_layerdrop):
            if output_hidden_states:
                all_hidden_states += (hidden_states,)
            hidden_states, weights = layer(hidden_states, mask)
            if output_attentions:
                all_attentions += (weights,)
        if output_hidden_states:
            all_hidden_states += (hidden_states,)

        output = BaseModelOutput(
            last_hidden_state=hidden_states,
            hidden_states=all_hidden_states or None,
            attentions=all_attentions or None,
        )
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()


class BartDecoder(BartStack):
    """Ids to hidden states; a token sees those before it, and all of the encoder."""

    layer_class = BartDecoderLayer

    def __init__(self, config):
        super().__init__(config)
        self.make_embeddings(config)
        self.layers = ModuleList(
            self.layer_class(config, layer_idx) for layer_idx in range(config.decoder_layers)
        )
        self.layernorm_embedding = LayerNorm(config.d_model, LAYER_NORM_EPS)

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        encoder_hidden_states=None,
        encoder_attention_mask=None,
        past_key_values=None,
        inputs_embeds=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
    ):
        """The decoder's part of ``BartModel.forward``.

        Returns:
            ``BaseModelOutputWithPastAndCrossAttentions``.
        """
        output_attentions = self.choose(output_attentions, "output_attentions")
        output_hidden_states = self.choose(output_hidden_states, "output_hidden_states")
        past_key_values = self.start_cache(past_key_values, use_cache)
        hidden_states = self.embed_with_positions(input_ids, inputs_embeds, past_key_values)
        mask = self.causal_mask(attention_mask, hidden_states, past_key_values)
        encoder_mask = self.encoder_mask(encoder_attention_mask, encoder_hidden_states)

        all_hidden_states, all_attentions, all_cross_attentions = (), (), ()
        for layer in self.layers_to_run(self.config.decoder_layerdrop):
            if output_hidden_states:
                all_hidden_states += (hidden_states,)
            hidden_states, weights, cross_weights = layer(
                hidden_states, mask, encoder_hidden_states, encoder_mask, past_key_values
            )
            if output_attentions:
                all_attentions += (weights,)
                all_cross_attentions += (cross_weights,)
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


class BartModel(BartPreTrainedModel):
    """Two texts to hidden states: encoder and decoder, which share one table of vectors.

    How they work together: ``EncoderDecoderModel.forward``.
    """

    decoder_repeats_input = True  # as it learnt to do, from damaged ones

    tied_weights_keys = {
        "decoder.embed_tokens.weight": "shared.weight",
        "encoder.embed_tokens.weight": "shared.weight",
    }

    def __init__(self, config):
        super().__init__(config)
        self.shared = BartScaledWordEmbedding(
            config.vocab_size, config.d_model, config.pad_token_id, embed_scale(config)
        )
        self.encoder = BartEncoder(config)
        self.decoder = BartDecoder(config)
        self.tie_weights()


class BartForConditionalGeneration(BartPreTrainedModel):
    """Two texts to logits: BartModel, and a head."""

    model_class = BartModel
    keys_to_ignore_on_load_missing = (r"^final_logits_bias$",)
    buffer_names = ("final_logits_bias",)
    tied_weights_keys = {
        "lm_head.weight": "model.shared.weight",
        "model.decoder.embed_tokens.weight": "model.shared.weight",
        "model.encoder.embed_tokens.weight": "model.shared.weight",
    }

    def __init__(self, config):
        super().__init__(config)
        self.model = self.model_class(config)
        vocab_size = self.model.decoder.embed_tokens.weight.shape[0]
        self.final_logits_bias = Unloaded(1, vocab_size)
        self.lm_head = Linear(config.d_model, vocab_size, bias=False)
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
        """As ``BartModel.forward``, and:

        Args:
            labels: (batch, seq): what to write; -100 is not counted in the loss. Without
                ``decoder_input_ids`` the decoder reads them, one token later. They need no cache.

        Returns:
            ``Seq2SeqLMOutput``.
        """
        if labels is not None:
            use_cache = False
            if decoder_input_ids is None and decoder_inputs_embeds is None:
                decoder_input_ids = self.prepare_decoder_input_ids_from_labels(labels)
        outputs = self.model(
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
        logits = self.lm_head(outputs.last_hidden_state) + self.final_logits_bias
        output = self.language_model_output(outputs, logits, labels)
        return output if self.choose(return_dict, "return_dict") else output.to_tuple()
