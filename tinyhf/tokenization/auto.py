"""Floor 4 · ``AutoTokenizer``: which tokenizer class a model's files ask for.

Mirrors transformers/models/auto/tokenization_auto.py.
"""

from tinyhf.errors import ArgumentError
from tinyhf.hub import HubOptions, cached_file
from tinyhf.tokenization.backend_files import TOKENIZER_CONFIG_FILE, read_json
from tinyhf.tokenization.concrete import (
    BertTokenizer,
    GPT2Tokenizer,
    LlamaTokenizer,
    T5Tokenizer,
)
from tinyhf.tokenization.fast import PreTrainedTokenizerFast

# The class by the name in the files; the old ending "Fast" means the same class.
TOKENIZER_CLASSES = {
    cls.__name__: cls for cls in (BertTokenizer, GPT2Tokenizer, LlamaTokenizer, T5Tokenizer)
}

# The class by the config's model_type, for files that name no class.
TOKENIZER_MAPPING_NAMES = {
    "bert": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "gpt2": "GPT2Tokenizer",
    "t5": "T5Tokenizer",
}


class AutoTokenizer:
    """Chooses the class; made with :meth:`from_pretrained` only."""

    def __init__(self):
        raise ArgumentError(
            "AutoTokenizer only chooses a class",
            fix="Use AutoTokenizer.from_pretrained(name)",
        )

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, **kwargs):
        """Load a tokenizer of the class its files name; any other loads as PreTrainedTokenizerFast.

        Ids do not depend on the class, because tokenizer.json alone decides them. Why a class was
        chosen is said by ``tokenizer.class_reason``. Arguments and errors are those of
        :meth:`PreTrainedTokenizerBase.from_pretrained`.
        """
        name = str(pretrained_model_name_or_path)
        hub = HubOptions.pop_from(dict(kwargs))
        resolved_config_file = cached_file(name, TOKENIZER_CONFIG_FILE, hub)
        # One commit for all files that follow, and no second question to the hub.
        hub = hub.at_commit_of(resolved_config_file)
        kwargs["revision"] = hub.revision
        tokenizer_class, reason = _choose_class(name, hub)
        tokenizer = tokenizer_class.from_pretrained(name, **kwargs)
        tokenizer.class_reason = reason
        return tokenizer


def _choose_class(name, hub):
    """The class, and the reason in words."""
    for filename in (TOKENIZER_CONFIG_FILE, "config.json"):
        settings = read_json(cached_file(name, filename, hub))
        asked = settings.get("tokenizer_class")
        if asked is not None:
            reason = f"tokenizer_class {asked!r} in {filename}"
            found = TOKENIZER_CLASSES.get(asked.removesuffix("Fast"))
            return found or PreTrainedTokenizerFast, reason
    model_type = settings.get("model_type")
    if model_type in TOKENIZER_MAPPING_NAMES:
        found = TOKENIZER_CLASSES[TOKENIZER_MAPPING_NAMES[model_type]]
        return found, f"model_type {model_type!r} in config.json"
    return PreTrainedTokenizerFast, "neither tokenizer_config.json nor config.json names a class"
