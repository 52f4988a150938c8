"""Small SentencePiece files and model folders, written here byte by byte."""

import json
import struct

# Tests find here all they write files with.
from tinyhf.recipes.little_french.sentencepiece_file import (  # noqa: F401
    SPECIAL,
    field,
    message,
    model_file,
)
from tinyhf.tokenization.sentencepiece_model import BYTE, NORMAL, USER_DEFINED  # noqa: F401


def charsmap(character, replacement):
    """A precompiled table with one entry, for a character of one byte."""
    place, leaf = 0x100 ^ ord(character), 0x200
    units = [0] * 0x300
    units[0] = 0x100 << 10
    units[place] = (place ^ leaf) << 10 | 0x100 | ord(character)
    units[leaf] = 0x80000000
    trie = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(trie)) + trie + replacement.encode() + b"\0"


def unigram(*words, **options):
    """A Unigram file of whole words, best first, and of the letters a to z as a last resort."""
    scored = [(word, -1.0 - index, NORMAL) for index, word in enumerate(words)]
    letters = [(letter, -20.0, NORMAL) for letter in "▁abcdefghijklmnopqrstuvwxyz"]
    return model_file([*SPECIAL, *scored, *letters], **options)


def bpe(*merged, **options):
    """A BPE file: byte pieces, then ``merged`` in their order, then the letters a to z."""
    data = [(f"<0x{byte:02X}>", 0.0, BYTE) for byte in range(256)]
    joined = [(text, -float(index), NORMAL) for index, text in enumerate(merged)]
    letters = [(letter, -100.0, NORMAL) for letter in "▁abcdefghijklmnopqrstuvwxyz"]
    trainer = {3: 2, 35: 1, 40: 0, 43: -1}
    normalizer = {3: 1, 4: 0, **options}
    return model_file([*SPECIAL, *data, *joined, *letters], trainer, normalizer)


def write_marian(folder):
    """English → Elvish: "hello" is a piece of the source language, "aiya" of the target."""
    (folder / "source.spm").write_bytes(unigram("▁hello", "▁world", "▁only"))
    (folder / "target.spm").write_bytes(unigram("▁aiya", "▁ambar"))
    pieces = ["</s>", "<unk>", "▁hello", "▁world", "▁aiya", "▁ambar", ">>qya<<", "▁", "a", "b"]
    vocab = {piece: index for index, piece in enumerate([*pieces, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    settings = {"source_lang": "en", "target_lang": "qya", "tokenizer_class": "MarianTokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder
