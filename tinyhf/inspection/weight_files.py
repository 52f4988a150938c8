"""Floor 6 · Which weight files would be read, and what their headers say.

Only headers are read, and only of files already on this computer: a look may download the small
index, never weights.
"""

import contextlib
import dataclasses
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tinyhf.checkpoint import find_checkpoint, load_state_dict
from tinyhf.checkpoint.index import is_index, read_index, weights_names
from tinyhf.errors import CheckpointError, HubError, TinyHFError
from tinyhf.hub import cached_file, record_lookups
from tinyhf.hub.record import record


@dataclass
class ShardPlan:
    """One weight file.

    Args:
        file: its name.
        expected: how many tensors the index expects in it; None without an index.
        nbytes: its size on disk; None if it is not there.
        tensors: name → ``TensorInfo``, from its header.
        error: why it cannot be read; None if it can, or if it is not downloaded yet.
    """

    file: str
    expected: int | None = None
    nbytes: int | None = None
    tensors: dict = field(default_factory=dict, repr=False)
    error: TinyHFError | None = None

    @property
    def state(self):
        """In a word or two."""
        if self.error is not None:
            return "missing" if self.nbytes is None else "damaged"
        return "not downloaded" if self.nbytes is None else "ready"


def plan_weights(name, hub_options):
    """The shards, and the first error among them, or the one that says why there are none."""
    try:
        shards = plan_shards(name, hub_options)
    except CheckpointError as error:
        return [], error
    missing = [shard.file for shard in shards if shard.state == "missing"]
    if missing:
        problem = f"{len(missing)} of {len(shards)} weight files are missing: {', '.join(missing)}"
        return shards, CheckpointError(problem, where=name)
    return shards, next((shard.error for shard in shards if shard.error), None)


def plan_shards(name, hub_options):
    """As ``find_checkpoint``: one file, or those that an index names.

    A single file that is not downloaded counts only where no index leads further.
    """
    here_only = dataclasses.replace(hub_options, local_files_only=True)
    not_downloaded = []
    for weights_name in weights_names():
        if is_index(weights_name):
            index_filename = cached_file(name, weights_name, hub_options)
            if index_filename is not None:
                return plan_index(name, index_filename, here_only)
        else:
            single = plan_shard(name, weights_name, here_only)
            if single.nbytes is not None:
                return [single]
            not_downloaded += [single] if single.state == "not downloaded" else []
    if not not_downloaded:
        find_checkpoint(name, lambda file: cached_file(name, file, here_only))  # raises
    return not_downloaded[:1]


def plan_index(name, index_filename, here_only):
    """The shards that an index names."""
    weight_map, _ = read_index(index_filename)
    tensors_in = Counter(weight_map.values())
    return [plan_shard(name, file, here_only, tensors_in[file]) for file in sorted(tensors_in)]


def plan_shard(name, file, here_only, expected=None):
    """One weight file: its header, if it is on this computer."""
    path, reason = look_up(name, file, here_only)
    if path is None:
        error = CheckpointError("there is no such file", where=file)
        return ShardPlan(file, expected, error=error if reason == "not there" else None)
    nbytes = Path(path).stat().st_size
    try:
        return ShardPlan(file, expected, nbytes, load_state_dict(path).tensors)
    except CheckpointError as error:
        return ShardPlan(file, expected, nbytes, error=error)


def look_up(name, file, here_only):
    """The path or None, and the reason; the record outside hears of it, too."""
    with record_lookups() as lookups, contextlib.suppress(HubError):  # has it, the cache has not
        cached_file(name, file, here_only)
    (lookup,) = lookups
    found = lookup.result is not None or lookup.reason == "not there"
    record(lookup if found else lookup._replace(reason="not downloaded"))
    return lookup.result, lookup.reason
