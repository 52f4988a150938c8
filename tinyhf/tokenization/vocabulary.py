"""Floor 4 · The vocabulary: id ↔ token, and ids → text.

Mirrors transformers/tokenization_utils_tokenizers.py. A token is a piece of text under a number;
the ``tokenizers.Tokenizer`` in ``_tokenizer`` holds the table.
"""

from tinyhf.errors import TokenizerError

# Spaces that clean_up_tokenization_spaces takes out of decoded English, in this order.
CLEAN_UPS = (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're")


class VocabularyMixin:
    """The methods of a tokenizer that need nothing but its vocabulary."""

    @property
    def backend_tokenizer(self):
        """The ``tokenizers.Tokenizer`` underneath: normalizer, pre-tokenizer, model, decoder."""
        return self._tokenizer

    @property
    def vocab_size(self):
        """Tokens of the vocabulary, without those added later; ``len(tokenizer)`` counts all."""
        return self._tokenizer.get_vocab_size(with_added_tokens=False)

    def __len__(self):
        return self._tokenizer.get_vocab_size(with_added_tokens=True)

    def get_vocab(self):
        """``{token: id}``, added tokens included."""
        return self._tokenizer.get_vocab(with_added_tokens=True)

    vocab = property(get_vocab)

    @property
    def added_tokens_decoder(self):
        """``{id: AddedToken}`` of the tokens that are matched before the vocabulary is asked."""
        return self._tokenizer.get_added_tokens_decoder()

    @property
    def added_tokens_encoder(self):
        """``{token: id}`` of the same tokens."""
        added = sorted(self.added_tokens_decoder.items())
        return {token.content: index for index, token in added}

    def get_added_vocab(self):
        return self.added_tokens_encoder

    def add_tokens(self, new_tokens, special_tokens=False):
        """Add tokens to the end of the vocabulary; returns how many were new to it."""
        tokens = new_tokens if isinstance(new_tokens, (list, tuple)) else [new_tokens]
        add = self._tokenizer.add_special_tokens if special_tokens else self._tokenizer.add_tokens
        return add(list(tokens))

    def num_special_tokens_to_add(self, pair=False):
        """How many special tokens a text (or a pair of texts) gets."""
        return self._tokenizer.num_special_tokens_to_add(pair)

    def convert_tokens_to_ids(self, tokens):
        """The id of a token, or of each in a list; that of ``unk_token`` if it is not known."""
        if not isinstance(tokens, str):
            return [self.convert_tokens_to_ids(token) for token in tokens]
        index = self._tokenizer.token_to_id(tokens)
        if index is None and tokens != self.unk_token:
            return self.unk_token_id
        return index

    def convert_ids_to_tokens(self, ids, skip_special_tokens=False):
        """The token of an id, or of each in a list; None where there is no such id."""
        ids = as_lists(ids)
        if isinstance(ids, int):
            return self._tokenizer.id_to_token(ids)
        skipped = set(self.all_special_ids) if skip_special_tokens else ()
        return [self._tokenizer.id_to_token(index) for index in ids if index not in skipped]

    def decode(self, token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=None):
        """The text of ids: a string, or a list of strings for a list of rows.

        Args:
            token_ids: a number, a list or an array of ids, or rows of them.
            skip_special_tokens: leave BOS, EOS, padding and the like out.
            clean_up_tokenization_spaces: take out the spaces before punctuation; None means the
                tokenizer's own setting. Never done for byte-pair vocabularies: they keep spaces.

        Raises:
            TokenizerError: these are not ids (negative, not whole).
        """
        ids = as_lists(token_ids)
        if isinstance(ids, list) and ids and isinstance(ids[0], list):
            options = (skip_special_tokens, clean_up_tokenization_spaces)
            return [self.decode(row, *options) for row in ids]
        try:
            ids = ids if isinstance(ids, list) else [ids]
            text = self._text_of(ids, skip_special_tokens)
        except (TypeError, OverflowError) as error:
            raise TokenizerError(
                "these are not token ids",
                wanted="whole numbers from 0",
                got=token_ids,
                fix="Labels that are ignored (-100) must be replaced before decoding",
            ) from error
        clean_up = clean_up_tokenization_spaces
        if clean_up is None:
            clean_up = self.clean_up_tokenization_spaces
        keeps_spaces = type(self._tokenizer.model).__name__ == "BPE"
        return clean_up_tokenization(text) if clean_up and not keeps_spaces else text

    def _text_of(self, ids, skip_special_tokens):
        return self._tokenizer.decode(ids, skip_special_tokens=skip_special_tokens)

    def batch_decode(self, sequences, skip_special_tokens=False, clean_up_tokenization_spaces=None):
        """:meth:`decode` for several rows; always a list."""
        text = self.decode(sequences, skip_special_tokens, clean_up_tokenization_spaces)
        return [text] if isinstance(text, str) else text

    def convert_tokens_to_string(self, tokens):
        """Join tokens to text as :meth:`decode` does."""
        decoder = self._tokenizer.decoder
        return " ".join(tokens) if decoder is None else decoder.decode(tokens)


def clean_up_tokenization(text):
    """``text`` without the spaces that word-piece decoding leaves before punctuation."""
    for spaced in CLEAN_UPS:
        text = text.replace(spaced, spaced.strip())
    return text


def as_lists(values):
    """Arrays of any library as nested lists; anything else as it is."""
    if hasattr(values, "tolist"):
        return values.tolist()
    if not isinstance(values, (list, tuple)):
        return values
    is_row = not values or isinstance(values[0], int)
    return list(values) if is_row else [as_lists(value) for value in values]
