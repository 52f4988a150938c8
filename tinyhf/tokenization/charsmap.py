"""Floor 4 · SentencePiece's own replacement of characters, to the letter.

Mirrors sentencepiece's src/normalizer.cc. A ``.spm`` file carries a table: "ﬁ" → "fi", "①" → "1",
"e" + accent → "é" (Unicode NFKC, and some spaces and control characters).
``normalizers.Precompiled`` of the ``tokenizers`` library uses the same table, but looks at one
visible character at a time and so misses entries that cross such borders ("ｶ" + "ﾞ" → "ガ").
"""

import struct

from tinyhf.errors import TokenizerError


class Charsmap:
    """A table of replacements.

    It is stored as the size of a trie in bytes, the trie, and the replacements, each ended by a
    zero byte. The trie is a "double array" (Darts-clone): the child of a node for a byte lies at
    the node's offset XOR that byte, if the unit there names the same byte. A unit of 32 bits is,
    from the lowest: the byte (8), whether an entry ends here (1), whether the offset counts in 256s
    (1), the offset (22). Where an entry ends, the unit at the offset holds the place of its
    replacement.

    Args:
        precompiled: ``NormalizerSpec.precompiled_charsmap``; empty for "no replacements".

    Raises:
        TokenizerError: the table is damaged.
    """

    def __init__(self, precompiled):
        try:
            (size,) = struct.unpack_from("<I", precompiled or bytes(4))
            self.units = struct.unpack_from(f"<{size // 4}I", precompiled, 4) if size else (0,)
        except struct.error as error:
            where = "precompiled_charsmap"
            raise TokenizerError(f"the table is damaged: {error}", where=where) from error
        self.texts = precompiled[4 + size :]

    def replace(self, text):
        """``text`` from left to right: the longest entry that fits is replaced, or one character
        stays as it is."""
        # Half a character (a lone surrogate) cannot be encoded: it becomes a question mark.
        data, replaced, position = text.encode("utf-8", "replace"), [], 0
        while position < len(data):
            length, place = self._longest_entry(data, position)
            if length:
                replaced.append(self.texts[place : self.texts.index(b"\0", place)])
            else:
                length = _bytes_of_character(data[position])
                replaced.append(data[position : position + length])
            position += length
        return b"".join(replaced).decode("utf-8")

    def _longest_entry(self, data, position):
        """The longest entry at ``position``: its length in bytes, the place of its replacement."""
        units, found = self.units, (0, None)
        node = _offset(units[0])
        for index in range(position, len(data)):
            node ^= data[index]
            unit = units[node] if node < len(units) else 0
            if unit & 0x800000FF != data[index]:
                break
            node ^= _offset(unit)
            if unit & 0x100:
                found = index + 1 - position, units[node] & 0x7FFFFFFF
        return found


def _offset(unit):
    return (unit >> 10) << ((unit & 0x200) >> 6)


def _bytes_of_character(first):
    """The length of a UTF-8 character, by its first byte."""
    return 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
