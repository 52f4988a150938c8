"""Floor 4 · How long a row may be and how long it must be: truncation and padding.

Mirrors transformers/tokenization_utils_base.py (``_get_padding_truncation_strategies``, ``pad``)
and tokenization_utils_tokenizers.py (``set_truncation_and_padding``).
"""

from typing import NamedTuple

from tinyhf.errors import ArgumentError, TokenizerError

PADDINGS = {False: "do_not_pad", None: "do_not_pad", True: "longest"}
TRUNCATIONS = {False: "do_not_truncate", None: "do_not_truncate", True: "longest_first"}
PADDING_STRATEGIES = ("longest", "max_length", "do_not_pad")
TRUNCATION_STRATEGIES = ("longest_first", "only_first", "only_second", "do_not_truncate")

# A model_max_length above this means that the model has no such limit.
NO_LIMIT = 10**20


class Lengths(NamedTuple):
    """What was asked for, with every default filled in; ``max_length`` counts tokens."""

    padding: str = "do_not_pad"
    truncation: str = "do_not_truncate"
    max_length: int | None = None
    pad_to_multiple_of: int | None = None
    padding_side: str = "right"
    stride: int = 0

    @property
    def pads(self):
        return self.padding != "do_not_pad"

    @property
    def truncates(self):
        return self.truncation != "do_not_truncate"


def choose_lengths(
    tokenizer,
    padding=False,
    truncation=None,
    max_length=None,
    pad_to_multiple_of=None,
    padding_side=None,
    stride=0,
):
    """Fill in what the caller left open; the rules are those of transformers.

    Raises:
        ArgumentError: an unknown strategy, or values that contradict each other.
        TokenizerError: padding is asked for and there is no token to pad with.
    """
    if max_length is not None and padding is False and truncation is None:
        truncation = True  # a lone max_length means "cut"
    padding = _choice("padding", padding, PADDINGS, PADDING_STRATEGIES)
    truncation = _choice("truncation", truncation, TRUNCATIONS, TRUNCATION_STRATEGIES)
    if max_length is None and tokenizer.model_max_length > NO_LIMIT:
        padding = "do_not_pad" if padding == "max_length" else padding
        truncation = "do_not_truncate"
    elif max_length is None and (padding == "max_length" or truncation != "do_not_truncate"):
        max_length = tokenizer.model_max_length
    side = padding_side or tokenizer.padding_side
    lengths = Lengths(padding, truncation, max_length, pad_to_multiple_of, side, stride)
    _check(lengths, tokenizer)
    return lengths


def _choice(name, value, shorthands, strategies):
    value = shorthands.get(value, value)
    if value not in strategies:
        wanted = f"True, False or one of {', '.join(strategies)}"
        raise ArgumentError("there is no such strategy", where=name, wanted=wanted, got=value)
    return value


def _check(lengths, tokenizer):
    side = lengths.padding_side
    if side not in ("left", "right"):
        wanted = '"left" or "right"'
        raise ArgumentError("no such side", where="padding_side", wanted=wanted, got=side)
    if lengths.pads and tokenizer.pad_token_id is None:
        raise TokenizerError(
            "there is no token to pad with",
            where="pad_token",
            wanted="a token of the vocabulary",
            got=tokenizer.pad_token,
            fix="Set tokenizer.pad_token = tokenizer.eos_token, or add one with "
            "tokenizer.add_special_tokens({'pad_token': '[PAD]'})",
        )
    pads_what_is_cut = lengths.pads and lengths.truncates
    if pads_what_is_cut and lengths.max_length % (lengths.pad_to_multiple_of or 1):
        raise ArgumentError(
            f"rows are cut at {lengths.max_length} tokens, which is not a multiple of "
            f"pad_to_multiple_of={lengths.pad_to_multiple_of}",
            where="max_length",
        )


def set_lengths(backend, lengths, tokenizer):
    """Tell the ``tokenizers.Tokenizer`` how to cut and fill; it keeps this until told anew."""
    if lengths.truncates:
        try:
            backend.enable_truncation(
                lengths.max_length,
                stride=lengths.stride,
                strategy=lengths.truncation,
                direction=tokenizer.truncation_side,
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise ArgumentError(
                f"rows cannot be cut so: {error}",
                where="max_length, stride",
                got=(lengths.max_length, lengths.stride),
            ) from error
    else:
        backend.no_truncation()
    if lengths.pads:
        backend.enable_padding(
            direction=lengths.padding_side,
            pad_id=tokenizer.pad_token_id,
            pad_type_id=tokenizer.pad_token_type_id,
            pad_token=tokenizer.pad_token,
            length=lengths.max_length if lengths.padding == "max_length" else None,
            pad_to_multiple_of=lengths.pad_to_multiple_of,
        )
    else:
        backend.no_padding()


def pad_columns(columns, lengths, fillers):
    """Bring rows that are ids already to one length.

    Args:
        columns: ``{"input_ids": [[5, 6], [7]], …}``, one list a row.
        lengths: from :func:`choose_lengths`.
        fillers: for each column that grows, the number it is filled with.
    """
    if not lengths.pads:
        return columns
    longest = max(map(len, columns["input_ids"]), default=0)
    length = lengths.max_length if lengths.padding == "max_length" else longest
    multiple = lengths.pad_to_multiple_of or 1
    length = -(-length // multiple) * multiple
    return {
        name: [_fill(row, length, fillers[name], lengths.padding_side) for row in rows]
        if name in fillers
        else rows
        for name, rows in columns.items()
    }


def _fill(row, length, filler, side):
    missing = [filler] * (length - len(row))
    return [*missing, *row] if side == "left" else [*row, *missing]
