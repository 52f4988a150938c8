"""Floor 4 · Marian's tokenizer: one vocabulary for two languages, each with its own way of cutting.

Mirrors transformers/models/marian/tokenization_marian.py. Two stages: the SentencePiece file of the
language cuts a text into pieces (``source.spm`` what is to be translated, ``target.spm`` the
translation), then ``vocab.json`` gives each piece its id; a piece it does not know is ``<unk>``.
"""

import itertools
import re

from tokenizers import Tokenizer, models

from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.tokenization import backend_files as files
from tinyhf.tokenization.builders import check_known, read_vocabulary
from tinyhf.tokenization.sentencepiece_model import SPACE, UNIGRAM, read_sentencepiece_model
from tinyhf.tokenization.switches import put_around_text
from tinyhf.tokenization.two_stages import TwoStageTokenizer
from tinyhf.tokenization.unigram import UnigramCutter

# The language to translate to, at the start of a text: ">>fra<< How are you?"
LANGUAGE_CODE = re.compile(r">>.*?<<", re.DOTALL)


def build_vocabulary(tokens, settings, *, vocab, source_spm, target_spm):
    """The second stage: pieces → ids, EOS at the end."""
    unk, eos = tokens["unk_token"], tokens["eos_token"]
    backend = Tokenizer(models.WordLevel(read_vocabulary(vocab), unk_token=unk))
    check_known(backend, [unk, eos], vocab)
    put_around_text(backend, ["$A", eos], ["$A", "$B", eos], [eos])
    return backend


class MarianTokenizer(TwoStageTokenizer):
    """The tokenizer of the translation models Helsinki-NLP/opus-mt-….

    Args:
        tokenizer_object: pieces → ids, from :func:`build_vocabulary`.
        vocab_files: the paths of the three files, which ``save_pretrained`` copies.

    Attributes:
        source_lang, target_lang: the languages' names; None if the files do not tell them.
    """

    vocab_files_names = {
        "source_spm": "source.spm",
        "target_spm": "target.spm",
        "vocab": "vocab.json",
    }
    build_backend = staticmethod(build_vocabulary)
    default_special_tokens = {"unk_token": "<unk>", "eos_token": "</s>", "pad_token": "<pad>"}

    def __init__(self, tokenizer_object=None, *, vocab_files=None, **settings):
        if vocab_files is None:
            raise ArgumentError(
                "a MarianTokenizer needs its files",
                wanted=f"vocab_files with {', '.join(self.vocab_files_names)}",
                fix="To load a model's tokenizer: MarianTokenizer.from_pretrained(name)",
            )
        self.vocab_files = vocab_files
        self._source = _read_cutter(vocab_files["source_spm"])
        self._target = _read_cutter(vocab_files["target_spm"])
        self.source_lang = settings.get("source_lang")
        self.target_lang = settings.get("target_lang")
        super().__init__(tokenizer_object, **{"model_max_length": 512, **settings})

    @classmethod
    def _load(cls, find, name, settings):
        if settings.get("separate_vocabs"):
            raise TokenizerError(
                "a vocabulary for each language is not supported", where=name, got="separate_vocabs"
            )
        paths = files.find_vocabulary(cls, find, name)
        backend = cls.build_backend(cls._tokens_in(settings), settings, **paths)
        return cls(backend, vocab_files=paths, **settings)

    @property
    def supported_language_codes(self):
        """The codes such as ``>>fra<<`` that a text for a many-language model starts with."""
        return [piece for piece in self.get_vocab() if LANGUAGE_CODE.fullmatch(piece)]

    def _cut(self, text, is_target):
        """The pieces of a text; added and special tokens in it stay whole."""
        cutter = self._target if is_target else self._source
        added = self.added_tokens_encoder
        longest_first = sorted(added, key=len, reverse=True)
        parts = re.split(f"({'|'.join(map(re.escape, longest_first))})", text)
        cut = [[part] if part in added else _with_language_code(cutter, part) for part in parts]
        return [piece for pieces in cut for piece in pieces]

    def convert_tokens_to_string(self, tokens):
        """Join pieces to text; a special token starts the text anew, with a space before it."""
        special = set(self.all_special_tokens)
        text = ""
        for is_special, run in itertools.groupby(tokens, special.__contains__):
            if is_special:
                text += "".join(f"{token} " for token in run)
            else:
                text += "".join(run).replace(SPACE, " ").lstrip(" ")
        return text.strip()

    def _text_of(self, ids, skip_special_tokens):
        tokens = self.convert_ids_to_tokens(ids, skip_special_tokens)
        return self.convert_tokens_to_string([token for token in tokens if token is not None])

    def _saved_settings(self):
        added = {i: token.__getstate__() for i, token in self.added_tokens_decoder.items()}
        return {**super()._saved_settings(), "added_tokens_decoder": added}


def _read_cutter(path):
    model = read_sentencepiece_model(path)
    if model.trainer.model_type != UNIGRAM:
        got, wanted = model.trainer.model_type, f"{UNIGRAM} (Unigram)"
        raise TokenizerError("Marian's model_type is another", where=path, wanted=wanted, got=got)
    return UnigramCutter(model)


def _with_language_code(cutter, text):
    """The pieces of a text; a language code in front stays whole."""
    code = LANGUAGE_CODE.match(text)
    if code is None:
        return cutter.pieces_of(text)
    return [code[0], *cutter.pieces_of(text[code.end() :])]
