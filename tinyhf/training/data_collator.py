"""Floor 6 · Data collators: from a list of items to one batch of arrays.

Mirrors transformers/data/data_collator.py. An item is a dict of numbers and lists:

    {"input_ids": [5, 8],    "labels": 1}  ─┐  {"input_ids": (2, 3), "attention_mask": (2, 3),
    {"input_ids": [7, 2, 9], "labels": 0}  ─┴─  "labels": (2,)}

Which collator is right depends on what has to be padded: nothing, the ids, or the labels as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy

from tinyhf.backend import to_host
from tinyhf.backend.random import TorchGenerator, default_generator
from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.training.collating import IGNORE_INDEX, column, pad, pad_labels, stack, take_labels


def default_data_collator(features, return_tensors="np"):
    """Stack the items; all rows of a column must have the same length.

    Args:
        features: dicts with the same keys; ``label`` (a number) and ``label_ids`` are renamed to
            ``labels``, columns that hold text or None are left out.

    Raises:
        ArgumentError: an item lacks a column, or lengths differ.
    """
    features = [item if isinstance(item, Mapping) else vars(item) for item in features]
    first = features[0]
    label = next((k for k in ("label", "label_ids") if first.get(k) is not None), None)
    batch = {} if label is None else {"labels": stack(label, column(label, features))}
    for name, value in first.items():
        if name not in ("label", "label_ids") and value is not None and not isinstance(value, str):
            batch[name] = stack(name, column(name, features))
    return batch


@dataclass
class DefaultDataCollator:
    """``default_data_collator`` as an object."""

    return_tensors: str = "np"

    def __call__(self, features, return_tensors=None):
        return default_data_collator(features)


@dataclass
class DataCollatorWithPadding:
    """Pads what the tokenizer made; labels are one number an item.

    Args:
        tokenizer: pads to the side and with the token it is set to.
        padding: True or "longest", "max_length", or False.
        max_length: for "max_length".
        pad_to_multiple_of: round lengths up to a multiple.
    """

    tokenizer: Any
    padding: bool | str = True
    max_length: int | None = None
    pad_to_multiple_of: int | None = None
    return_tensors: str = "np"

    def __call__(self, features):
        batch = pad(
            self.tokenizer, features, self.padding, self.max_length, self.pad_to_multiple_of
        )
        for name in ("label", "label_ids"):
            if name in batch:
                batch["labels"] = batch.pop(name)
        return batch


@dataclass
class DataCollatorForTokenClassification(DataCollatorWithPadding):
    """Pads ids, and the labels of their tokens with ``label_pad_token_id``."""

    label_pad_token_id: int = IGNORE_INDEX

    def __call__(self, features):
        name, labels, features = take_labels(features)
        batch = pad(
            self.tokenizer, features, self.padding, self.max_length, self.pad_to_multiple_of
        )
        if labels is not None:
            length, side = batch["input_ids"].shape[1], self.tokenizer.padding_side
            batch[name] = pad_labels(labels, length, side, self.label_pad_token_id)
        return batch


@dataclass
class DataCollatorForSeq2Seq:
    """Pads source ids, and target ids, the labels, by themselves.

    Args:
        model: if given, ``decoder_input_ids`` are made from the labels, as it does it.
        (others: as in DataCollatorWithPadding)
    """

    tokenizer: Any
    model: Any = None
    padding: bool | str = True
    max_length: int | None = None
    pad_to_multiple_of: int | None = None
    label_pad_token_id: int = IGNORE_INDEX
    return_tensors: str = "np"

    def __call__(self, features, return_tensors=None):
        _, labels, features = take_labels(features)
        batch = pad(
            self.tokenizer, features, self.padding, self.max_length, self.pad_to_multiple_of
        )
        if labels is None:
            return batch
        length, side = self._label_length(labels), self.tokenizer.padding_side
        batch["labels"] = pad_labels(labels, length, side, self.label_pad_token_id)
        if hasattr(self.model, "prepare_decoder_input_ids_from_labels"):
            shifted = self.model.prepare_decoder_input_ids_from_labels(labels=batch["labels"])
            batch["decoder_input_ids"] = shifted
        return batch

    def _label_length(self, labels):
        length = max(map(len, labels))
        if self.padding == "max_length" and self.max_length is not None:
            length = self.max_length
        multiple = self.pad_to_multiple_of or 1
        return -(-length // multiple) * multiple if self.padding else length


@dataclass
class DataCollatorForLanguageModeling:
    """Labels made from the ids themselves: the next token (``mlm=False``) or hidden tokens.

    With ``mlm`` 15 % of the tokens are chosen; 80 % of them become the mask token, 10 % any token,
    10 % stay, and only the chosen ones have labels (Devlin et al., 2019). For the same seed the
    draws are those of transformers with ``return_tensors="pt"``.

    Args:
        mlm_probability: how many tokens are chosen.
        mask_replace_prob, random_replace_prob: what becomes of them.
        seed: of a stream of its own; None draws from the default one, see ``set_seed``.

    Raises:
        TokenizerError: ``mlm``, and the tokenizer has no mask token.
        ArgumentError: a probability is out of range.
    """

    tokenizer: Any
    mlm: bool = True
    mlm_probability: float = 0.15
    mask_replace_prob: float = 0.8
    random_replace_prob: float = 0.1
    pad_to_multiple_of: int | None = None
    return_tensors: str = "np"
    seed: int | None = None
    generator: Any = field(default=None, init=False, repr=False)

    def __post_init__(self):
        if self.mlm and self.tokenizer.mask_token is None:
            fix = "Pass mlm=False to train the next token instead"
            raise TokenizerError("the tokenizer has no mask token", where="mlm", fix=fix)
        for name in ("mlm_probability", "mask_replace_prob", "random_replace_prob"):
            if not 0 <= (getattr(self, name) or 0) <= 1:
                got = getattr(self, name)
                raise ArgumentError("out of range", where=name, wanted="0 to 1", got=got)
        if self.mask_replace_prob + self.random_replace_prob > 1:
            where = "mask_replace_prob + random_replace_prob"
            got = self.mask_replace_prob + self.random_replace_prob
            raise ArgumentError("out of range", where=where, wanted="at most 1", got=got)
        if self.seed is not None:
            self.generator = TorchGenerator(self.seed)

    def __call__(self, features, return_tensors=None):
        if not isinstance(features[0], Mapping):
            features = [{"input_ids": to_host(ids)} for ids in features]
        batch = pad(self.tokenizer, features, pad_to_multiple_of=self.pad_to_multiple_of)
        special_tokens_mask = batch.pop("special_tokens_mask", None)
        if self.mlm:
            batch["input_ids"], batch["labels"] = self.mask_tokens(
                batch["input_ids"], special_tokens_mask
            )
        else:
            padding = batch["input_ids"] == self.tokenizer.pad_token_id
            batch["labels"] = numpy.where(padding, IGNORE_INDEX, batch["input_ids"])
        return batch

    def mask_tokens(self, inputs, special_tokens_mask=None):
        """(ids with some of them hidden, labels): both (batch, seq)."""
        draws = self.generator or default_generator()
        if special_tokens_mask is None:
            special_tokens_mask = numpy.isin(inputs, self.tokenizer.all_special_ids)
        chosen = draws.uniform(inputs.shape) < numpy.float32(self.mlm_probability)
        chosen &= ~special_tokens_mask.astype(bool)
        labels = numpy.where(chosen, inputs, IGNORE_INDEX)
        hidden = chosen & (draws.uniform(inputs.shape) < numpy.float32(self.mask_replace_prob))
        inputs = numpy.where(hidden, self.tokenizer.mask_token_id, inputs)
        if self.mask_replace_prob == 1 or self.random_replace_prob == 0:
            return inputs, labels
        share = self.random_replace_prob / (1 - self.mask_replace_prob)
        replaced = draws.uniform(inputs.shape) < numpy.float32(share)
        words = draws.randint(len(self.tokenizer), inputs.shape)
        return numpy.where(chosen & ~hidden & replaced, words, inputs), labels
