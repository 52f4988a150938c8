"""Floor 6 · Where each parameter comes from, and what becomes of it: a row for each, in HF's order.

Foretells _load_pretrained_model of ``tinyhf.models.loading``; only headers are read.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy

from tinyhf.backend import float32, is_float
from tinyhf.checkpoint.index import is_index, read_index
from tinyhf.checkpoint.mapped_file import TensorInfo
from tinyhf.inspection.load_plan import tied_pairs
from tinyhf.models.dispatch import computing_device
from tinyhf.models.initialization import stored_dtype
from tinyhf.models.loading import name_in_model
from tinyhf.models.placement import DISK


@dataclass
class TensorStory:
    """One parameter, or one tensor of a file that is no parameter's.

    Args:
        name: its full name in the model; None if the model has no place for it.
        shape: as the model has it; None for a tensor without a place.
        dtype: its type in memory; None if it is not loaded.
        device: "cpu", "cuda:0" …, or "disk" if it stays in its file.
        file: the weight file that holds it; None if none does.
        stored_name: its name there.
        start: its first byte in that file; None, as what follows, if the file is not here.
        nbytes: how many bytes it is there.
        stored_dtype: its type there.
        stored_shape: its shape there.
        tied_to: the parameter it is the same array as.
        first_values: how it starts, if no file holds it in this shape.
        note: what else there is to say.
    """

    name: str | None
    shape: tuple | None = None
    dtype: str | None = None
    device: str | None = None
    file: str | None = None
    stored_name: str | None = None
    start: int | None = None
    nbytes: int | None = None
    stored_dtype: str | None = None
    stored_shape: tuple | None = None
    tied_to: str | None = None
    first_values: str | None = None
    note: str | None = None

    @property
    def source(self):
        """In a word: "file", "unread" (a file that is not here), "tied", "new", or "unused"."""
        if self.name is None:
            return "unused"
        if self.tied_to is not None:
            return "tied"
        if self.first_values is not None:
            return "new"
        return "unread" if self.start is None else "file"


class Stored(NamedTuple):
    """A tensor in a file; ``info`` is None where the file is not here, or damaged."""

    name: str
    file: str
    info: TensorInfo | None

    @property
    def shape(self):
        return self.info and tuple(int(size) for size in self.info.shape)

    def write_into(self, row):
        """Add to a ``TensorStory`` where it lies."""
        row.stored_name, row.file = self.name, self.file
        if self.info is not None:
            row.start, row.nbytes = self.info.start, self.info.end - self.info.start
            row.stored_dtype, row.stored_shape = self.info.dtype.name, self.shape

    def is_same_as(self, other):
        """Whether both names lead to the same bytes, as where torch.save writes tied weights."""
        return None not in (self.info, other.info) and self[1:] == other[1:]


def tell_tensors(plan, placement):
    """(a row for every parameter in the order of the model, one for every tensor without a place).

    Args:
        plan: a ``LoadPlan``.
        placement: the ``Placement`` that loading would choose.
    """
    model, found, unused = plan.model, {}, []
    places = model.state_dict()
    for stored in stored_tensors(plan):
        name = name_in_model(stored.name, places, model.base_model_prefix)
        if name is None:
            unused.append(tell_unused(model, stored))
        else:
            found[name] = stored
    tied, notes = tell_ties(model, found)
    rows = {name: TensorStory(name, place.shape) for name, place in places.items()}
    for name, row in rows.items():
        row.tied_to, row.note = tied.get(name), notes.get(name)
        if row.tied_to is None:
            tell_loading(row, found.get(name), model, placement)
    for row in rows.values():
        if row.tied_to is not None:
            row.dtype, row.device = rows[row.tied_to].dtype, rows[row.tied_to].device
    return list(rows.values()), unused


def stored_tensors(plan):
    """Every tensor in the order of reading; of files that are not here, the names in the index."""
    in_index = {}
    for lookup in plan.lookups["weights"]:
        if lookup.result is not None and is_index(lookup.filename):
            in_index, _ = read_index(lookup.result)
    for shard in plan.shards:
        expected = {key: None for key, file in in_index.items() if file == shard.file}
        for key, info in (shard.tensors or expected).items():
            yield Stored(key, shard.file, info)


def tell_unused(model, stored):
    """A tensor that the model has no place for."""
    is_known = any(re.search(old, stored.name) for old in model.keys_to_ignore_on_load_unexpected)
    row = TensorStory(None, note="old files hold it, nobody needs it" if is_known else None)
    stored.write_into(row)
    return row


def tell_ties(model, found):
    """(parameter → the one it is tied to, parameter → a note where only the numbers can tell).

    As ``tie_loaded_weights`` does; what is stored under the tied name alone moves in ``found``.
    """
    tied, notes = {}, {}
    for name, source in tied_pairs(model).items():
        if name not in found or source not in found:
            tied[name] = source
            if name in found:
                found[source] = found[name]
        elif model.is_always_tied or found[name].is_same_as(found[source]):
            tied[name] = source
        else:
            notes[name] = f"= {source}, if the numbers are equal"
    return tied, notes


def tell_loading(row, stored, model, placement):
    """What becomes of a parameter that is not tied to another; ``stored`` None: no file holds it.

    Whole numbers are not cast, and neither is what stays on the disk.
    """
    row.dtype = stored_dtype(model, row.name, placement.dtype).name
    row.device = placement.device_of(row.name)
    if stored is not None:
        stored.write_into(row)
    if stored is None or stored.shape not in (None, row.shape):
        row.first_values = first_values(model, row.name)
        row.device = computing_device(row.device)
    elif stored.info and (row.device == DISK or not is_float(stored.info.dtype)):
        row.dtype = row.stored_dtype


def first_values(model, name):
    """How the model starts a parameter, in words; no numbers are drawn."""
    draws = Draws()
    values = model.initial_values(name, draws)
    if values.min() < values.max():
        return "waves"
    if draws.std is not None:
        return f"normal, deviation {draws.std:g}"
    return "ones" if values.all() else "zeros"


class Draws:
    """Stands in for a generator, and only remembers what it is asked for."""

    std = None

    def normal(self, shape, mean, std):
        self.std = std
        return numpy.zeros(shape, float32)
