"""Floor 4 · Which files make a tokenizer: files → settings and a ``tokenizers.Tokenizer``.

Mirrors the file half of transformers/tokenization_utils_base.py (``_from_pretrained``) and
``convert_to_native_format`` of tokenization_utils_tokenizers.py. ``find`` is everywhere a function
from a file's name to its local path, or None if the model has no such file.
"""

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer

from tinyhf.errors import TokenizerError
from tinyhf.tokenization.special_tokens import SPECIAL_TOKENS_ATTRIBUTES

TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_CONFIG_FILE = "tokenizer_config.json"
SPECIAL_TOKENS_MAP_FILE = "special_tokens_map.json"
ADDED_TOKENS_FILE = "added_tokens.json"
CHAT_TEMPLATE_FILE = "chat_template.jinja"
CHAT_TEMPLATE_DIR = "additional_chat_templates"
LEGACY_CHAT_TEMPLATE_FILE = "chat_template.json"

# Vocabulary files a model may have instead of tokenizer.json.
VOCABULARY_FILES = (
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "source.spm",
    "target.spm",
)


def find_vocabulary(tokenizer_class, find, name):
    """The files that ``tokenizer_class`` is built from, where there is no tokenizer.json.

    Returns:
        ``{"vocab_file": path, …}``, named as in ``tokenizer_class.vocab_files_names``.

    Raises:
        TokenizerError: one of them is missing, or the class can be built from no such files.
    """
    names = tokenizer_class.vocab_files_names
    paths = {argument: find(filename) for argument, filename in names.items()}
    if names and all(paths.values()):
        return paths
    missing = [names[argument] for argument, path in paths.items() if path is None]
    wanted = " and ".join(missing)
    raise TokenizerError(
        f"no file to build a {tokenizer_class.__name__} from",
        where=name,
        wanted=f"{TOKENIZER_FILE}, or {wanted} as well" if names else TOKENIZER_FILE,
        got=[file for file in VOCABULARY_FILES if find(file)] or "no vocabulary file at all",
        fix="Save it once with transformers (tokenizer.save_pretrained) to get a tokenizer.json",
    )


def read_tokenizer_file(path):
    """The ``tokenizers.Tokenizer`` in a tokenizer.json."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing more precise
        raise TokenizerError(f"cannot be read: {error}", where=path) from error


def read_json(path):
    """The dictionary in a JSON file; an empty one if there is no file (None).

    Raises:
        TokenizerError: it is not JSON, or not a dictionary.
    """
    if path is None:
        return {}
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise TokenizerError(f"this is not JSON: {error}", where=path) from error
    if not isinstance(content, dict):
        raise TokenizerError("the file holds no dictionary", where=path, got=content)
    return content


def read_settings(resolved_config_file, find):
    """Everything but the vocabulary: tokenizer_config.json and the small files beside it.

    Returns:
        The fields of tokenizer_config.json, and ``added_tokens``: in the order of their ids, the
        tokens that the vocabulary must know.
    """
    settings = read_json(resolved_config_file)
    if find(TOKENIZER_FILE):  # which says itself what stands around a text
        settings.pop("add_bos_token", None)
        settings.pop("add_eos_token", None)
    declared = settings.pop("added_tokens_decoder", None)
    if declared is None:  # saved before transformers 4.34: two more files say it
        settings |= read_json(find(SPECIAL_TOKENS_MAP_FILE))
        ids = read_json(find(ADDED_TOKENS_FILE))
        settings["added_tokens"] = [{"content": token} for token in sorted(ids, key=ids.get)]
    else:
        settings["added_tokens"] = list(map(declared.get, sorted(declared, key=int)))
    further = settings.pop("additional_special_tokens", None)
    settings["extra_special_tokens"] = settings.get("extra_special_tokens") or further or []
    in_config = settings.pop("chat_template", None)
    settings["chat_template"] = read_chat_template(in_config, resolved_config_file, find)
    return settings


def as_token(value):
    """A token as the JSON files write it: a string, or a dictionary of its options."""
    if not isinstance(value, dict):
        return value
    return AddedToken(**{name: option for name, option in value.items() if name != "__type"})


def split_tokens(settings):
    """Take the named special tokens out of ``settings``: every field ``…_token`` that holds one."""
    named = settings.pop("extra_special_tokens", None) or []
    extra = [] if isinstance(named, dict) else list(map(as_token, named))
    names = [
        name
        for name, value in settings.items()
        if name in SPECIAL_TOKENS_ATTRIBUTES
        or (name.endswith("_token") and isinstance(value, (str, dict, AddedToken)))
    ]
    tokens = {name: as_token(settings.pop(name)) for name in names}
    if isinstance(named, dict):
        tokens |= {name: as_token(value) for name, value in named.items()}
    return tokens, extra


def read_chat_template(in_config, resolved_config_file, find):
    """A template's source, or ``{name: source}``, or None. Files go before the config."""
    default_file = find(CHAT_TEMPLATE_FILE)
    paths = {} if default_file is None else {"default": Path(default_file)}
    if resolved_config_file is not None:
        folder = Path(resolved_config_file).parent / CHAT_TEMPLATE_DIR
        paths |= {path.stem: path for path in sorted(folder.glob("*.jinja"))}
    if paths:
        sources = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
        return sources["default"] if list(sources) == ["default"] else sources
    if in_config is None:
        return read_json(find(LEGACY_CHAT_TEMPLATE_FILE)).get("chat_template")
    if isinstance(in_config, list):
        return {entry["name"]: entry["template"] for entry in in_config}
    return in_config
