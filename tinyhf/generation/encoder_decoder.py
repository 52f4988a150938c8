"""Floor 6 · What encoder–decoders add to ``generate``: one text is read, another one grows.

Mirrors ``_prepare_text_encoder_decoder_kwargs_for_generation`` and
``_prepare_decoder_input_ids_for_generation`` of transformers/generation/utils.py:

    prompt ── encoder, once ── encoder_outputs ──┐
    decoder_start_token_id ──────────────────────┴─ the loop ─ sequences
"""

import numpy as np

from tinyhf.backend import is_array, to_host
from tinyhf.errors import ArgumentError
from tinyhf.generation.outputs import (
    GenerateBeamEncoderDecoderOutput,
    GenerateEncoderDecoderOutput,
)
from tinyhf.generation.preparation import check_input_ids, read_mask
from tinyhf.generation.steps import on_device
from tinyhf.generation.utils import GenerationMixin
from tinyhf.nn import BaseModelOutput


class EncoderDecoderGenerationMixin(GenerationMixin):
    """Becomes a base class of EncoderDecoderModel in ``tinyhf.generation``."""

    auto_class = "AutoModelForSeq2SeqLM"
    text_mask = "decoder_attention_mask"
    recordable = {
        "scores": "output_scores",
        "logits": "output_logits",
        "decoder_attentions": "output_attentions",
        "cross_attentions": "output_attentions",
        "decoder_hidden_states": "output_hidden_states",
    }

    def _prepare_attention_mask_for_generation(self, input_ids, attention_mask, generation_config):
        """The encoder's mask (batch, source) as it was given: padding may stand on either side."""
        return host_mask(attention_mask, input_ids.shape, "attention_mask")

    def _prepare_text(self, prompt, attention_mask, model_kwargs, generation_config):
        """Run the encoder, unless its outputs were given; the decoder's first ids: (batch, seq)."""
        if "assistant_model" in model_kwargs:  # it reads the same text
            read = {"input_ids": prompt, "attention_mask": attention_mask}
            model_kwargs["assistant_inputs"] = read
        encoder_outputs = model_kwargs.get("encoder_outputs")
        if encoder_outputs is None:
            ids_and_mask = {"input_ids": prompt, "attention_mask": attention_mask}
            encoder_outputs = self.get_encoder()(
                **on_device(ids_and_mask, self.device),
                output_attentions=generation_config.output_attentions,
                output_hidden_states=generation_config.output_hidden_states,
                return_dict=True,
            )
        elif isinstance(encoder_outputs, tuple | list):
            encoder_outputs = BaseModelOutput(*encoder_outputs)
        check_rows("encoder_outputs", len(encoder_outputs[0]), len(prompt))
        model_kwargs["encoder_outputs"] = encoder_outputs
        return self._prepare_decoder_input_ids(len(prompt), model_kwargs, generation_config)

    def _prepare_decoder_input_ids(self, rows, model_kwargs, generation_config):
        """The caller's ids, or none, after the token that every text of the decoder starts with.

        Where a row of the caller's starts with that token already, no row gets a second one.
        """
        start = generation_config.decoder_start_token_id
        start = generation_config.bos_token_id if start is None else start
        if start is None:
            raise ArgumentError(
                "is missing, and so is bos_token_id", where="decoder_start_token_id"
            )
        if np.ndim(start):
            check_rows("decoder_start_token_id", len(start), rows)
        starts = np.broadcast_to(start, rows).astype(np.int64)[:, None]  # (rows, 1)
        ids = model_kwargs.pop("decoder_input_ids", None)
        ids = starts if ids is None else np.asarray(to_host(ids))
        vocab_size = self.get_decoder().embed_tokens.weight.shape[0]
        check_input_ids(ids, vocab_size, "decoder_input_ids")
        check_rows("decoder_input_ids", len(ids), rows)
        mask = host_mask(model_kwargs.get(self.text_mask), ids.shape, self.text_mask)
        if (ids[:, :1] != starts).all():
            ids = np.concatenate((starts, ids), axis=1)
            mask = None if mask is None else np.insert(mask, 0, 1, axis=1)
        if mask is not None:
            model_kwargs[self.text_mask] = mask
        return ids.astype(np.int64)

    def _expand_inputs_for_generation(self, expand_size, input_ids, **model_kwargs):
        """Also the encoder's last hidden state: each prompt is read once for all its answers."""
        outputs = model_kwargs["encoder_outputs"]
        if expand_size > 1:
            repeated = {
                name: value.repeat(expand_size, axis=0) if is_array(value) else value
                for name, value in outputs.items()
            }
            model_kwargs["encoder_outputs"] = type(outputs)(**repeated)
        return super()._expand_inputs_for_generation(expand_size, input_ids, **model_kwargs)

    def _update_model_kwargs_for_generation(self, outputs, model_kwargs):
        """The cache that the step filled; only the decoder's text gets longer."""
        model_kwargs["past_key_values"] = outputs.past_key_values
        if (mask := model_kwargs.get(self.text_mask)) is not None:
            model_kwargs[self.text_mask] = np.insert(mask, mask.shape[1], 1, axis=1)
        return model_kwargs

    def _generate_output(self, sequences, steps, model_kwargs):
        """All that was asked for, of both halves."""
        encoder_outputs = model_kwargs["encoder_outputs"]
        for name in ("attentions", "hidden_states"):
            if model_kwargs[f"output_{name}"]:
                steps[f"encoder_{name}"] = getattr(encoder_outputs, name)
        cache = model_kwargs["past_key_values"]
        has_beams = "beam_indices" in steps
        kind = GenerateBeamEncoderDecoderOutput if has_beams else GenerateEncoderDecoderOutput
        return kind(sequences=sequences, past_key_values=cache, **steps)


def host_mask(mask, shape, where):
    """A mask on the host, int64, once it is sure that it fits its ids; None stays None."""
    return None if mask is None else read_mask(mask, shape, where)


def check_rows(where, got, rows):
    """Raise ArgumentError unless there is one for each prompt."""
    if got != rows:
        raise ArgumentError("has not a row for each prompt", where=where, wanted=rows, got=got)
