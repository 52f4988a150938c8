"""Floor 6 · What data collators do with the items they are given: pick, pad, stack.

Mirrors the helpers of transformers/data/data_collator.py.
"""

import numpy

from tinyhf.backend import to_host
from tinyhf.errors import ArgumentError

IGNORE_INDEX = -100


def column(name, features):
    """The values of one column, item by item."""
    for number, item in enumerate(features):
        if item.get(name) is None:
            raise ArgumentError(
                "an item of the dataset lacks a column that others have",
                where=f"item {number} of the batch",
                wanted=f"{name!r}",
                got=list(item),
            )
    return [item[name] for item in features]


def stack(name, values):
    """One array of all rows: whole numbers as int64, others as float32."""
    rows = [to_host(value) for value in values]
    lengths = {numpy.shape(row)[:1] for row in rows if not isinstance(row, list)}
    lengths |= {(len(row),) for row in rows if isinstance(row, list)}
    if len(lengths) > 1:
        shortest, longest = min(lengths), max(lengths)
        raise ArgumentError(
            "the rows of a batch have different lengths",
            where=name,
            got=[*shortest, *longest],
            fix="Pass processing_class=tokenizer to the Trainer, or data_collator="
            "DataCollatorWithPadding(tokenizer), to pad them",
        )
    array = numpy.array(rows)
    if array.dtype.kind == "f" and not hasattr(rows[0], "dtype"):
        return array.astype("float32")  # Python's floats, as torch.tensor takes them
    return array


def pad(tokenizer, features, padding=True, max_length=None, pad_to_multiple_of=None):
    """The tokenizer's columns brought to one length, as a plain dict of arrays."""
    features = [dict(item) for item in features]
    for name in features[0]:
        column(name, features)
    padded = tokenizer.pad(
        features,
        padding=padding,
        max_length=max_length,
        pad_to_multiple_of=pad_to_multiple_of,
    )
    return {name: stack(name, values) for name, values in padded.items()}


def pad_labels(labels, length, padding_side, label_pad_token_id):
    """Labels of each token, brought to ``length``: int64 (batch, length)."""
    rows = []
    for label in labels:
        row = list(map(int, label))
        fill = [label_pad_token_id] * (length - len(row))
        rows.append(row + fill if padding_side == "right" else fill + row)
    return stack("labels", rows)


def take_labels(features):
    """(name of the column of labels, its values or None, the items without it)."""
    name = "label" if "label" in features[0] else "labels"
    labels = None if features[0].get(name) is None else column(name, features)
    return name, labels, [{k: v for k, v in item.items() if k != name} for item in features]
