"""Floor 4 · What a SentencePiece file holds: ``.model`` / ``.spm`` → pieces, scores and settings.

Mirrors sentencepiece's src/sentencepiece_model.proto. Such a file is one protobuf message: a row of
numbered fields, each a whole number or a run of bytes, and the bytes may be a message again.
Reading needs no more than that, so the protobuf package is not needed.
"""

import struct
from pathlib import Path
from typing import NamedTuple

from tinyhf.errors import TokenizerError

# How a field is written, by the three lowest bits of its key.
VARINT, EIGHT_BYTES, COUNTED_BYTES, FOUR_BYTES = 0, 1, 2, 5

# How a piece writes the space before a word.
SPACE = "▁"

# The types of a piece.
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

# The ways of cutting a text (``TrainerSpec.model_type``).
UNIGRAM, BPE = 1, 2


class TrainerSpec(NamedTuple):
    """The settings of training that decide how a text is cut. An id of -1: no such piece."""

    model_type: int = UNIGRAM
    split_by_whitespace: bool = True
    treat_whitespace_as_suffix: bool = False
    byte_fallback: bool = False
    unk_id: int = 0
    bos_id: int = 1
    eos_id: int = 2
    pad_id: int = -1
    unk_piece: str = "<unk>"
    bos_piece: str = "<s>"
    eos_piece: str = "</s>"
    pad_piece: str = "<pad>"


class NormalizerSpec(NamedTuple):
    """What is done to a text before it is cut.

    ``precompiled_charsmap`` is a table of replacements (mostly Unicode NFKC) in a binary form that
    the ``tokenizers`` library reads; empty if characters stay as they are.
    """

    name: str = ""
    precompiled_charsmap: bytes = b""
    add_dummy_prefix: bool = True
    remove_extra_whitespaces: bool = True
    escape_whitespaces: bool = True


TRAINER_FIELDS = {
    3: "model_type",
    22: "split_by_whitespace",
    24: "treat_whitespace_as_suffix",
    35: "byte_fallback",
    40: "unk_id",
    41: "bos_id",
    42: "eos_id",
    43: "pad_id",
    45: "unk_piece",
    46: "bos_piece",
    47: "eos_piece",
    48: "pad_piece",
}
NORMALIZER_FIELDS = {
    1: "name",
    2: "precompiled_charsmap",
    3: "add_dummy_prefix",
    4: "remove_extra_whitespaces",
    5: "escape_whitespaces",
}


class SentencePieceModel(NamedTuple):
    """A file's content; ``pieces``, ``scores`` and ``types`` are as long as the vocabulary."""

    pieces: list
    scores: list
    types: list
    trainer: TrainerSpec
    normalizer: NormalizerSpec


def read_sentencepiece_model(path):
    """Read a SentencePiece file.

    Raises:
        TokenizerError: the file is no SentencePiece model, or a part of it is missing.
    """
    pieces, trainer, normalizer = [], TrainerSpec(), NormalizerSpec()
    try:
        for number, value in read_fields(Path(path).read_bytes()):
            if number == 1:
                pieces.append(_read_piece(value))
            elif number == 2:
                trainer = _read_spec(TrainerSpec, TRAINER_FIELDS, value)
            elif number == 3:
                normalizer = _read_spec(NormalizerSpec, NORMALIZER_FIELDS, value)
    except (ValueError, TypeError, IndexError, struct.error) as error:
        raise TokenizerError(f"this is no SentencePiece model: {error}", where=path) from error
    if not pieces:
        raise TokenizerError("this SentencePiece model has no pieces", where=path)
    return SentencePieceModel(*map(list, zip(*pieces, strict=True)), trainer, normalizer)


def read_fields(message):
    """Go through a protobuf message: ``(number of the field, whole number or bytes)`` for each.

    Raises:
        ValueError: the bytes are no such message.
        IndexError: they end too early.
    """
    position = 0
    while position < len(message):
        key, position = _read_varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, position = _read_varint(message, position)
        else:
            length, position = _length_of(kind, message, position)
            value, position = message[position : position + length], position + length
            if position > len(message):
                raise IndexError(f"field {number} ends {position - len(message)} bytes too late")
        yield number, value


def _read_varint(message, position):
    """A whole number in groups of seven bits, the lowest first; the top bit says "goes on"."""
    number = 0
    for shift in range(0, 70, 7):
        byte = message[position]
        number |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return number, position
    raise ValueError("a number has more than ten bytes")


def _length_of(kind, message, position):
    if kind == COUNTED_BYTES:
        return _read_varint(message, position)
    if kind not in (EIGHT_BYTES, FOUR_BYTES):
        raise ValueError(f"there are no fields of kind {kind}")
    return (8 if kind == EIGHT_BYTES else 4), position


def _read_piece(message):
    fields = dict(read_fields(message))
    (score,) = struct.unpack("<f", fields.get(2, bytes(4)))
    return str(fields[1], "utf-8") if 1 in fields else "", score, fields.get(3, NORMAL)


def _read_spec(kind, names, message):
    defaults = kind._field_defaults
    fields = [(names[number], value) for number, value in read_fields(message) if number in names]
    return kind(**{name: _as_type_of(defaults[name], value) for name, value in fields})


def _as_type_of(default, value):
    if isinstance(default, str):
        return str(value, "utf-8")
    if isinstance(default, bool):
        return bool(value)
    if isinstance(default, int):  # negative numbers are written as 64 bits, two's complement
        return value - (1 << 64) if value >> 63 else value
    return value
