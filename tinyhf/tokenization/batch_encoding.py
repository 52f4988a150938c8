"""Floor 4 · What a tokenizer returns: ids, masks, and the way back from tokens to characters.

Mirrors transformers/tokenization_utils_base.py (``BatchEncoding``).

Shapes: after ``return_tensors`` every value is an int64 array of (batch, seq); without it, plain
lists, one level less deep for a single text.
"""

from collections import UserDict
from typing import NamedTuple

import numpy as np

from tinyhf.backend import is_array, to_device
from tinyhf.errors import ArgumentError, TokenizerError, note_once


class CharSpan(NamedTuple):
    """Characters ``start`` up to, not including, ``end`` of the original text."""

    start: int
    end: int


class TokenSpan(NamedTuple):
    """Tokens ``start`` up to, not including, ``end`` of the encoded row."""

    start: int
    end: int


class BatchEncoding(UserDict):
    """A dictionary of ``input_ids``, ``attention_mask``, …, whose keys are attributes too.

    Args:
        data: the named columns, as lists or arrays.
        encoding: one ``tokenizers.Encoding`` a row; they answer the questions about words and
            characters below. None if the ids did not come from text.
        tensor_type: "np", "cp" or "pt", see :meth:`convert_to_tensors`.
    """

    def __init__(self, data=None, encoding=None, tensor_type=None):
        super().__init__(data)
        self.encodings = encoding
        self.convert_to_tensors(tensor_type)

    def __getattr__(self, name):
        columns = self.__dict__.get("data", {})
        if name not in columns:
            raise AttributeError(f"BatchEncoding has no {name!r}, it has {list(columns)}")
        return columns[name]

    def __getitem__(self, key):
        """A column by its name, or the ``tokenizers.Encoding`` of a row by its number."""
        return self.data[key] if isinstance(key, str) else self._rows()[key]

    def convert_to_tensors(self, tensor_type=None):
        """Turn every column into an int64 array: "np" on the CPU, "cp" on the GPU.

        Raises:
            TokenizerError: the rows differ in length.
            ArgumentError: there is no such tensor type.
        """
        if tensor_type is None:
            return self
        if tensor_type not in ("np", "cp", "pt"):
            raise ArgumentError(
                "there is no such kind of array",
                where="return_tensors",
                wanted='"np", "cp" or "pt"',
                got=tensor_type,
            )
        if tensor_type == "pt":
            note_once('return_tensors="pt" gives NumPy arrays here, as "np" does')
        self.data = {name: _as_array(name, rows) for name, rows in self.items()}
        return self.to("cuda") if tensor_type == "cp" else self

    def to(self, device):
        """Move the arrays to ``device`` ("cpu", "cuda", "cuda:1"); lists stay what they are."""
        self.data = {
            name: to_device(rows, device) if is_array(rows) else rows for name, rows in self.items()
        }
        return self

    # From tokens back to the text. Where two numbers are taken, the first is the row of the batch;
    # a single number means row 0.

    @property
    def is_fast(self):
        return self.encodings is not None

    @property
    def n_sequences(self):
        """1 for single texts, 2 for pairs, None when unknown."""
        return self.encodings[0].n_sequences if self.encodings else None

    def tokens(self, batch_index=0):
        """The tokens of a row, as strings."""
        return self._rows()[batch_index].tokens

    def word_ids(self, batch_index=0):
        """For each token the number of its word; None for special tokens."""
        return self._rows()[batch_index].word_ids

    def sequence_ids(self, batch_index=0):
        """For each token 0 (first text), 1 (second text) or None (special token)."""
        return self._rows()[batch_index].sequence_ids

    def token_to_sequence(self, batch_or_token_index, token_index=None):
        row, index = self._pick(batch_or_token_index, token_index)
        return row.token_to_sequence(index)

    def token_to_word(self, batch_or_token_index, token_index=None):
        row, index = self._pick(batch_or_token_index, token_index)
        return row.token_to_word(index)

    def token_to_chars(self, batch_or_token_index, token_index=None):
        row, index = self._pick(batch_or_token_index, token_index)
        return _span(CharSpan, row.token_to_chars(index))

    def word_to_tokens(self, batch_or_word_index, word_index=None, sequence_index=0):
        row, index = self._pick(batch_or_word_index, word_index)
        return _span(TokenSpan, row.word_to_tokens(index, sequence_index))

    def word_to_chars(self, batch_or_word_index, word_index=None, sequence_index=0):
        row, index = self._pick(batch_or_word_index, word_index)
        return _span(CharSpan, row.word_to_chars(index, sequence_index))

    def char_to_token(self, batch_or_char_index, char_index=None, sequence_index=0):
        row, index = self._pick(batch_or_char_index, char_index)
        return row.char_to_token(index, sequence_index)

    def char_to_word(self, batch_or_char_index, char_index=None, sequence_index=0):
        row, index = self._pick(batch_or_char_index, char_index)
        return row.char_to_word(index, sequence_index)

    def _pick(self, first, second):
        row, index = (0, first) if second is None else (first, second)
        return self._rows()[row], index

    def _rows(self):
        if self.encodings is None:
            raise TokenizerError(
                "these ids did not come from text, so their tokens and words are unknown",
                fix="Call tokenizer(text) and ask the result",
            )
        return self.encodings


def _span(kind, bounds):
    return None if bounds is None else kind(*bounds)


def _as_array(name, rows):
    try:
        array = rows if is_array(rows) else np.asarray(rows)
        return array if array.dtype == bool or is_array(rows) else array.astype(np.int64)
    except ValueError as error:
        raise TokenizerError(
            "rows of different lengths do not fit into one array",
            where=name,
            got=[len(row) for row in rows],
            fix="Pass padding=True (and truncation=True to cut the long ones)",
        ) from error
