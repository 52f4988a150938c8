"""Floor 6 · generate(): the ids of a prompt go in, the ids of prompt and answer come out.

Mirrors transformers/generation/utils.py. ``generate`` prepares, ``_sample`` is the loop:

    input_ids ── prefill: the whole prompt ──┐
                                             ├─ model ─ logits ─ scores ─ probs ─ next_tokens ─┐
            ┌─── decode: the newest token ───┘                                                 │
            └───────────────────────────────── input_ids ──────────────────────────────────────┘

Ids, scores and draws live on the host, wherever the model is: only one row of scores a sequence has
to come over, and only on the host the draws can be torch's.
"""

import numpy as np

from tinyhf.autograd import no_grad
from tinyhf.backend import is_array, to_host
from tinyhf.functional import softmax
from tinyhf.generation.assembly import (
    choose_generator,
    get_logits_processor,
    get_stopping_criteria,
)
from tinyhf.generation.assisted import assisted_decoding
from tinyhf.generation.beam_search import beam_search
from tinyhf.generation.guidance import get_guidance
from tinyhf.generation.outputs import GenerateBeamDecoderOnlyOutput, GenerateDecoderOnlyOutput
from tinyhf.generation.preparation import (
    choose_generation_mode,
    prepare_attention_mask,
    prepare_generated_length,
    prepare_generation_config,
    prepare_model_inputs,
    prepare_special_tokens,
    validate_model_kwargs,
)
from tinyhf.generation.recording import recorded
from tinyhf.generation.steps import (
    begin_stream,
    cannot_draw,
    on_device,
    record_step,
    what_to_record,
)
from tinyhf.generation.stopping_criteria import EosTokenCriteria
from tinyhf.generation.transition_scores import compute_transition_scores

#: What the settings ask for → the method that does it. Greedy search is sampling without the draw.
GENERATION_MODES_MAPPING = {
    "greedy_search": "_sample",
    "sample": "_sample",
    "assisted_generation": "_assisted_decoding",
    "beam_search": "_beam_search",
    "beam_sample": "_beam_search",
}


