"""Floor 4 · Tokenizers in two stages: text → pieces by our own code, pieces → ids by the library.

Mirrors what transformers 4 called "slow" tokenizers (PreTrainedTokenizer). Marian's and ChatGLM's
are of this kind.
"""

import shutil
from pathlib import Path

from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.tokenization.fast import PreTrainedTokenizerFast


class TwoStageTokenizer(PreTrainedTokenizerFast):
    """A tokenizer whose ``tokenizers.Tokenizer`` only knows whole pieces.

    Attributes:
        vocab_files: the paths of the files it was made from, named as in ``vocab_files_names``.
    """

    is_fast = False

    def _cut(self, text, is_target):
        """The pieces of a text; ``is_target``: it is an answer."""
        raise NotImplementedError(f"{type(self).__name__} does not say how a text is cut")

    def _encode_rows(self, rows, add_special_tokens, is_split_into_words, is_target):
        """Both stages; the second takes the pieces as ready-made words."""

        def pieces_of(text):
            words = text if is_split_into_words else [text]
            if not all(isinstance(word, str) for word in words):
                raise TokenizerError("only text has tokens", wanted="strings", got=text)
            return [piece for word in words for piece in self._cut(word, is_target)]

        are_pairs = bool(rows) and isinstance(rows[0], tuple)
        cut = [tuple(map(pieces_of, r)) if are_pairs else pieces_of(r) for r in rows]
        return super()._encode_rows(cut, add_special_tokens, True, is_target)

    def _columns(self, encodings, **asked):
        if asked["offset_mapping"]:
            raise ArgumentError(
                f"the pieces of a {type(self).__name__} do not know their place in the text",
                where="return_offsets_mapping",
            )
        return super()._columns(encodings, **asked)

    def save_vocabulary(self, save_directory):
        """Copy the vocabulary files: a tokenizer.json cannot hold the first stage."""
        written = []
        for argument, filename in self.vocab_files_names.items():
            path, copy = Path(self.vocab_files[argument]), Path(save_directory) / filename
            if not (copy.exists() and copy.samefile(path)):
                shutil.copyfile(path, copy)
            written.append(str(copy))
        return tuple(written)
