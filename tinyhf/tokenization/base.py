"""Floor 4 · A tokenizer as files: loading, saving, its settings and its repr.

Mirrors transformers/tokenization_utils_base.py. What a tokenizer does with text is in ``fast.py``.
"""

import functools
import json
from pathlib import Path

from tinyhf.errors import ArgumentError, TokenizerError, note_once
from tinyhf.hub import HubOptions, cached_file
from tinyhf.tokenization import backend_files as files
from tinyhf.tokenization.chat_template import ChatTemplateMixin
from tinyhf.tokenization.padding import NO_LIMIT
from tinyhf.tokenization.special_tokens import SpecialTokensMixin
from tinyhf.tokenization.switches import SwitchesMixin
from tinyhf.tokenization.vocabulary import VocabularyMixin

# What model_max_length says when the model has no limit.
VERY_LARGE_INTEGER = int(1e30)

# Arguments of other versions and of AutoTokenizer without effect; tinyhf.hub takes out some more.
IGNORED_ARGUMENTS = {
    "code_revision",
    "config",
    "from_slow",
    "gguf_file",
    "tokenizer_type",
    "use_fast",
    "verbose",
}

# Arguments that are used even where the files do not have them, besides the tokens' names.
USED_ARGUMENTS = {
    "add_prefix_space",
    "chat_template",
    "clean_up_tokenization_spaces",
    "do_lower_case",
    "extra_ids",
    "extra_special_tokens",
    "model_input_names",
    "model_max_length",
    "padding_side",
    "source_lang",
    "strip_accents",
    "target_lang",
    "tokenize_chinese_chars",
    "trim_offsets",
    "truncation_side",
}


