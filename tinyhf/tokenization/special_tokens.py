"""Floor 4 · Special tokens: which strings begin, end, separate and fill a text.

Mirrors the special-token half of transformers/tokenization_utils_base.py. Seven have a name
of their own; a model may name more (``image_token``) or list some (``extra_special_tokens``).
"""

from tokenizers import AddedToken

from tinyhf.errors import ArgumentError

SPECIAL_TOKENS_ATTRIBUTES = [
    "bos_token",
    "eos_token",
    "unk_token",
    "sep_token",
    "pad_token",
    "cls_token",
    "mask_token",
]


class SpecialToken:
    """An attribute such as ``bos_token``: a string, or None when the tokenizer has none."""

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, tokenizer, owner):
        if tokenizer is None:
            return self
        token = tokenizer._special_tokens_map.get(self.name)
        return None if token is None else str(token)

    def __set__(self, tokenizer, value):
        tokenizer._special_tokens_map[self.name] = check_token(self.name, value)


class SpecialTokenId:
    """An attribute such as ``bos_token_id``: the id of that token, or None."""

    def __set_name__(self, owner, name):
        self.token_name = name.removesuffix("_id")

    def __get__(self, tokenizer, owner):
        if tokenizer is None:
            return self
        token = getattr(tokenizer, self.token_name)
        return None if token is None else tokenizer.convert_tokens_to_ids(token)

    def __set__(self, tokenizer, value):
        token = None if value is None else tokenizer.convert_ids_to_tokens(value)
        setattr(tokenizer, self.token_name, token)


class SpecialTokensMixin:
    """The special tokens of a tokenizer; the class below it knows the vocabulary."""

    SPECIAL_TOKENS_ATTRIBUTES = SPECIAL_TOKENS_ATTRIBUTES
    bos_token, bos_token_id = SpecialToken(), SpecialTokenId()
    eos_token, eos_token_id = SpecialToken(), SpecialTokenId()
    unk_token, unk_token_id = SpecialToken(), SpecialTokenId()
    sep_token, sep_token_id = SpecialToken(), SpecialTokenId()
    pad_token, pad_token_id = SpecialToken(), SpecialTokenId()
    cls_token, cls_token_id = SpecialToken(), SpecialTokenId()
    mask_token, mask_token_id = SpecialToken(), SpecialTokenId()
    pad_token_type_id = 0

    def _init_special_tokens(self, named, extra):
        """Take over the tokens found in the files; those new to the vocabulary are added to it.

        Args:
            named: ``{"bos_token": "<s>", "image_token": …}``; None means there is no such token.
            extra: further special tokens, without a name.
        """
        self._special_tokens_map = {
            name: check_token(name, named.get(name))
            for name in dict.fromkeys([*self.SPECIAL_TOKENS_ATTRIBUTES, *named])
        }
        self._extra_special_tokens = [check_token("extra_special_tokens", token) for token in extra]
        known = self.added_tokens_encoder
        tokens = [*self._special_tokens_map.values(), *self._extra_special_tokens]
        self.add_tokens([t for t in tokens if t is not None and str(t) not in known], True)

    def __getattr__(self, name):
        """The special tokens that only this model has, such as ``image_token(_id)``."""
        token_name = name.removesuffix("_id")
        if token_name not in self.__dict__.get("_special_tokens_map", {}):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        token = self._special_tokens_map[token_name]
        if token is None:
            return None
        return str(token) if name == token_name else self.convert_tokens_to_ids(str(token))

    @property
    def special_tokens_map(self):
        """``{"bos_token": "<s>", …}``: the named special tokens that are set."""
        named = self._special_tokens_map.items()
        return {name: str(token) for name, token in named if token is not None}

    @property
    def extra_special_tokens(self):
        """The special tokens without a name; older articles say ``additional_special_tokens``."""
        return list(map(str, self._extra_special_tokens))

    @extra_special_tokens.setter
    def extra_special_tokens(self, tokens):
        checked = [check_token("extra_special_tokens", token) for token in tokens or []]
        self._extra_special_tokens = checked

    @property
    def extra_special_tokens_ids(self):
        return self.convert_tokens_to_ids(self.extra_special_tokens)

    additional_special_tokens = extra_special_tokens
    additional_special_tokens_ids = extra_special_tokens_ids

    @property
    def all_special_tokens(self):
        """Every special token once: the named ones first."""
        return list(dict.fromkeys([*self.special_tokens_map.values(), *self.extra_special_tokens]))

    @property
    def all_special_ids(self):
        return self.convert_tokens_to_ids(self.all_special_tokens)

    def add_special_tokens(self, special_tokens_dict, replace_extra_special_tokens=True):
        """Set special tokens by name, and add those the vocabulary lacks at its end.

        Args:
            special_tokens_dict: ``{"pad_token": "[PAD]", "extra_special_tokens": ["<a>", "<b>"]}``.
            replace_extra_special_tokens: False keeps the extra ones there were.

        Returns:
            How many tokens the vocabulary grew by. The model's embedding must grow with it.

        Raises:
            ArgumentError: there is no special token of that name.
        """
        new = []
        for name, value in special_tokens_dict.items():
            if name in ("extra_special_tokens", "additional_special_tokens"):
                kept = [] if replace_extra_special_tokens else self._extra_special_tokens
                self.extra_special_tokens = [*kept, *value]
                new += value
            elif name in self._special_tokens_map:
                self._special_tokens_map[name] = check_token(name, value)
                new.append(value)
            else:
                names = [*self._special_tokens_map, "extra_special_tokens"]
                raise ArgumentError("not a special token", where=name, wanted=", ".join(names))
        return self.add_tokens(new, special_tokens=True)


def check_token(name, value):
    if value is not None and not isinstance(value, (str, AddedToken)):
        raise ArgumentError("a special token is a string", where=name, got=value)
    return value
