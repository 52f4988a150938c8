"""Floor 6 · Guesses for assisted generation: what a small model writes, or what the text says.

Mirrors transformers/generation/candidate_generator.py, without scikit-learn: where that package is
installed, transformers also tunes ``assistant_confidence_threshold`` from round to round.
"""

import copy

import numpy as np

from tinyhf.configuration.generation import GLOBAL_DEFAULTS
from tinyhf.errors import ArgumentError, note_once
from tinyhf.functional import softmax
from tinyhf.generation.logits_length import MinLengthLogitsProcessor
from tinyhf.generation.stopping_criteria import StoppingCriteria

DEFAULT_NGRAM_SIZE = 2

#: What is read from the draft model's own generation_config, as in transformers.
SETTINGS_OF_THE_ASSISTANT = (
    "num_assistant_tokens",
    "num_assistant_tokens_schedule",
    "assistant_confidence_threshold",
)


class CandidateGenerator:
    """Base of what guesses."""

    def get_candidates(self, input_ids):
        """The text and the guesses behind it.

        Args:
            input_ids: int64 (1, tokens so far).

        Returns:
            int64 (1, tokens so far + candidates); and the scores each candidate was drawn from,
            (candidates, vocabulary), or None.
        """
        raise NotImplementedError(f"{type(self).__name__} has no get_candidates(input_ids)")

    def update_candidate_strategy(self, num_candidates, num_matches):
        """Learn from how many of the candidates were right."""


class PromptLookupCandidateGenerator(CandidateGenerator):
    """What followed the last few tokens when they stood in the text before.

    Saxena 2023, Prompt Lookup Decoding:

        the cat sat on the mat · the cat        the last two tokens stood at the beginning:
        ─────── ──────────────   ───────        candidates are "sat on the mat · …"

    Args:
        num_output_tokens: so many candidates at most.
        max_matching_ngram_size: so many last tokens are looked for first, then fewer.
        max_length: of the text in the end.
        eos_token_id: a list; candidates stop in front of an end token. None: there is none.
        logits_processor: a candidate that it bans is none.
        vocab_size: of the scores that the processors see.
    """

    def __init__(
        self,
        num_output_tokens,
        max_matching_ngram_size,
        max_length,
        eos_token_id,
        logits_processor,
        vocab_size,
    ):
        self.num_output_tokens = num_output_tokens
        self.max_matching_ngram_size = max_matching_ngram_size
        self.max_length = max_length
        self.eos_token_id = eos_token_id or []
        self.logits_processor = logits_processor
        self.vocab_size = vocab_size

    def get_candidates(self, input_ids):
        if input_ids.shape[1] + 1 == self.max_length:  # the last token is the model's own
            return input_ids, None
        allowed = (self._allowed(input_ids, found) for found in self._continuations(input_ids))
        candidates = next(filter(len, allowed), input_ids[0, :0])  # the first that is not empty
        ends = np.isin(candidates, self.eos_token_id)
        if ends.any():
            candidates = candidates[: ends.argmax()]
        return np.append(input_ids, candidates[None], axis=1), None

    def _continuations(self, input_ids):
        """What followed the last tokens elsewhere: the longest match first, then the earliest."""
        text = input_ids[0]
        for size in range(min(self.max_matching_ngram_size, len(text) - 1), 0, -1):
            windows = np.lib.stride_tricks.sliding_window_view(text[:-1], size)
            for start in np.flatnonzero((windows == text[-size:]).all(axis=1)) + size:
                yield text[start : start + self.num_output_tokens]

    def _allowed(self, input_ids, candidates):
        """The candidates in front of the first one that a processor gives no chance."""
        for count in range(len(candidates) if self.logits_processor else 0):
            text = np.append(input_ids, candidates[None, :count], axis=1)
            scores = self.logits_processor(text, np.ones((1, self.vocab_size), np.float32))
            if np.isneginf(scores[0, candidates[count]]):
                return candidates[:count]
        return candidates