class PreTrainedTokenizerBase(
    VocabularyMixin, SpecialTokensMixin, SwitchesMixin, ChatTemplateMixin
):
    """What every tokenizer has: a ``tokenizers.Tokenizer``, special tokens and settings.

    Args:
        tokenizer_object: the ``tokenizers.Tokenizer`` that does the work.
        tokenizer_file: or the tokenizer.json to read it from.
        settings: the fields of tokenizer_config.json.

    Attributes:
        model_max_length: tokens the model can read; 1e30 if it has no limit.
        padding_side, truncation_side: "left" or "right".
        vocab_files_names, build_backend: what the class is built from where there is no
            tokenizer.json: ``{argument: file}``, and the builder with these arguments.
        init_kwargs: the settings it was made with, those it does not use included.
        class_reason: why AutoTokenizer chose this class.
    """

    model_input_names = ["input_ids", "attention_mask"]
    padding_side = "right"
    truncation_side = "right"
    default_special_tokens = {}
    vocab_files_names = {}
    build_backend = None
    class_reason = "asked for by name"

    def __init__(self, tokenizer_object=None, *, tokenizer_file=None, name_or_path="", **settings):
        if tokenizer_object is None and tokenizer_file is None:
            raise ArgumentError(
                "a tokenizer needs tokenizer_object or tokenizer_file",
                where=type(self).__name__,
                fix=f"To load a model's tokenizer: {type(self).__name__}.from_pretrained(name)",
            )
        self._tokenizer = tokenizer_object or files.read_tokenizer_file(tokenizer_file)
        self.name_or_path = str(name_or_path)
        _adopt_stored_lengths(self._tokenizer, settings)
        self._add_declared(settings.pop("added_tokens", []))
        named, extra = files.split_tokens(settings)
        self._init_special_tokens({**self._usable_defaults(), **named}, extra)
        self._apply(settings)
        switches = ("add_bos_token", "add_eos_token", "add_prefix_space")
        self._turn_switches(**{name: settings.get(name) for name in switches})

    def _add_declared(self, tokens):
        """Add what tokenizer_config.json declares and tokenizer.json, the truth for ids, lacks."""
        known = set(map(str, self.added_tokens_decoder.values()))
        self.add_tokens([files.as_token(t) for t in tokens if t["content"] not in known])

    def _usable_defaults(self):
        """The class's own special tokens, as far as this vocabulary has them."""
        defaults = self.default_special_tokens.items()
        return {n: t for n, t in defaults if self._tokenizer.token_to_id(str(t)) is not None}

    def _apply(self, settings):
        self.init_kwargs = settings
        self.model_max_length = settings.get("model_max_length") or VERY_LARGE_INTEGER
        self.padding_side = settings.get("padding_side", self.padding_side)
        self.truncation_side = settings.get("truncation_side", self.truncation_side)
        self.model_input_names = settings.get("model_input_names", self.model_input_names)
        self.clean_up_tokenization_spaces = settings.get("clean_up_tokenization_spaces", False)
        self.chat_template = settings.pop("chat_template", None)
        for name in ("padding_side", "truncation_side"):
            if getattr(self, name) not in ("left", "right"):
                raise TokenizerError(
                    "no such side", where=name, wanted='"left" or "right"', got=getattr(self, name)
                )

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, **kwargs):
        """Load the tokenizer of a folder or of a model on the Hub.

        Args:
            pretrained_model_name_or_path: a folder, or a name such as "gpt2".
            kwargs: where to look (see ``tinyhf.hub.HubOptions``: cache_dir, revision, token, …) and
                settings that go before those of the files, such as ``padding_side="left"``.

        Raises:
            TokenizerError: the files do not make a tokenizer.
            HubError: the name leads nowhere.
        """
        name = str(pretrained_model_name_or_path)
        hub = HubOptions.pop_from(kwargs)
        resolved_config_file = cached_file(name, files.TOKENIZER_CONFIG_FILE, hub)
        hub = hub.at_commit_of(resolved_config_file)

        @functools.cache
        def find(filename):
            return cached_file(name, filename, hub)

        settings = files.read_settings(resolved_config_file, find)
        settings |= _known(kwargs, settings)
        settings["name_or_path"] = name
        return cls._load(find, name, settings)

    @classmethod
    def _load(cls, find, name, settings):
        """tokenizer.json decides if there is one; else the class is built from its vocabulary."""
        tokenizer_file = find(files.TOKENIZER_FILE)
        if tokenizer_file is not None:
            return cls(tokenizer_file=tokenizer_file, **settings)
        paths = files.find_vocabulary(cls, find, name)
        return cls(cls.build_backend(cls._tokens_in(settings), settings, **paths), **settings)

    @classmethod
    def _tokens_in(cls, settings):
        """The special tokens, as strings by name: those of the files before those of the class."""
        named, _ = files.split_tokens(dict(settings))
        named = {name: token for name, token in named.items() if token is not None}
        return {name: str(t) for name, t in {**cls.default_special_tokens, **named}.items()}

    def save_pretrained(self, save_directory):
        """Write the vocabulary, tokenizer_config.json and the chat templates.

        Returns:
            The paths written, as strings.
        """
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        written = self._save_chat_templates(folder)
        config = folder / files.TOKENIZER_CONFIG_FILE
        text = json.dumps(self._saved_settings(), indent=2, sort_keys=True, ensure_ascii=False)
        config.write_text(text + "\n", encoding="utf-8")
        return tuple(map(str, [config, *written, *self.save_vocabulary(folder)]))

    def save_vocabulary(self, save_directory):
        """Write tokenizer.json; returns the paths written."""
        # The lengths of the last call are not part of the tokenizer.
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        path = str(Path(save_directory) / files.TOKENIZER_FILE)
        self._tokenizer.save(path)
        return (path,)

    def _saved_settings(self):
        return {
            **self.init_kwargs,
            **self.special_tokens_map,
            "extra_special_tokens": self.extra_special_tokens,
            "model_max_length": self.model_max_length,
            "padding_side": self.padding_side,
            "truncation_side": self.truncation_side,
            "clean_up_tokenization_spaces": self.clean_up_tokenization_spaces,
            "tokenizer_class": type(self).__name__,
        }

    def _save_chat_templates(self, folder):
        sources = self.chat_template or {}
        if isinstance(sources, str):
            sources = {"default": sources}
        written = []
        for name, source in sources.items():
            further = folder / files.CHAT_TEMPLATE_DIR / f"{Path(name).name}.jinja"
            path = folder / files.CHAT_TEMPLATE_FILE if name == "default" else further
            path.parent.mkdir(exist_ok=True)
            path.write_text(source, encoding="utf-8")
            written.append(path)
        return written

    def __repr__(self):
        limit = self.model_max_length if self.model_max_length < NO_LIMIT else "no limit"
        lines = [
            f"name_or_path={self.name_or_path!r}",
            f"vocab_size={self.vocab_size} (len {len(self)})",
            f"model_max_length={limit}",
            f"padding_side={self.padding_side!r}, truncation_side={self.truncation_side!r}",
        ]
        lines += [
            f"{name}={token!r} ({self.convert_tokens_to_ids(token)})"
            for name, token in self.special_tokens_map.items()
        ]
        if self.extra_special_tokens:
            lines.append(f"extra_special_tokens: {len(self.extra_special_tokens)}")
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def _adopt_stored_lengths(backend, settings):
    """A tokenizer.json may carry padding and truncation: keep what it says of side and token, and
    switch both off, because every call says anew what it wants."""
    if backend.padding:
        settings.setdefault("pad_token", backend.padding["pad_token"])
        settings.setdefault("padding_side", backend.padding["direction"])
    if backend.truncation:
        settings.setdefault("truncation_side", backend.truncation["direction"])
    backend.no_padding()
    backend.no_truncation()


def _known(asked, settings):
    """What the caller set, without the arguments that mean nothing here."""
    asked = {name: value for name, value in asked.items() if name not in IGNORED_ARGUMENTS}
    if "additional_special_tokens" in asked:
        asked["extra_special_tokens"] = asked.pop("additional_special_tokens")
    for name in asked:
        if name not in USED_ARGUMENTS | set(settings) and not name.endswith("_token"):
            note_once(f"from_pretrained: tokenizers here make no use of {name}={asked[name]!r}")
    return asked
