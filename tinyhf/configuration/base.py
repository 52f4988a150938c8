"""Floor 4 · ``config.json`` becomes a typed object with Hugging Face's field names.

Mirrors transformers/configuration_utils.py. A family writes its fields as annotated attributes:

    class LlamaConfig(PreTrainedConfig):
        model_type = "llama"
        hidden_size: int = 4096

``PreTrainedConfig`` fills them from keywords, checks their types, and keeps what it does not know.
"""

import copy
import json
import math
from pathlib import Path
from types import UnionType
from typing import get_type_hints

from tinyhf.backend import as_dtype
from tinyhf.errors import ArgumentError, ConfigError, note_once
from tinyhf.hub import HubOptions, cached_file

CONFIG_NAME = "config.json"

#: Fields of every family that are written only where they were set.
SELDOM_SET = {
    *("is_encoder_decoder", "output_attentions", "output_hidden_states", "return_dict"),
    *("id2label", "label2id", "problem_type", "architectures", "dtype"),
}

#: ``model_type`` → config class; each family enters itself when its class is made.
CONFIG_CLASSES = {}


class PreTrainedConfig:
    """The fields every family shares, and how a config is read, checked, printed and saved."""

    model_type = ""

    #: Hugging Face's common name → this family's own: {"hidden_size": "n_embd"}. Both can be used.
    attribute_map = {}

    architectures: list | None = None
    dtype: str | None = None
    is_encoder_decoder: bool = False
    tie_word_embeddings: bool = True
    output_attentions: bool = False
    output_hidden_states: bool = False
    return_dict: bool = True
    use_cache: bool = True
    bos_token_id: int | None = None
    eos_token_id: int | list | None = None
    pad_token_id: int | None = None
    id2label: dict | None = None
    label2id: dict | None = None
    problem_type: str | None = None

    def __init_subclass__(cls):
        CONFIG_CLASSES[cls.model_type] = cls

    def __init__(self, **fields):
        self._source = fields.pop("_source", type(self).__name__)
        self.name_or_path = fields.pop("name_or_path", "")
        self.decided_by = None  # AutoConfig tells here which field of the file named this class
        fields = self.modernize(fields)
        for name, hint in get_type_hints(type(self)).items():
            value = fields.pop(name, copy.copy(getattr(type(self), name)))
            setattr(self, name, self._typed(name, value, hint))
        for name, value in fields.items():  # what only other software knows stays, and is printed
            setattr(self, name, value)
        self.validate()

    def __setattr__(self, name, value):
        super().__setattr__(self.attribute_map.get(name, name), value)

    def __getattr__(self, name):
        if name in type(self).attribute_map:
            return getattr(self, type(self).attribute_map[name])
        raise AttributeError(f"{type(self).__name__} has no field {name!r}")

    @property
    def num_labels(self):
        """How many classes a classifier tells apart: as many as ``id2label`` names, or 2."""
        return len(self.id2label) if self.id2label else 2

    @num_labels.setter
    def num_labels(self, number):
        if not self.id2label or number != len(self.id2label):
            self.id2label = {label_id: f"LABEL_{label_id}" for label_id in range(number)}
            self.label2id = {label: label_id for label_id, label in self.id2label.items()}

    def modernize(self, fields):
        """``fields`` with other spellings replaced: those of transformers 4, and common names."""
        for common in self.attribute_map.keys() & fields.keys():
            fields[self.attribute_map[common]] = fields.pop(common)
        dtype = fields.pop("torch_dtype", None)
        dtype = fields.get("dtype") or dtype
        fields["dtype"] = dtype if dtype in (None, "auto") else self._dtype_name(dtype)
        if fields.get("id2label"):  # JSON knows no numbers as keys
            fields["id2label"] = self._numbered(fields["id2label"])
        return fields

    def _numbered(self, id2label):
        try:
            return {int(number): label for number, label in id2label.items()}
        except (AttributeError, TypeError, ValueError) as error:
            wanted = '{"0": "first label", …}'
            raise self.error("id2label", "has no numbers", wanted=wanted, got=id2label) from error

    def validate(self):
        """Raise ConfigError for values that no model can have; families add their own rules."""

    # ---- checks that name the file, the field and the value ------------------------------------

    def error(self, field, problem, **details):
        """A ConfigError about one field of this config."""
        return ConfigError(problem, where=f"{self._source}, field {field!r}", **details)

    def require_positive(self, *names):
        """Each field must be a whole number above zero."""
        for name in names:
            if getattr(self, name) <= 0:
                raise self.error(name, "must be above zero", got=getattr(self, name))

    def require_divides(self, divisor, number):
        """Field ``divisor`` must divide field ``number``."""
        if getattr(self, number) % getattr(self, divisor):
            wanted = f"a divisor of {number} = {getattr(self, number)}"
            raise self.error(divisor, "does not divide", wanted=wanted, got=getattr(self, divisor))

    def require_known(self, name, known):
        """The field must be one of the names in ``known``."""
        if getattr(self, name) not in known:
            raise self.error(name, "unknown name", wanted=", ".join(known), got=getattr(self, name))

    def _typed(self, name, value, hint):
        """``value`` if it fits the annotation; a whole number may stand where a float belongs."""
        kinds = hint.__args__ if isinstance(hint, UnionType) else (hint,)
        value = float(value) if type(value) is int and float in kinds else value
        if type(value) not in kinds:
            wanted = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            raise self.error(name, "has the wrong type", wanted=wanted, got=value)
        if type(value) is float and not math.isfinite(value):
            raise self.error(name, "must be a finite number", got=value)
        return value

    def _dtype_name(self, dtype):
        try:
            return as_dtype(dtype).name
        except ArgumentError as error:
            raise self.error("dtype", "unknown dtype", wanted=error.wanted, got=dtype) from error

    # ---- reading -------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, **kwargs):
        """The config of a local folder or a repo on the hub; other keywords replace its fields.

        With ``return_unused_kwargs=True`` the keywords that are no fields come back beside it.

        Raises:
            HubError: no such name, or no way to reach it.
            ConfigError: the file is no JSON object, or a value is wrong.
        """
        config_dict, kwargs = cls.get_config_dict(pretrained_model_name_or_path, **kwargs)
        found = config_dict.get("model_type")
        if found and cls.model_type and found != cls.model_type:
            note_once(
                f"{config_dict['_source']} is of type {found!r}, read as {cls.__name__} "
                f"({cls.model_type!r}); AutoConfig chooses the class by itself."
            )
        return cls.from_dict(config_dict, **kwargs)

    @classmethod
    def get_config_dict(cls, pretrained_model_name_or_path, **kwargs):
        """``config.json`` as a dict, and the keywords that were not for the hub."""
        name = str(pretrained_model_name_or_path)
        hub_options = HubOptions.pop_from(kwargs)
        resolved_config_file = cached_file(name, CONFIG_NAME, hub_options)
        if resolved_config_file is None:
            raise ConfigError(
                f"there is no {CONFIG_NAME}",
                where=name,
                fix="A model is a folder or a repo with config.json, weights and tokenizer",
            )
        config_dict = read_json(resolved_config_file)
        return {**config_dict, "_source": resolved_config_file, "name_or_path": name}, kwargs

    @classmethod
    def from_dict(cls, config_dict, **kwargs):
        """A config from a dict; keywords that name a field replace it, the others are unused."""
        return_unused_kwargs = kwargs.pop("return_unused_kwargs", False)
        fields = {name: value for name, value in config_dict.items() if name != "model_type"}
        known = {name: value for name, value in kwargs.items() if cls.has_field(name, fields)}
        config = cls(**copy.deepcopy({**fields, **known}))
        unused = {name: value for name, value in kwargs.items() if name not in known}
        return (config, unused) if return_unused_kwargs else config

    @classmethod
    def has_field(cls, name, fields=()):
        """Whether ``name`` is a field here, by its new or old name, or one of ``fields``."""
        return name in fields or (hasattr(cls, name) and not callable(getattr(cls, name)))

    # ---- printing and saving -------------------------------------------------------------------

    def to_dict(self):
        """All fields, known and kept, as JSON would hold them."""
        about_the_file = ("_source", "name_or_path", "decided_by")
        fields = {name: value for name, value in vars(self).items() if name not in about_the_file}
        return {**copy.deepcopy(fields), "model_type": self.model_type}

    def to_diff_dict(self):
        """``to_dict()`` without the fields of ``SELDOM_SET`` that nobody set."""
        return {
            name: value
            for name, value in self.to_dict().items()
            if name not in SELDOM_SET or value != getattr(PreTrainedConfig, name)
        }

    def to_json_string(self, use_diff=True):
        """The text of ``config.json``; ``use_diff=False`` writes all fields."""
        fields = self.to_diff_dict() if use_diff else self.to_dict()
        return json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def save_pretrained(self, save_directory):
        """Write ``config.json`` into the folder, which is made if need be."""
        Path(save_directory).mkdir(parents=True, exist_ok=True)
        (Path(save_directory) / CONFIG_NAME).write_text(self.to_json_string(), encoding="utf-8")

    def __repr__(self):
        return f"{type(self).__name__} {self.to_json_string()}"

    def __eq__(self, other):
        return type(self) is type(other) and self.to_dict() == other.to_dict()

    @property
    def torch_dtype(self):
        """The name of ``dtype`` before transformers 5."""
        return self.dtype


def read_json(path):
    """The JSON object in the file ``path``."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"is not valid JSON: {error}", where=str(path)) from error
    if not isinstance(content, dict):
        raise ConfigError("must hold a JSON object", where=str(path), got=content)
    return content
