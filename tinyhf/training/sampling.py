"""Floor 6 · In which order the items of a dataset are seen.

Mirrors torch's samplers as transformers' Trainer sets them up, and LengthGroupedSampler of
transformers/trainer_pt_utils.py: for the same seed the very same order.
"""

from collections.abc import Mapping

from tinyhf.backend.random import TorchGenerator, default_generator
from tinyhf.errors import ArgumentError

MEGABATCH = 50  # batches among which items of equal length are brought together


def random_order(count, seed, epoch):
    """Another order for each epoch: that of the stream that begins with seed + epoch."""
    return TorchGenerator(seed + epoch).randperm(count).tolist()


def sequential_order(count):
    """The order of the dataset."""
    return list(range(count))


def length_grouped_order(lengths, batch_size, generator=None):
    """A random order in which neighbours have about the same length, so that little is padded.

    Random megabatches of items are sorted by length, longest first; the longest item of all comes
    at the very beginning, so that a lack of memory shows at once.

    Args:
        lengths: of every item.
        generator: None draws from the default stream.
    """
    order = (generator or default_generator()).randperm(len(lengths)).tolist()
    size = batch_size * max(1, min(len(lengths) // (batch_size * 4), MEGABATCH))
    groups = [
        sorted(order[start : start + size], key=lengths.__getitem__, reverse=True)
        for start in range(0, len(order), size)
    ]
    longest = max(range(len(groups)), key=lambda number: lengths[groups[number][0]])
    groups[0][0], groups[longest][0] = groups[longest][0], groups[0][0]
    return [item for group in groups for item in group]


def lengths_of(dataset, length_column_name):
    """How many ids every item has; from ``length_column_name`` where there is one.

    Raises:
        ArgumentError: an item has neither.
    """
    items = [dataset[number] for number in range(len(dataset))]
    for number, item in enumerate(items):
        if not isinstance(item, Mapping) or not {"input_ids", length_column_name} & item.keys():
            raise ArgumentError(
                "grouping by length needs input_ids, or a column of lengths",
                where=f"item {number} of the dataset",
                wanted=f"'input_ids' or {length_column_name!r}",
            )
    return [
        item[length_column_name] if length_column_name in item else len(item["input_ids"])
        for item in items
    ]
