"""Recipe · A SentencePiece file, written byte by byte.

Such a file is one protobuf message, a row of numbered fields, some of them messages again; what the
numbers mean stands in tinyhf/tokenization/sentencepiece_model.py, which reads it.
"""

import struct

from tinyhf.tokenization.sentencepiece_model import (
    CONTROL,
    COUNTED_BYTES,
    FOUR_BYTES,
    UNKNOWN,
    VARINT,
)

#: The first three pieces of a file, as (text, score, type).
SPECIAL = [("<unk>", 0.0, UNKNOWN), ("<s>", 0.0, CONTROL), ("</s>", 0.0, CONTROL)]


def model_file(pieces, trainer=None, normalizer=None):
    """A file's bytes; ``pieces`` are (text, score, type), the others ``{number: value}``."""
    parts = [field(1, message({1: text, 2: score, 3: kind})) for text, score, kind in pieces]
    parts += [field(2, message(trainer or {})), field(3, message(normalizer or {}))]
    return b"".join(parts)


def message(fields):
    return b"".join(field(number, value) for number, value in fields.items())


def field(number, value):
    """One field of a protobuf message: a whole number, a float, a text or bytes."""
    if isinstance(value, float):
        return varint(number << 3 | FOUR_BYTES) + struct.pack("<f", value)
    if isinstance(value, int):
        return varint(number << 3 | VARINT) + varint(value % (1 << 64))
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | COUNTED_BYTES) + varint(len(value)) + value


def varint(number):
    """A whole number in groups of seven bits, the lowest first; the top bit says "goes on"."""
    groups = []
    while True:
        groups.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(groups)
