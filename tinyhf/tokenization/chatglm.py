"""Floor 4 · ChatGLM's tokenizer: a prompt ends in [gMASK] <sop>, a padded one brings its own mask.

Mirrors tokenization_chatglm.py of THUDM/chatglm-6b. Two stages: ``ice_text.model`` cuts a text into
pieces (``chatglm_pieces``), then each piece gets the number it has in that file.
"""

import functools
import re

import numpy as np
from tokenizers import Tokenizer, models

from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.functional import glm_mask, glm_positions
from tinyhf.tokenization import backend_files as files
from tinyhf.tokenization.builders import check_known
from tinyhf.tokenization.chatglm_pieces import PieceCutter, read_pieces
from tinyhf.tokenization.switches import put_around_text
from tinyhf.tokenization.two_stages import TwoStageTokenizer


class ChatGLMTokenizer(TwoStageTokenizer):
    """The tokenizer of ChatGLM-6B.

    A call returns ``input_ids`` alone. With padding, which stands on the left, it also returns what
    the model must know then: ``attention_mask``, bool (batch, 1, seq, seq), True hides; and
    ``position_ids``, (batch, 2, seq).

    Args:
        vocab_file: ``ice_text.model``, which ``save_pretrained`` copies.
        num_image_tokens: how many ids stand before those of the file: none, but 20000 in the first
            release, which says nothing of it.
        gmask_token: ends a prompt, before ``bos_token``. A text cannot contain it.
        end_token: a token that is not used.
        eop_token: what ``eos_token`` was called in the first release.
        settings: see ``PreTrainedTokenizerBase``.
    """

    vocab_files_names = {"vocab_file": "ice_text.model"}
    padding_side = "left"
    default_special_tokens = {
        "bos_token": "<sop>",
        "eos_token": "<eop>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "mask_token": "[MASK]",
    }

    def __init__(
        self,
        vocab_file,
        *,
        num_image_tokens=20000,
        gmask_token="[gMASK]",
        end_token="</s>",
        eop_token=None,
        **settings,
    ):
        self.vocab_files, self.num_image_tokens = {"vocab_file": vocab_file}, num_image_tokens
        self.gmask_token, self.end_token, self.eop_token = gmask_token, end_token, eop_token
        model = read_pieces(vocab_file)
        self._cutter = PieceCutter(model)
        pieces = [*(f"<image_{number}>" for number in range(num_image_tokens)), *model.pieces]
        tokens = self._tokens_in(settings)
        vocab = {piece: index for index, piece in enumerate(pieces)}
        backend = Tokenizer(models.WordLevel(vocab, unk_token=tokens["unk_token"]))
        ending, end = [gmask_token, tokens["bos_token"]], eop_token or tokens["eos_token"]
        check_known(backend, [*ending, end, *tokens.values()], vocab_file)
        put_around_text(backend, ["$A", *ending], ["$A", *ending, "$B", end], [*ending, end])
        super().__init__(backend, **{"clean_up_tokenization_spaces": True, **settings})

    @classmethod
    def _load(cls, find, name, settings):
        return cls(**files.find_vocabulary(cls, find, name), **settings)

    @property
    def gmask_token_id(self):
        """The id of ``gmask_token``."""
        return self.convert_tokens_to_ids(self.gmask_token)

    @functools.wraps(TwoStageTokenizer.__call__)
    def __call__(self, text=None, text_pair=None, *args, **options):
        if text_pair == "":  # an empty partner is one, too: unlike None it brings its end token
            text_pair = " "
        return super().__call__(text, text_pair, *args, **options)

    def _cut(self, text, is_target):
        """The pieces of a text; special tokens stay whole, and lose the space around them."""
        special = "|".join(map(re.escape, self.added_tokens_encoder))
        parts = re.split(rf"\s*({special})\s*", text)  # text, token, text, token, … text
        cut = [[part] if i % 2 else self._cutter.pieces_of(part) for i, part in enumerate(parts)]
        return [piece for pieces in cut for piece in pieces]

    def convert_tokens_to_string(self, tokens):
        """Join pieces to text."""
        return self._cutter.text_of(tokens)

    def _text_of(self, ids, skip_special_tokens):
        ids = [i for i in ids if i >= self.num_image_tokens and i != self.pad_token_id]
        tokens = self.convert_ids_to_tokens(ids, skip_special_tokens)
        if None in tokens:
            got, wanted = ids[tokens.index(None)], f"ids below {len(self)}"
            raise TokenizerError("there is no such id", where="decode", wanted=wanted, got=got)
        return self.convert_tokens_to_string(tokens)

    def _columns(self, encodings, **asked):
        padding, wants_mask = self._tokenizer.padding, asked.pop("attention_mask")
        columns = super()._columns(encodings, attention_mask=False, **asked)
        if wants_mask or (wants_mask is None and padding):
            if padding and padding["direction"] != "left":
                raise ArgumentError(
                    "ChatGLM reads on from the last token",
                    where="padding_side",
                    wanted='"left"',
                    got=padding["direction"],
                )
            rows = [self._mask_and_positions(row) for row in encodings]
            columns["attention_mask"] = [mask.tolist() for mask, _ in rows]
            columns["position_ids"] = [positions.tolist() for _, positions in rows]
        return columns

    def _mask_and_positions(self, row):
        """What the model reads from the ids itself where nothing is padded; padding is hidden.

        Returns:
            (1, seq, seq) and (2, seq).
        """
        padding = row.attention_mask.count(0)
        ids = row.ids[padding:]
        tokens = [token for token in (self.mask_token_id, self.gmask_token_id) if token in ids]
        mask_position = ids.index(tokens[0]) if tokens else 0
        context = ids.index(self.bos_token_id) if self.bos_token_id in ids else len(ids)
        hidden = glm_mask(np.array([context]), len(ids))[0]
        positions = glm_positions(np.array([context]), np.array([mask_position]), len(ids))[0]
        hidden = np.pad(hidden, ((0, 0), (padding, 0), (padding, 0)), constant_values=True)
        return hidden, np.pad(positions, ((0, 0), (padding, 0)))

    def _saved_settings(self):
        own = ("num_image_tokens", "gmask_token", "end_token", "eop_token")
        return {**super()._saved_settings(), **{name: getattr(self, name) for name in own}}
