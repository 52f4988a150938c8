"""Floor 7 · translation, from one language or from several to one or several.

Mirrors TranslationPipeline in transformers/pipelines/text2text_generation.py of transformers 4; 5
has it no more. How a model is told the languages depends on its kind:

    Marian, one pair         nothing to tell     Where is Tom?
    Marian, several targets  a code in front     >>fra<< Where is Tom?
    T5                       a prefix            translate English to French: Where is Tom?
"""

from tinyhf.errors import ArgumentError, note_once
from tinyhf.pipelines.registry import languages_of
from tinyhf.pipelines.text2text_generation import Text2TextGenerationPipeline, settings_for


class TranslationPipeline(Text2TextGenerationPipeline):
    """``pipe("Where is Tom?")`` → ``[{"translation_text": "Où est Tom ?"}]``.

    The languages are named by the task, as in "translation_en_to_fr"; plain "translation" is the
    first such task of the model's config. For one call they are named by:

    Args:
        src_lang, tgt_lang: languages as the model's files call them: "en", "fr", "fra" …
        kwargs: as for text2text-generation.

    Raises:
        ArgumentError: the model does not know that it could translate so.
    """

    return_name = "translation"

    def __init__(self, model, tokenizer=None, task="translation", device=None, **kwargs):
        tasks = translation_tasks(model.config)
        if task == "translation" and tasks:
            task = tasks[0]
            note_once(f"translation names no languages: {task} is used, the config's first.")
        super().__init__(model, tokenizer, task, device, **kwargs)
        pairs = self._known_pairs()
        if task != "translation" and pairs and self._told(*languages_of(task)) is None:
            note_once(f"{task}: the model's files speak of {', '.join(pairs)} only.")

    def _sanitize_parameters(self, src_lang=None, tgt_lang=None, **kwargs):
        params = preprocess_params, forward_params, _ = super()._sanitize_parameters(**kwargs)
        if src_lang is None and tgt_lang is None:
            return params
        told = self._told(src_lang, tgt_lang)
        if told is None:
            raise ArgumentError(
                "the model's files do not tell how it would translate so",
                where="src_lang, tgt_lang",
                wanted=" or ".join(self._known_pairs()) or "neither of them",
                got=(src_lang, tgt_lang),
            )
        preprocess_params["prefix"], forward_params["task_settings"] = told
        return params

    def check_lengths(self, source, settings):
        longest = self._length("max_length", settings)
        if longest and source > 0.9 * longest:
            note_once(
                f"The text has {source} tokens, its translation at most {longest}: it may be cut "
                "off. Pass a larger max_length."
            )

    def _told(self, src_lang, tgt_lang):
        """(prefix, settings) with which the model translates so; None if there is no way known."""
        task = f"translation_{src_lang}_to_{tgt_lang}"
        if task in translation_tasks(self.model.config):
            return settings_for(self.model.config, task)
        source, target = self._tokenizer_languages()
        if src_lang not in (None, source) and source is not None:
            return None
        code = f">>{tgt_lang}<<"
        if code in self.tokenizer.get_vocab():
            return f"{code} ", {}
        return ("", {}) if target is not None and tgt_lang in (None, target) else None

    def _known_pairs(self):
        """What the files of model and tokenizer tell: "en → fr", …"""
        pairs = [languages_of(task) for task in translation_tasks(self.model.config)]
        if None not in self._tokenizer_languages():
            pairs.append(self._tokenizer_languages())
        codes = getattr(self.tokenizer, "supported_language_codes", [])
        return [" → ".join(pair) for pair in pairs] + [f"→ {code[2:-2]}" for code in codes]

    def _tokenizer_languages(self):
        return tuple(getattr(self.tokenizer, f"{end}_lang", None) for end in ("source", "target"))


def translation_tasks(config):
    """The names of those tasks in ``task_specific_params`` that are translations."""
    tasks = getattr(config, "task_specific_params", None) or {}
    return [task for task in tasks if task.startswith("translation_")]
