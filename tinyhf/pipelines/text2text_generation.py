"""Floor 7 · text2text-generation and summarization: a text is read, and another one written.

Mirrors transformers/pipelines/text2text_generation.py of transformers 4; 5 has it no more.

    "summarize: " + text ─ tokenizer ─ encoder ─ decoder, token by token ─ text

What an encoder–decoder learnt to do may depend on what stands before the text. Its config says so:
``prefix``, or for each task a prefix and settings in ``task_specific_params``.
"""

from tinyhf.errors import ArgumentError, note_once
from tinyhf.models.encoder_decoder import EncoderDecoderModel
from tinyhf.pipelines.base import Pipeline

#: How text becomes ids, and how ids become text; all other keywords are for ``generate``.
PREPROCESS = {"truncation"}
POSTPROCESS = {"return_text", "return_tensors", "clean_up_tokenization_spaces"}

#: Used where neither the user nor the checkpoint says otherwise.
DEFAULT_GENERATION = {"max_new_tokens": 256, "num_beams": 4}


class Text2TextGenerationPipeline(Pipeline):
    """``pipe("A long text")`` → ``[{"generated_text": "Another one"}]``.

    A list of texts gives one such record for each, or with ``num_return_sequences`` a list.

    Args:
        return_text: False leaves the text out of the records.
        return_tensors: True puts ``generated_token_ids`` into the records, by default alone.
        clean_up_tokenization_spaces: no spaces before punctuation.
        truncation: how texts that are too long are cut, as for the tokenizer.
        stop_sequence: a text, or a list of them, that ends the answer.
        kwargs: all that ``generate`` takes: num_beams, max_length, do_sample …

    Raises:
        ArgumentError: the model is no encoder–decoder, or an input is no text.
    """

    #: The first half of the names in the records.
    return_name = "generated"

    def __init__(self, model, tokenizer=None, task="text2text-generation", device=None, **kwargs):
        if not (isinstance(model, EncoderDecoderModel) and model.can_generate()):
            raise ArgumentError(
                f"{task} needs a model that reads one text and writes another",
                where="model",
                wanted="an encoder–decoder such as T5ForConditionalGeneration",
                got=type(model).__name__,
                fix="Load it with AutoModelForSeq2SeqLM.",
            )
        self.prefix, self.task_settings = settings_for(model.config, task)
        super().__init__(model, tokenizer, task, device, **kwargs)

    def __call__(self, inputs=None, **kwargs):
        """As the base's; where each text of a list has one answer, the answers stand side by side.

        Returns:
            A list of records; for a list of texts with several answers each a list of such lists;
            for an iterator an iterator over lists.
        """
        answers = super().__call__(inputs, **kwargs)
        if isinstance(inputs, list | tuple) and all(len(records) == 1 for records in answers):
            return [record for (record,) in answers]
        return answers

    def _sanitize_parameters(self, **kwargs):
        preprocess_params = {name: kwargs.pop(name) for name in PREPROCESS & kwargs.keys()}
        postprocess_params = {name: kwargs.pop(name) for name in POSTPROCESS & kwargs.keys()}
        returned = [postprocess_params.get(name) for name in ("return_text", "return_tensors")]
        if returned == [False, False]:
            raise ArgumentError("nothing is left", where="return_text and return_tensors")
        if "stop_sequence" in kwargs:
            kwargs["stop_strings"] = kwargs.pop("stop_sequence")
        return preprocess_params, kwargs, postprocess_params

    def preprocess(self, text, truncation=False, prefix=None):
        """A text → input_ids and attention_mask, (1, source) each, the task's prefix included."""
        self.check_text(text)
        text = (self.prefix if prefix is None else prefix) + text
        inputs = self.tokenizer(text, truncation=truncation, return_tensors="np")
        return {name: inputs[name] for name in ("input_ids", "attention_mask")}

    def _forward(self, model_inputs, task_settings=None, **generate_kwargs):
        rows, source = model_inputs["input_ids"].shape
        settings = self._settings(task_settings or self.task_settings, generate_kwargs)
        self.check_lengths(source, settings)
        output = self.model.generate(**model_inputs, **settings)
        sequences = getattr(output, "sequences", output)  # (rows × num_return_sequences, seq)
        return {"output_ids": sequences.reshape(rows, -1, sequences.shape[-1])}

    def _settings(self, task_settings, generate_kwargs):
        """The caller's settings; below them the task's, the checkpoint's, and the pipeline's."""
        own = self.model.generation_config.set_fields()
        given = given_settings(generate_kwargs)
        added = {n: v for n, v in self._defaults().items() if n not in own} | task_settings
        if "max_length" in own | task_settings | given:
            added.pop("max_new_tokens", None)
        if "max_new_tokens" in given:
            added.pop("max_length", None)
        if "stop_strings" in own | added | given:
            added["tokenizer"] = self.tokenizer
        return {n: v for n, v in added.items() if n not in given} | generate_kwargs

    def _defaults(self):
        """DEFAULT_GENERATION, but no longer than the decoder can count."""
        positions = getattr(self.model.config, "max_position_embeddings", None)
        if positions is None:
            return DEFAULT_GENERATION
        longest = min(DEFAULT_GENERATION["max_new_tokens"], positions - 1)
        return {**DEFAULT_GENERATION, "max_new_tokens": longest}

    def check_lengths(self, source, settings):
        """Say so where the lengths of a text and its answer do not suit the task.

        Args:
            source: tokens in the text.
            settings: what ``generate`` will be told.
        """

    def _length(self, name, settings):
        """``min_length`` or ``max_length`` of the answer in tokens, whoever set it; or None."""
        chosen = self.model.generation_config.set_fields() | given_settings(settings)
        return chosen.get(name.replace("length", "new_tokens")) or chosen.get(name)

    def postprocess(
        self,
        model_outputs,
        return_text=None,
        return_tensors=None,
        clean_up_tokenization_spaces=False,
    ):
        """Ids → one record for each answer."""
        records = []
        for output_ids in model_outputs["output_ids"][0].tolist():
            record = {}
            if return_text or (return_text is None and not return_tensors):
                record[f"{self.return_name}_text"] = self.tokenizer.decode(
                    output_ids,
                    skip_special_tokens=True,
                    clean_up_tokenization_spaces=clean_up_tokenization_spaces,
                )
            if return_tensors or (return_tensors is None and return_text is False):
                record[f"{self.return_name}_token_ids"] = output_ids
            records.append(record)
        return records


class SummarizationPipeline(Text2TextGenerationPipeline):
    """``pipe("A long text")`` → ``[{"summary_text": "The same in short"}]``."""

    return_name = "summary"

    def check_lengths(self, source, settings):
        longest, shortest = (self._length(f"{m}_length", settings) for m in ("max", "min"))
        if longest and shortest and longest < shortest:
            note_once(f"No summary can have {shortest} tokens at least and {longest} at most.")
        if longest and source < longest:
            note_once(
                f"The text has {source} tokens, its summary may have {longest}: a summary is "
                f"shorter than its text. Pass max_length={max(source // 2, 1)}."
            )


def settings_for(config, task):
    """(prefix, settings) that a model's config has for a task; without any ("", {})."""
    settings = dict((getattr(config, "task_specific_params", None) or {}).get(task, {}))
    prefix = settings.pop("prefix", None) or getattr(config, "prefix", None)
    return prefix or "", settings


def given_settings(generate_kwargs):
    """What a caller of ``generate`` sets, in keywords and below them in generation_config=."""
    config = generate_kwargs.get("generation_config")
    return (config.set_fields() if config else {}) | generate_kwargs
