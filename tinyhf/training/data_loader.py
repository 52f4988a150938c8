"""Floor 6 · DataLoader: a dataset as batches, in the order and with the draws of torch's.

Stands in for torch.utils.data.DataLoader as accelerate wraps it.
"""

import itertools
from collections.abc import Mapping

from tinyhf.backend.random import default_generator
from tinyhf.errors import ArgumentError


class DataLoader:
    """Batches of items: ``for batch in loader``, and ``len(loader)`` of them.

    Args:
        dataset: anything with ``len()`` and ``[number]`` whose items are dicts, as a list.
        batch_size: items in a batch; the last one may have fewer.
        collate: a data collator.
        order: epoch → the numbers of all items.
        columns: names that the collator sees of each item; None is all.
        drop_last: leave the last batch out if it is smaller.
        name: how errors call the dataset.

    Raises:
        ArgumentError: the dataset is empty or none.
    """

    def __init__(
        self, dataset, batch_size, collate, order, columns=None, drop_last=False, name="dataset"
    ):
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            wanted, got = (
                "a list, or another object with len() and [number]",
                type(dataset).__name__,
            )
            raise ArgumentError("is no dataset", where=name, wanted=wanted, got=got)
        if len(dataset) == 0 or (drop_last and len(dataset) < batch_size):
            fix = f"A batch needs {batch_size} items" if len(dataset) else None
            raise ArgumentError("there are no items", where=name, got=len(dataset), fix=fix)
        self.dataset, self.batch_size, self.collate = dataset, batch_size, collate
        self.order, self.columns, self.drop_last, self.name = order, columns, drop_last, name
        self.state_of_epoch = self.state_of_next_batch = None

    def __len__(self):
        full, rest = divmod(len(self.dataset), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self):
        return self.batches()

    def batches(self, epoch=0, skip=0, states=None):
        """The batches of one epoch.

        Each is made one ahead, as by accelerate: so a collator that draws random numbers draws them
        before the model does.

        Args:
            skip: how many batches were already seen, when a run is resumed;
            states: where the random stream stood: (before the order of this epoch was drawn,
                before the next batch was made, when the run was saved).
        """
        stream, is_within_epoch = default_generator(), states and skip
        if states:
            stream.set_state(states[0] if skip else states[2])
        self.state_of_epoch = stream.get_state()
        stream.bernoulli(1, 0.5)  # torch draws a seed for its workers here
        order = self.order(epoch)
        if is_within_epoch:
            stream.set_state(states[1])
        ahead = self.batch(order, skip) if skip < len(self) else None
        if is_within_epoch:
            stream.set_state(states[2])
        for number in range(skip, len(self)):
            current, self.state_of_next_batch = ahead, default_generator().get_state()
            ahead = self.batch(order, number + 1) if number + 1 < len(self) else None
            yield current

    def steps(self, batches_in_step, epoch=0, skip=0, states=None):
        """The batches of one epoch, as lists of those that make one step."""
        batches = self.batches(epoch, skip, states)
        while step := list(itertools.islice(batches, batches_in_step)):
            yield step

    def batch(self, order, number):
        """Collate the batch of this number."""
        chosen = order[number * self.batch_size : (number + 1) * self.batch_size]
        return dict(self.collate([self.item(i) for i in chosen]))

    def item(self, number):
        """One item, with the columns that the model reads."""
        item = self.dataset[number]
        if self.columns is None or not isinstance(item, Mapping):
            return item
        kept = {name: value for name, value in item.items() if name in self.columns}
        if not kept:
            raise ArgumentError(
                "the item has no column that the model reads",
                where=f"item {number} of {self.name}",
                wanted=", ".join(self.columns),
                got=list(item),
                fix="Rename its columns, or pass remove_unused_columns=False",
            )
        return kept