class AssistedCandidateGenerator(CandidateGenerator):
    """What a smaller model with the same vocabulary writes on its own.

    Leviathan et al. 2023, arXiv:2211.17192. How many tokens it writes, and below which probability
    it stops, stand in ``assistant_model.generation_config``.

    Args:
        assistant_model: the smaller model, often called the draft model.
        generation_config: that of the model that checks.
        logits_processor: that of the model that checks; the draft is bent in the same way.
        generator: the stream from which the draft is drawn, too.
        assistant_inputs: for its ``generate``: the attention_mask (1, seq) of the prompt or None;
            also, for an encoder–decoder, the prompt as input_ids, and its own encoder_outputs.
    """

    def __init__(
        self, assistant_model, generation_config, logits_processor, generator, assistant_inputs
    ):
        self.assistant_model = assistant_model
        self.generator = generator
        self.assistant_inputs = assistant_inputs
        self.logits_processor = [
            processor
            for processor in logits_processor
            if type(processor) is not MinLengthLogitsProcessor  # each round has its own minimum
        ]
        self.max_length = generation_config.max_length
        self.min_length = generation_config.min_length or 0
        settings = {**GLOBAL_DEFAULTS, **assistant_model.generation_config.set_fields()}
        note_settings_elsewhere(generation_config, settings)
        self.num_assistant_tokens = settings["num_assistant_tokens"]
        self.schedule = settings["num_assistant_tokens_schedule"]
        self.stopping_criteria = [ConfidenceCriteria(settings["assistant_confidence_threshold"])]
        self.generation_config = copy.copy(generation_config)
        vars(self.generation_config).update(
            return_dict_in_generate=True,
            output_scores=True,
            output_logits=False,
            output_attentions=False,
            output_hidden_states=False,
            min_length=None,
            max_length=None,
            stop_strings=None,  # needs a tokenizer, and the model that checks stops in time
        )
        self.past_key_values = None

    def get_candidates(self, input_ids):
        length = input_ids.shape[1]
        max_new_tokens = min(self.num_assistant_tokens, self.max_length - length - 1)
        if max_new_tokens <= 0:
            return input_ids, None
        if self.past_key_values is not None:
            self.past_key_values.crop(length - 1)  # forget what was refused
        outputs = self.assistant_model.generate(
            **self._text(input_ids),
            generation_config=self.generation_config,
            min_new_tokens=max(min(max_new_tokens, self.min_length - length), 0),
            max_new_tokens=max_new_tokens,
            logits_processor=self.logits_processor,
            stopping_criteria=self.stopping_criteria,
            generator=self.generator,
            past_key_values=self.past_key_values,
        )
        self.past_key_values = outputs.past_key_values
        return outputs.sequences, np.concatenate(outputs.scores)

    def _text(self, input_ids):
        """What the draft goes on from; the mask is as long as it."""
        if "encoder_outputs" in self.assistant_inputs:
            return {**self.assistant_inputs, "decoder_input_ids": input_ids}
        mask = np.ones_like(input_ids)
        if (given := self.assistant_inputs["attention_mask"]) is not None:
            mask[:, : given.shape[1]] = given
        return {**self.assistant_inputs, "input_ids": input_ids, "attention_mask": mask}

    def update_candidate_strategy(self, num_candidates, num_matches):
        """Unless the schedule is "constant": two more if all were right, else one fewer."""
        if self.schedule != "constant":
            right = num_matches == num_candidates
            self.num_assistant_tokens = max(1, self.num_assistant_tokens + (2 if right else -1))
        if self.schedule == "heuristic":  # "heuristic_transient" forgets it after the call
            self.assistant_model.generation_config.num_assistant_tokens = self.num_assistant_tokens


class ConfidenceCriteria(StoppingCriteria):
    """Finished when the last token had a smaller probability than the threshold."""

    def __init__(self, assistant_confidence_threshold):
        self.assistant_confidence_threshold = assistant_confidence_threshold

    def __call__(self, input_ids, scores):
        probability = softmax(scores[-1])[0, input_ids[0, -1]]
        return bool(probability < self.assistant_confidence_threshold)


def note_settings_elsewhere(generation_config, settings_of_the_assistant):
    """Say which settings the caller gave to the wrong model."""
    for name in SETTINGS_OF_THE_ASSISTANT:
        value = getattr(generation_config, name)
        if value not in (settings_of_the_assistant[name], GLOBAL_DEFAULTS[name]):
            note_once(
                f"{name}={value!r} has no effect here: as in transformers, it is read from "
                "assistant_model.generation_config."
            )


def get_candidate_generator(
    model, generation_config, logits_processor, generator, assistant_model, assistant_inputs
):
    """The one that the settings ask for.

    Raises:
        ArgumentError: the two models do not go together.
    """
    if assistant_model is None:
        return PromptLookupCandidateGenerator(
            generation_config.prompt_lookup_num_tokens,
            generation_config.max_matching_ngram_size or DEFAULT_NGRAM_SIZE,
            generation_config.max_length,
            generation_config.eos_token_id,
            logits_processor,
            model.config.vocab_size,
        )
    check_assistant(model, assistant_model)
    if "input_ids" in assistant_inputs:  # the draft model has an encoder of its own
        mask = assistant_inputs["attention_mask"]
        source = assistant_inputs["input_ids"]
        assistant_model._prepare_text(source, mask, assistant_inputs, generation_config)
    return AssistedCandidateGenerator(
        assistant_model, generation_config, logits_processor, generator, assistant_inputs
    )


def check_assistant(model, assistant_model):
    """Raise ArgumentError unless it guesses tokens that the model knows."""
    kind = type(assistant_model).__name__
    if not hasattr(assistant_model, "text_mask"):
        wanted = "a model that generates"
        raise ArgumentError("wrong type", where="assistant_model", wanted=wanted, got=kind)
    config = assistant_model.config
    if config.vocab_size != model.config.vocab_size:
        raise ArgumentError(
            "has another vocabulary than the model",
            where="assistant_model",
            wanted=f"vocab_size {model.config.vocab_size}",
            got=config.vocab_size,
            fix="Assistants with a tokenizer of their own are not available in this version.",
        )
    if assistant_model.text_mask != model.text_mask:
        problem = "only one of the two models is an encoder–decoder"
        raise ArgumentError(problem, where="assistant_model", got=kind)
