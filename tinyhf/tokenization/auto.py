"""Floor 4 · ``AutoTokenizer``: which tokenizer class a model's files ask for.

Mirrors transformers/models/auto/tokenization_auto.py.
"""

from tinyhf.errors import ArgumentError
from tinyhf.hub import HubOptions, cached_file
from tinyhf.tokenization.backend_files import TOKENIZER_CONFIG_FILE, TOKENIZER_FILE, read_json
from tinyhf.tokenization.chatglm import ChatGLMTokenizer
from tinyhf.tokenization.concrete import (
    BertTokenizer,
    DistilBertTokenizer,
    GPT2Tokenizer,
    LlamaTokenizer,
    Qwen2Tokenizer,
    RobertaTokenizer,
    T5Tokenizer,
)
from tinyhf.tokenization.fast import PreTrainedTokenizerFast
from tinyhf.tokenization.marian import MarianTokenizer

# The class by the name in the files; the old ending "Fast" means the same class.
TOKENIZER_CLASSES = {
    "BartTokenizer": RobertaTokenizer,
    "BertTokenizer": BertTokenizer,
    "ChatGLMTokenizer": ChatGLMTokenizer,
    "DistilBertTokenizer": DistilBertTokenizer,
    "GPT2Tokenizer": GPT2Tokenizer,
    "LlamaTokenizer": LlamaTokenizer,
    "MarianTokenizer": MarianTokenizer,
    "Qwen2Tokenizer": Qwen2Tokenizer,
    "RobertaTokenizer": RobertaTokenizer,
    "T5Tokenizer": T5Tokenizer,
}

# The class by the config's model_type, for files that name no class.
TOKENIZER_MAPPING_NAMES = {
    "bart": "BartTokenizer",
    "bert": "BertTokenizer",
    "chatglm": "ChatGLMTokenizer",
    "distilbert": "DistilBertTokenizer",
    "gpt2": "GPT2Tokenizer",
    "marian": "MarianTokenizer",
    "qwen2": "Qwen2Tokenizer",
    "qwen3": "Qwen2Tokenizer",
    "roberta": "RobertaTokenizer",
    "t5": "T5Tokenizer",
}

# The class by a file that it is built from, for models that have no tokenizer.json, name no class
# and are of no other model_type than these.
PLAIN_MODEL_TYPES = (None, "gpt_bigcode", "llama", "mistral")
TOKENIZER_CLASS_OF_FILE = {
    "ice_text.model": ChatGLMTokenizer,
    "source.spm": MarianTokenizer,
    "vocab.txt": BertTokenizer,
    "merges.txt": GPT2Tokenizer,
    "spiece.model": T5Tokenizer,
    "tokenizer.model": LlamaTokenizer,
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

        Where there is a tokenizer.json it decides the ids, whatever the class; otherwise the class
        knows what to make of the vocabulary files. Why a class was chosen is said by
        ``tokenizer.class_reason``. Arguments and errors are those of
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
    if model_type in PLAIN_MODEL_TYPES and cached_file(name, TOKENIZER_FILE, hub) is None:
        for filename, found in TOKENIZER_CLASS_OF_FILE.items():
            if cached_file(name, filename, hub):
                return found, f"there is a {filename} and no tokenizer.json"
    return PreTrainedTokenizerFast, "neither tokenizer_config.json nor config.json names a class"
