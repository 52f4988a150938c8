"""Floor 4 · A tokenizer at work: text → ids and masks.

Mirrors transformers/tokenization_utils_base.py (``__call__``, ``pad``) and
tokenization_utils_tokenizers.py (``_encode_plus``). The cutting itself is done by the
``tokenizers`` library; here its answer becomes named columns.
"""

import difflib
import inspect
from operator import attrgetter

from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.tokenization.base import PreTrainedTokenizerBase
from tinyhf.tokenization.batch_encoding import BatchEncoding
from tinyhf.tokenization.padding import choose_lengths, pad_columns, set_lengths
from tinyhf.tokenization.surprises import note_surprises
from tinyhf.tokenization.vocabulary import as_lists

# How each column is read from a ``tokenizers.Encoding``, in the order they are shown.
COLUMNS = {
    "input_ids": attrgetter("ids"),
    "token_type_ids": attrgetter("type_ids"),
    "attention_mask": attrgetter("attention_mask"),
    "special_tokens_mask": attrgetter("special_tokens_mask"),
    "offset_mapping": attrgetter("offsets"),
    "length": len,
}


class PreTrainedTokenizerFast(PreTrainedTokenizerBase):
    """The tokenizer class; families differ from it in their defaults only."""

    is_fast = True

    def __call__(
        self,
        text=None,
        text_pair=None,
        text_target=None,
        text_pair_target=None,
        *,
        add_special_tokens=True,
        padding=False,
        truncation=None,
        max_length=None,
        stride=0,
        is_split_into_words=False,
        pad_to_multiple_of=None,
        padding_side=None,
        return_tensors=None,
        return_token_type_ids=None,
        return_attention_mask=None,
        return_overflowing_tokens=False,
        return_special_tokens_mask=False,
        return_offsets_mapping=False,
        return_length=False,
        verbose=True,
        **unknown,
    ):
        """Turn a text, or a list of texts, into the model's input.

        Args:
            text: a string, or a list of strings; with ``is_split_into_words`` lists of words.
            text_pair: a second text for each, for models that read pairs.
            text_target, text_pair_target: what the model shall answer: its ids become ``labels``,
                or the result if there is no ``text``. Translation models write another language.
            add_special_tokens: also add the tokens the model expects around a text (BOS, [CLS]).
            padding: True or "longest": to the longest row; "max_length": to ``max_length``.
            truncation: True or "longest_first", "only_first", "only_second". Left at None, a
                ``max_length`` alone cuts too.
            max_length: tokens in a row at most; None means ``model_max_length``.
            stride: tokens that a row has in common with the row its overflow goes to.
            pad_to_multiple_of: make the padded length a multiple of this.
            padding_side: "left" or "right" for this call.
            return_tensors: "np": int64 NumPy arrays (batch, seq); "cp": CuPy arrays.
            return_token_type_ids, return_attention_mask: None means "if the model reads it".
            return_overflowing_tokens: what is cut off becomes further rows;
                ``overflow_to_sample_mapping`` says which text each row came from.
            return_special_tokens_mask, return_offsets_mapping, return_length: further columns.
            verbose: False keeps notes about the input to itself.

        Returns:
            A :class:`BatchEncoding`.

        Raises:
            TokenizerError: the input is not text, cannot be cut as asked, or cannot be padded.
            ArgumentError: an option is unknown or contradicts another.
        """
        if unknown:
            _refuse_unknown(unknown)
        is_target = text is None
        if is_target:
            text, text_pair, text_target = text_target, text_pair_target, None
        rows, is_batch = _as_rows(text, text_pair, is_split_into_words)
        lengths = choose_lengths(
            self, padding, truncation, max_length, pad_to_multiple_of, padding_side, stride
        )
        set_lengths(self._tokenizer, lengths, self)
        encodings = self._encode_rows(rows, add_special_tokens, is_split_into_words, is_target)
        if lengths.truncates and any(len(row) > lengths.max_length for row in encodings):
            raise ArgumentError(
                "there is no room for the special tokens", where="max_length", got=max_length
            )
        if verbose:
            note_surprises(self, encodings, lengths)
        if return_overflowing_tokens:
            samples = [i for i, row in enumerate(encodings) for _ in (row, *row.overflowing)]
            encodings = [part for row in encodings for part in (row, *row.overflowing)]
        columns = self._columns(
            encodings,
            input_ids=True,
            token_type_ids=return_token_type_ids,
            attention_mask=return_attention_mask,
            special_tokens_mask=return_special_tokens_mask,
            offset_mapping=return_offsets_mapping,
            length=return_length,
        )
        if text_target is not None:
            targets, _ = _as_rows(text_target, text_pair_target, is_split_into_words)
            _check_partners("text_target", targets, rows)
            targets = self._encode_rows(targets, add_special_tokens, is_split_into_words, True)
            columns["labels"] = [row.ids for row in targets]
        if return_overflowing_tokens:
            columns["overflow_to_sample_mapping"] = samples
        elif not is_batch and return_tensors is None:
            columns = {n: row if isinstance(row, list) else [row] for n, (row,) in columns.items()}
        return BatchEncoding(columns, encodings, return_tensors)

    def _encode_rows(self, rows, add_special_tokens, is_split_into_words, is_target):
        """``is_target``: the rows are answers, which some families cut in another way."""
        try:
            return self._tokenizer.encode_batch(
                rows, add_special_tokens=add_special_tokens, is_pretokenized=is_split_into_words
            )
        except TypeError as error:
            wanted = "words (lists of strings)" if is_split_into_words else "strings"
            raise TokenizerError("only text has tokens", wanted=wanted, got=rows) from error
        except BaseException as error:
            # The library raises nothing more precise, and a panic in its Rust is no Exception.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise TokenizerError(f"the text cannot be cut as asked: {error}") from error

    def _columns(self, encodings, **asked):
        """The columns asked for; those left at None are there if the model reads them."""
        read = self.model_input_names
        names = [n for n in COLUMNS if (n in read if asked[n] is None else asked[n])]
        return {name: list(map(COLUMNS[name], encodings)) for name in names}

    def encode(self, text, text_pair=None, **options):
        """The ``input_ids`` of :meth:`__call__` alone; takes the same options."""
        return self(text, text_pair, **options)["input_ids"]

    def tokenize(self, text, pair=None, add_special_tokens=False, **options):
        """The tokens of a text, as strings."""
        return self(text, pair, add_special_tokens=add_special_tokens, **options).tokens()

    def pad(
        self,
        encoded_inputs,
        padding=True,
        max_length=None,
        pad_to_multiple_of=None,
        padding_side=None,
        return_attention_mask=None,
        return_tensors=None,
    ):
        """Bring ids to one length: what a data collator does with its rows.

        Args:
            encoded_inputs: ``{"input_ids": [[…], […]], …}``, or a list of such dictionaries with
                one row each. Columns that are not the tokenizer's own (labels) stay as they are.

        Returns:
            A new :class:`BatchEncoding`.
        """
        if isinstance(encoded_inputs, (list, tuple)):
            rows = encoded_inputs
            encoded_inputs = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
        columns = {name: as_lists(values) for name, values in encoded_inputs.items()}
        if "input_ids" not in columns:
            raise TokenizerError("there is nothing to pad", wanted="input_ids", got=list(columns))
        is_batch = not columns["input_ids"] or isinstance(columns["input_ids"][0], list)
        if not is_batch:
            columns = {name: [row] for name, row in columns.items()}
        wants_mask = return_attention_mask
        if wants_mask is None:
            wants_mask = "attention_mask" in self.model_input_names
        if wants_mask and "attention_mask" not in columns:
            columns["attention_mask"] = [[1] * len(row) for row in columns["input_ids"]]
        lengths = choose_lengths(self, padding, False, max_length, pad_to_multiple_of, padding_side)
        fillers = {
            "input_ids": self.pad_token_id,
            "attention_mask": 0,
            "token_type_ids": self.pad_token_type_id,
            "special_tokens_mask": 1,
        }
        columns = pad_columns(columns, lengths, fillers)
        if not is_batch:
            columns = {name: row for name, (row,) in columns.items()}
        return BatchEncoding(columns, tensor_type=return_tensors)


def _as_rows(text, text_pair, is_split_into_words):
    """The rows to encode, and whether the caller gave several."""
    is_batch = isinstance(text, (list, tuple))
    if is_split_into_words:
        is_batch = is_batch and bool(text) and isinstance(text[0], (list, tuple))
    if not is_batch:
        return [(text, text_pair) if text_pair else text], False
    if text_pair is None:
        return text, True
    _check_partners("text_pair", text_pair, text)
    return list(zip(text, text_pair, strict=True)), True


def _check_partners(name, partners, rows):
    if isinstance(partners, str) or len(partners) != len(rows):
        got = "one string" if isinstance(partners, str) else len(partners)
        wanted = f"{len(rows)} texts"
        raise ArgumentError("each text needs its partner", where=name, wanted=wanted, got=got)


def _refuse_unknown(unknown):
    name = next(iter(unknown))
    options = list(inspect.signature(PreTrainedTokenizerFast.__call__).parameters)[2:-1]
    close = difflib.get_close_matches(name, options, 1)
    raise ArgumentError(
        "a tokenizer has no such option",
        where=name,
        fix=f"Did you mean {close[0]}?" if close else f"There are: {', '.join(options)}",
    )
