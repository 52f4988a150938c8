"""Floor 1 · Which files hold the weights: one file, or an index that names the shards.

Mirrors _get_resolved_checkpoint_files of transformers/modeling_utils.py and
get_checkpoint_shard_files of transformers/utils/hub.py. How a file name becomes a path is not known
here: ``fetch("model.safetensors")`` is given, and answers with a path or None.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from tinyhf.errors import CheckpointError

SAFE_WEIGHTS_NAME = "model.safetensors"
SAFE_WEIGHTS_INDEX_NAME = "model.safetensors.index.json"
WEIGHTS_NAME = "pytorch_model.bin"
WEIGHTS_INDEX_NAME = "pytorch_model.bin.index.json"
UNREADABLE_NAMES = ("tf_model.h5", "flax_model.msgpack", "consolidated.00.pth")


@dataclass
class Checkpoint:
    """The weight files of a model, in the order they are read.

    Args:
        files: paths of the shards.
        sharded_metadata: what the index says, plus ``all_checkpoint_keys``; None for one file.
    """

    files: list
    sharded_metadata: dict | None = field(default=None, repr=False)


def find_checkpoint(name, fetch, use_safetensors=None, variant=None):
    """Try the names that weights may have, one after the other; an index leads to its shards.

    Args:
        use_safetensors: True tries only safetensors files, False only those of torch.save.
        variant: a word in the file names, such as "fp16" in ``model.fp16.safetensors``.

    Raises:
        CheckpointError: the model ``name`` has no weights, or its index is not to be trusted.
    """
    names = weights_names(use_safetensors, variant)
    for weights_name in names:
        path = fetch(weights_name)
        if path is not None and is_index(weights_name):
            return Checkpoint(*get_checkpoint_shard_files(path, fetch))
        if path is not None:
            return Checkpoint([path])
    raise _no_weights(name, fetch, names)


def weights_names(use_safetensors=None, variant=None):
    """The file names to try, in the order of transformers."""
    safe = [SAFE_WEIGHTS_NAME, SAFE_WEIGHTS_INDEX_NAME] if use_safetensors is not False else []
    others = [WEIGHTS_NAME, WEIGHTS_INDEX_NAME] if not use_safetensors else []
    return [add_variant(weights_name, variant) for weights_name in safe + others]


def add_variant(weights_name, variant):
    """``model.safetensors`` → ``model.fp16.safetensors``."""
    stem, _, suffix = weights_name.rpartition(".")
    return weights_name if variant is None else f"{stem}.{variant}.{suffix}"


def is_index(weights_name):
    """Whether a file of this name lists shards, rather than holding weights."""
    return weights_name.endswith(".json")


def get_checkpoint_shard_files(index_filename, fetch):
    """Fetch every shard that an index names.

    Returns:
        (paths, sharded_metadata): the shards in order of their names, and the index's ``metadata``
        with ``all_checkpoint_keys`` and ``weight_map``.
    """
    weight_map, metadata = read_index(index_filename)
    paths = []
    for shard in sorted(set(weight_map.values())):
        path = fetch(shard)
        if path is None:
            first = next(name for name, file in weight_map.items() if file == shard)
            raise CheckpointError(
                f"names the shard {shard!r}, which is not there (it should hold {first!r})",
                where=str(index_filename),
                fix="The download may be incomplete; fetch the missing file",
            )
        paths.append(path)
    sharded_metadata = {**metadata, "all_checkpoint_keys": list(weight_map)}
    return paths, {**sharded_metadata, "weight_map": weight_map}


def read_index(index_filename):
    """``weight_map`` (tensor name → shard file) and ``metadata`` of an index file."""
    try:
        index = json.loads(Path(index_filename).read_text(encoding="utf-8"))
        weight_map, metadata = index["weight_map"], dict(index.get("metadata") or {})
        shards = set(weight_map.values())
        if not shards:
            raise ValueError("weight_map is empty")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(
            f"is not a shard index: {type(error).__name__} {error}",
            where=str(index_filename),
            wanted='JSON with "weight_map": {tensor name: file name}',
        ) from error
    for shard in shards:
        _check_is_plain_name(shard, index_filename)
    return weight_map, metadata


def _check_is_plain_name(shard, index_filename):
    """A shard lies beside its index; anything else could reach into other folders."""
    if not isinstance(shard, str) or shard in ("", ".", "..") or set(shard) & set("/\\:\0"):
        raise CheckpointError(
            "names a shard outside its own folder",
            where=str(index_filename),
            wanted="a plain file name such as model-00001-of-00002.safetensors",
            got=shard,
            fix="Do not use this checkpoint unless you know where it comes from",
        )


def _no_weights(name, fetch, tried):
    """Says what was asked for, and what is there instead."""
    others = [other for other in (*weights_names(), *UNREADABLE_NAMES) if other not in tried]
    found = next(filter(fetch, others), None)
    fix = None
    if found in UNREADABLE_NAMES:
        fix = f"There is {found}, which tinyhf does not read: save it as safetensors"
    elif found:
        fix = f"There is {found}: leave out variant= and use_safetensors="
    return CheckpointError("there are no weights", where=name, wanted=" or ".join(tried), fix=fix)
