"""Recipe · The files of a Marian tokenizer whose pieces are whole words.

``source.spm`` and ``target.spm`` cut English and French, ``vocab.json`` numbers the pieces of both.
A model so small needs no smaller pieces, and word over word one sees what is translated by what.
"""

import itertools
import json
import math
import re
import string
from collections import Counter

from tinyhf.recipes.little_french.sentencepiece_file import SPECIAL, model_file
from tinyhf.tokenization.sentencepiece_model import NORMAL, SPACE

LONGEST = 128
# What is a piece, where ▁ stands for a space: "▁Lily", "'s" in English, "▁l'", "écharpe" in French.
ENGLISH_PIECE = re.compile(r"▁?[\w-]+|'s|▁?[^\w▁]")
FRENCH_PIECE = re.compile(r"▁?[\w-]+'?|▁?[^\w▁]")
LETTER_SCORE = -20.0

SETTINGS = {
    "tokenizer_class": "MarianTokenizer",
    "source_lang": "en",
    "target_lang": "fr",
    "eos_token": "</s>",
    "unk_token": "<unk>",
    "pad_token": "<pad>",
    "model_max_length": LONGEST,
    "clean_up_tokenization_spaces": False,
    "separate_vocabs": False,
}


def save_tokenizer(english, french, folder):
    """Write all files of the tokenizer for these sentences into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    source, target = scored_pieces(english, ENGLISH_PIECE), scored_pieces(french, FRENCH_PIECE)
    (folder / "source.spm").write_bytes(spm_file(source))
    (folder / "target.spm").write_bytes(spm_file(target))
    pieces = dict.fromkeys(["</s>", "<unk>", *source, *target, "<pad>"])
    write_json(folder / "vocab.json", {piece: number for number, piece in enumerate(pieces)})
    write_json(folder / "tokenizer_config.json", SETTINGS)


def scored_pieces(texts, piece):
    """The pieces of the texts, the most frequent first, then letters in case a word is new.

    Returns:
        piece → score: the logarithm of how often it comes, as in a Unigram model that was trained.
    """
    marked = (SPACE + text.replace(" ", SPACE) for text in texts)
    counts = Counter(itertools.chain.from_iterable(map(piece.findall, marked)))
    scores = {text: math.log(count / counts.total()) for text, count in counts.most_common()}
    letters = sorted({SPACE, *string.ascii_letters, *"".join(counts)} - set(counts))
    return scores | dict.fromkeys(letters, LETTER_SCORE)


def spm_file(scores):
    """The bytes of a SentencePiece file."""
    pieces = [(text, score, NORMAL) for text, score in scores.items()]
    return model_file([*SPECIAL, *pieces], normalizer={1: "identity"})


def write_json(path, content):
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
