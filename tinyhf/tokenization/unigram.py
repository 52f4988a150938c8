"""Floor 4 · Unigram in full view: the pieces whose scores add up to the most.

Mirrors sentencepiece's src/unigram_model.cc (``EncodeOptimized``) and src/normalizer.cc, to the
last bit: "1" + "11" and "11" + "1" score the same, so rounding decides, and sums are rounded to 32
bits here as there. (``tokenizers.models.Unigram`` keeps 64 and decides some such ties the other
way.)
"""

import itertools
from typing import NamedTuple

import numpy as np

from tinyhf.tokenization import sentencepiece_model as spm
from tinyhf.tokenization.charsmap import Charsmap
from tinyhf.tokenization.sentencepiece_model import SPACE

# An unknown character scores this much less than the worst piece.
UNKNOWN_PENALTY = 10.0


class Cut(NamedTuple):
    """The best way to cut the text up to some place: its score, and where its last piece starts."""

    score: float
    start: int
    is_known: bool


class UnigramCutter:
    """Text → pieces, by a SentencePiece file of the kind Unigram.

    Args:
        model: from ``read_sentencepiece_model``.
    """

    def __init__(self, model):
        self.normalizer = model.normalizer
        self.charsmap = Charsmap(model.normalizer.precompiled_charsmap)
        typed = list(zip(model.pieces, model.scores, model.types, strict=True))
        self.scores = {piece: score for piece, score, kind in typed if kind == spm.NORMAL}
        worst = min(self.scores.values(), default=0.0)
        self.unknown_score = float(np.float32(worst - UNKNOWN_PENALTY))
        best = max(self.scores.values(), default=0.0)
        # Pieces that the user defined win over all others.
        for piece, _, kind in typed:
            if kind == spm.USER_DEFINED:
                self.scores[piece] = len(piece.encode()) * best - 0.1
        self.longest = max(map(len, self.scores), default=1)

    def normalize(self, text):
        """Replace characters, take out extra spaces, and write each space as ▁."""
        text = self.replace_characters(text)
        if self.normalizer.remove_extra_whitespaces:
            text = " ".join(word for word in text.split(" ") if word)
        if self.normalizer.add_dummy_prefix and text:
            text = " " + text
        return text.replace(" ", SPACE)

    def replace_characters(self, text):
        """What the charsmap does; families may keep parts of the text from it."""
        return self.charsmap.replace(text)

    def pieces_of(self, text):
        """The pieces of a text; a run of unknown characters is one piece."""
        normalized = self.normalize(text)
        ways = self._best_ways(normalized)
        spans, end = [], len(normalized)
        while end > 0:
            spans.append((ways[end].start, end, ways[end].is_known))
            end = ways[end].start
        pieces = []
        for is_known, run in itertools.groupby(reversed(spans), lambda span: span[2]):
            cut = [normalized[start:end] for start, end, _ in run]
            pieces += cut if is_known else ["".join(cut)]
        return pieces

    def _best_ways(self, text):
        """For each place in the text the best way to get there (Viterbi's algorithm)."""
        ways = [None] * (len(text) + 1)
        ways[0] = Cut(0.0, 0, True)
        for start in range(len(text)):
            so_far = ways[start].score
            for end in range(start + 1, min(start + self.longest, len(text)) + 1):
                score = self.scores.get(text[start:end])
                is_known = score is not None
                if not is_known and end > start + 1:
                    continue  # only a single character can be unknown
                score = float(np.float32(so_far + (score if is_known else self.unknown_score)))
                if ways[end] is None or score > ways[end].score:
                    ways[end] = Cut(score, start, is_known)
        return ways
