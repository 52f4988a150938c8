"""Floor 4 · ChatGLM's pieces: text → pieces by ``ice_text.model``, and pieces → text.

Mirrors TextTokenizer and SPTokenizer of tokenization_chatglm.py (THUDM/chatglm-6b). The file is a
SentencePiece file that knows no line ends, tabs or runs of spaces; they are written as pieces:

    "if x:⏎␣␣␣␣return x"   →   "if x:<n><|blank_4|>return x"
"""

import itertools
import re

from tinyhf.tokenization import sentencepiece_model as spm
from tinyhf.tokenization.sentencepiece_model import SPACE
from tinyhf.tokenization.unigram import UnigramCutter

LINE_END, TAB = "<n>", "<|tab|>"
SPACES = re.compile(" {2,80}")
BLANK = re.compile(r"<\|blank_(\d+)\|>")
BYTE = re.compile("<0x[0-9A-F]{2}>")

#: What stands at the end of the file since April 2023; the first release's code added it.
LAST_PIECES = {
    spm.CONTROL: [
        *("[MASK]", "[gMASK]", "[sMASK]", "<unused_0>"),
        *("<sop>", "<eop>", "<ENC>", "<dBLOCK>"),
    ],
    spm.USER_DEFINED: [TAB, *(f"<|blank_{length}|>" for length in range(2, 81))],
    spm.BYTE: [f"<0x{byte:02X}>" for byte in range(256)],
}


def read_pieces(path):
    """The SentencePiece file with all its pieces, whichever release it is from."""
    model = spm.read_sentencepiece_model(path)
    if "[gMASK]" in model.pieces:
        return model
    for kind, pieces in LAST_PIECES.items():
        model.pieces.extend(pieces)
        model.scores.extend([0.0] * len(pieces))
        model.types.extend([kind] * len(pieces))
    return model


class PieceCutter(UnigramCutter):
    """Text → pieces, and back.

    Args:
        model: from ``read_pieces``.
    """

    def __init__(self, model):
        super().__init__(model)
        self.unknown = model.pieces[model.trainer.unk_id]
        kinds = list(zip(model.pieces, model.types, strict=True))
        self.control = {piece for piece, kind in kinds if kind == spm.CONTROL}
        written = [re.escape(piece) for piece, kind in kinds if kind == spm.USER_DEFINED]
        self.written = re.compile(f"({'|'.join(written)})")

    def pieces_of(self, text):
        """The pieces of a text; a character that is in none of them becomes its bytes."""
        text = text.replace("\n", LINE_END).replace("\t", TAB)
        text = SPACES.sub(lambda spaces: f"<|blank_{len(spaces[0])}|>", text)
        pieces = []
        for piece in super().pieces_of(text):
            known = piece in self.scores
            pieces += [piece] if known else [f"<0x{byte:02X}>" for byte in piece.encode()]
        return pieces

    def replace_characters(self, text):
        """Written pieces stay as they are."""
        parts = self.written.split(text)  # text, piece, text, piece, … text
        parts[::2] = map(self.charsmap.replace, parts[::2])
        return "".join(parts)

    def text_of(self, pieces):
        """The text of pieces; bytes that are no character become U+FFFD, control pieces nothing."""
        text = ""
        for are_bytes, run in itertools.groupby(pieces, lambda piece: bool(BYTE.fullmatch(piece))):
            if are_bytes:
                text += _characters(int(piece[3:5], 16) for piece in run)
                continue
            for piece in run:
                if piece == self.unknown:
                    text += " \u2047 "
                elif piece not in self.control:
                    piece = piece if text else piece.removeprefix(SPACE)
                    text += piece.replace(SPACE, " ")
        text = text.replace(LINE_END, "\n").replace(TAB, "\t")
        return BLANK.sub(lambda blank: " " * int(blank[1]), text)


def _characters(values):
    """Bytes as text, U+FFFD for each one that belongs to no character."""
    text = bytes(values).decode("utf-8", "surrogateescape")
    return re.sub("[\udc80-\udcff]", "\ufffd", text)