class GenerationMixin:
    """What lets a model with a language-model head write."""

    #: What loads such a model with the head that it needs.
    auto_class = "AutoModelForCausalLM"

    #: The mask of the text that grows.
    text_mask = "attention_mask"

    _beam_search = beam_search
    _assisted_decoding = assisted_decoding
    compute_transition_scores = compute_transition_scores

    #: What a step can record → the setting that asks for it.
    recordable = {
        "scores": "output_scores",
        "logits": "output_logits",
        "attentions": "output_attentions",
        "hidden_states": "output_hidden_states",
    }

    @no_grad()
    def generate(
        self,
        inputs=None,
        generation_config=None,
        logits_processor=None,
        stopping_criteria=None,
        prefix_allowed_tokens_fn=None,
        synced_gpus=None,
        assistant_model=None,
        streamer=None,
        negative_prompt_ids=None,
        negative_prompt_attention_mask=None,
        *,
        tokenizer=None,
        seed=None,
        generator=None,
        record_steps=False,
        **kwargs,
    ):
        """Continue every row of ids, token by token.

        Args:
            inputs: ids (batch, seq), also as ``input_ids=``; None begins with bos_token_id.
            generation_config: settings that ``kwargs`` do not name; after it the model's own count.
            logits_processor, stopping_criteria: lists of your own; one of a type that is set up
                here as well takes its place, others come after.
            prefix_allowed_tokens_fn: ``(batch_id, ids) -> ids`` that may come next.
            synced_gpus: ignored, there is at most one GPU.
            assistant_model: a smaller model that writes ahead, for this one to check; the tokens
                stay as probable as without, and are the very same if greedy.
            streamer: is given the prompt, then each new token.
            negative_prompt_ids, negative_prompt_attention_mask: with guidance_scale, the text to
                stay away from, (batch, seq) each.
            tokenizer: for stop_strings, and for the tables of record_steps.
            seed: the same seed gives the same tokens: those of transformers after
                ``torch.manual_seed(seed)``.
            generator: a ``TorchGenerator`` instead, or what ``torch.get_rng_state()`` gave; with
                neither, the default stream goes on.
            record_steps: True, or a number of candidates: the output has ``steps``, which show how
                each token was chosen (greedy search and sampling).
            kwargs: fields of ``GenerationConfig``; and for the model attention_mask (batch, seq), 1
                for tokens and 0 for padding, and past_key_values.

        Returns:
            int64 (batch * num_return_sequences, tokens) on the host, prompt included; or a
            ``GenerateDecoderOnlyOutput``. An encoder–decoder reads the prompt, and returns what its
            decoder wrote, from decoder_start_token_id or the caller's decoder_input_ids on, or a
            ``GenerateEncoderDecoderOutput``. After beam search: a ``GenerateBeam…Output``.

        Raises:
            ArgumentError: an argument is unknown, impossible or not available.
            NumericsError: the scores are NaN or infinite, so that nothing can be drawn.
        """
        # 1. settings: keywords > generation_config > the model's own > global defaults
        generation_config, model_kwargs = prepare_generation_config(self, generation_config, kwargs)
        # 2. the other keywords are for the model: does it know them?
        generation_mode = choose_generation_mode(generation_config, assistant_model)
        model_kwargs = validate_model_kwargs(self, model_kwargs, assistant_model)
        # 3. the prompt
        prompt = input_ids = prepare_model_inputs(self, inputs, model_kwargs, generation_config)
        # 4. which tokens end a row, and which one fills it up
        prepare_special_tokens(generation_config)
        # 5. which ids of the prompt are padding
        attention_mask = self._prepare_attention_mask_for_generation(
            input_ids, model_kwargs.get("attention_mask"), generation_config
        )
        # 6. the text that grows: the prompt, or a decoder's own; and how long it gets
        input_ids = self._prepare_text(prompt, attention_mask, model_kwargs, generation_config)
        longest = getattr(self.config, "max_position_embeddings", None)
        prepare_generated_length(generation_config, input_ids.shape[1], longest)
        # 7. what every call of the model is told (it makes the cache itself, in the prefill)
        model_kwargs.update(
            attention_mask=attention_mask,
            use_cache=generation_config.use_cache,
            output_attentions=generation_config.output_attentions,
            output_hidden_states=generation_config.output_hidden_states,
            logits_to_keep=1,
        )
        # 8. what bends the scores
        prepared_logits_processor = get_logits_processor(
            generation_config,
            input_ids,
            model_kwargs.get(self.text_mask),
            prefix_allowed_tokens_fn,
            logits_processor,
            encoder_input_ids=prompt,
        )
        if generation_config.guidance_scale is not None or negative_prompt_ids is not None:
            negative = negative_prompt_ids, negative_prompt_attention_mask
            guidance = get_guidance(self, generation_config, len(prompt), *negative)
            prepared_logits_processor[:0] = guidance  # the first of all
        # 9. what ends a row
        prepared_stopping_criteria = get_stopping_criteria(
            generation_config, stopping_criteria, tokenizer
        )
        # 10. where random numbers come from
        generator = choose_generator(seed, generator)
        # 11. expand input_ids: a row for each answer, or beam, of each prompt
        expand_size = max(generation_config.num_beams, generation_config.num_return_sequences)
        input_ids, model_kwargs = self._expand_inputs_for_generation(
            expand_size, input_ids, **model_kwargs
        )
        # 12. run the loop that does it
        decode = getattr(self, GENERATION_MODES_MAPPING[generation_mode])
        return (recorded(decode, record_steps, tokenizer) if record_steps else decode)(
            input_ids,
            logits_processor=prepared_logits_processor,
            stopping_criteria=prepared_stopping_criteria,
            generation_config=generation_config,
            streamer=streamer,
            generator=generator,
            **model_kwargs,
        )

    def _prepare_attention_mask_for_generation(self, input_ids, attention_mask, generation_config):
        """1 for tokens, 0 for padding; a family whose mask has another form says so here."""
        return prepare_attention_mask(input_ids, attention_mask, generation_config)

    def _prepare_text(self, prompt, attention_mask, model_kwargs, generation_config):
        """The ids to continue: the prompt; an encoder–decoder reads it here, and starts its own."""
        return prompt

    def _expand_inputs_for_generation(self, expand_size, input_ids, **model_kwargs):
        """Each row of the ids, of the mask and of other arrays ``expand_size`` times in a row."""
        if expand_size == 1:
            return input_ids, model_kwargs
        for name, value in model_kwargs.items():
            if is_array(value) and name != "head_mask":  # which has no rows
                model_kwargs[name] = value.repeat(expand_size, axis=0)
        return input_ids.repeat(expand_size, axis=0), model_kwargs

    def _sample(
        self,
        input_ids,
        logits_processor,
        stopping_criteria,
        generation_config,
        streamer=None,
        generator=None,
        **model_kwargs,
    ):
        """The loop: one more token for every row, until all rows are finished."""
        do_sample, pad_token_id = generation_config.do_sample, generation_config.pad_token_id
        fills_rows = any(isinstance(criterion, EosTokenCriteria) for criterion in stopping_criteria)
        recorded = what_to_record(generation_config, self.recordable)
        device, record = self.device, self.record
        unfinished_sequences = np.ones(len(input_ids), bool)
        if streamer is not None:
            begin_stream(streamer, input_ids)

        is_prefill = True
        while self._has_unfinished_sequences(unfinished_sequences):
            model_inputs = self.prepare_inputs_for_generation(input_ids, **model_kwargs)
            if device != "cpu":
                model_inputs = on_device(model_inputs, device)

            # Both calls end in forward: they are two so that a breakpoint can tell them apart.
            if is_prefill:  # the whole prompt
                outputs = self(**model_inputs, return_dict=True)
                is_prefill = False
            else:  # decode: the newest token, the others are in the cache
                outputs = self(**model_inputs, return_dict=True)
            model_kwargs = self._update_model_kwargs_for_generation(outputs, model_kwargs)

            next_token_logits = to_host(outputs.logits[:, -1]).astype(np.float32)  # (rows, vocab)
            next_token_scores = record("scores", logits_processor(input_ids, next_token_logits))
            if recorded:
                record_step(recorded, next_token_scores, next_token_logits, outputs)

            if do_sample:
                probs = softmax(next_token_scores)
                if np.isnan(probs[:, 0]).any():  # one NaN score makes its whole row NaN
                    raise cannot_draw(probs, input_ids)
                next_tokens = generator.multinomial(probs, num_samples=1).squeeze(1)  # (rows,)
            else:
                next_tokens = next_token_scores.argmax(axis=-1)
                if not (next_token_scores.max(axis=-1) > -np.inf).all():  # all banned, or one NaN
                    raise cannot_draw(softmax(next_token_scores), input_ids)
            if fills_rows:  # finished rows have drawn too, as in torch, but get padding
                next_tokens = np.where(unfinished_sequences, next_tokens, pad_token_id)

            input_ids = np.append(input_ids, record("next_tokens", next_tokens)[:, None], axis=-1)
            if streamer is not None:
                streamer.put(next_tokens)
            unfinished_sequences &= ~stopping_criteria(input_ids, recorded.get("scores"))

        if streamer is not None:
            streamer.end()
        if not generation_config.return_dict_in_generate:
            return input_ids
        steps = {name: tuple(values) for name, values in recorded.items()}
        return self._generate_output(input_ids, steps, model_kwargs)

    def _generate_output(self, sequences, steps, model_kwargs):
        """All that was asked for, with its name."""
        cache = model_kwargs["past_key_values"]
        has_beams = "beam_indices" in steps
        kind = GenerateBeamDecoderOnlyOutput if has_beams else GenerateDecoderOnlyOutput
        return kind(sequences=sequences, past_key_values=cache, **steps)

    def _has_unfinished_sequences(self, unfinished_sequences):
        """Whether any row goes on."""
        return unfinished_sequences.any()

    def _update_model_kwargs_for_generation(self, outputs, model_kwargs):
        """The cache that the step filled; a mask, and token types, that are one token longer."""
        model_kwargs["past_key_values"] = outputs.past_key_values
        if (mask := model_kwargs["attention_mask"]) is not None:
            model_kwargs["attention_mask"] = np.insert(mask, mask.shape[1], 1, axis=1)
        if "token_type_ids" in model_kwargs:  # the new token is of the last one's type
            types = to_host(model_kwargs["token_type_ids"])
            model_kwargs["token_type_ids"] = np.append(types, types[:, -1:], axis=1)
        return model_kwargs
