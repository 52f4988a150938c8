"""Floor 6 · The story of a load: what ``from_pretrained`` would do, step by step, and why.

    story = tinyhf.load_story("tinyhf/little-tales", dtype="auto")
    print(story)                     the six stages of from_pretrained, then the tokenizer
    story.tensors[3].file            the same as data; ``story.to_dict()`` can be written as JSON

Only small files and headers are read, never weights.
"""

from dataclasses import asdict, dataclass

import numpy

from tinyhf.backend import as_dtype, float32, is_float, is_half
from tinyhf.configuration import PreTrainedConfig
from tinyhf.errors import ArgumentError, NotEnoughMemoryError, TinyHFError
from tinyhf.inspection.load_plan import plan_load
from tinyhf.inspection.story_text import story_text, tensor_table
from tinyhf.inspection.tensor_story import tell_tensors
from tinyhf.models.dispatch import check_memory
from tinyhf.models.placement import AUTOMATIC, DISK, Placement, place_model


@dataclass(repr=False)
class LoadStory:
    """What ``from_pretrained(name, dtype=dtype, device_map=device_map)`` would do.

    Args:
        name: as it was asked for.
        files: every file asked for, in order: {"stage", "file", "found", "path" or None}.
        weight_files: in the order of reading: {"file", "state", "tensors", "dtypes", "nbytes"}.
        config: the config.
        model_class: the class that was saved; Auto classes may choose another of its family.
        class_reason: which fields chose config and class.
        dtype: how weights are kept in memory.
        dtype_reason: why so.
        placement: where they are kept; ``placement.device_map`` is part → device.
        device_reason: why there.
        free_memory: device → bytes, None where the system does not tell.
        tensors: a ``TensorStory`` for every parameter, in the order of the model.
        unused: one for every tensor of the files that the model has no place for.
        differences: lines about names and shapes that checkpoint and model do not share.
        tokenizer: a sentence: its class and what chose it, or why there is none.
        error: what loading would end with, or None.
    """

    name: str
    files: list
    weight_files: list
    config: PreTrainedConfig
    model_class: str
    class_reason: str
    dtype: str
    dtype_reason: str
    placement: Placement
    device_reason: str
    free_memory: dict
    tensors: list
    unused: list
    differences: list
    tokenizer: str
    error: TinyHFError | None

    def __str__(self):
        return story_text(self)

    def __repr__(self):
        return f"LoadStory({self.name!r}, {self.model_class}, {len(self.tensors)} parameters)"

    def tensor_table(self):
        """Text: a line for every parameter, and for every tensor that is not used."""
        return tensor_table(self)

    def to_dict(self):
        """All of it in dicts, lists, texts and numbers, for JSON."""
        rows = {
            kind: [{"source": row.source, **asdict(row)} for row in getattr(self, kind)]
            for kind in ("tensors", "unused")
        }
        placement = {"device_map": self.placement.device_map, "nbytes": self.placement.nbytes}
        error = None if self.error is None else str(self.error)
        config = self.config.to_dict()
        return {**vars(self), **rows, "config": config, "placement": placement, "error": error}


def load_story(name, dtype=None, device_map=None, **hub_arguments):
    """Find out what ``from_pretrained`` of the class that was saved would do.

    Args:
        name: a folder, a bundled model, or "owner/name".
        dtype, device_map: as for ``from_pretrained``.
        hub_arguments: revision, token, cache_dir …

    Returns:
        A ``LoadStory``; a load that would fail has an ``error``.

    Raises:
        HubError, ConfigError: without a config there is no story.
        ArgumentError, DeviceError: there is no such dtype, device, or part of the model.
    """
    plan = plan_load(name, **hub_arguments)
    dtype, dtype_reason = choose_dtype(dtype, plan)
    placement = place_model(plan.model, plan.model.state_dict(), device_map, dtype)
    tensors, unused = tell_tensors(plan, placement)
    return LoadStory(
        name=plan.name,
        files=[
            {"stage": stage, "file": file, "found": found, "path": path}
            for stage, lookups in plan.lookups.items()
            for _, file, path, found in lookups
        ],
        weight_files=[describe_weights(shard) for shard in plan.shards],
        config=plan.config,
        model_class=plan.tree.kind,
        class_reason=why_this_class(plan),
        dtype=dtype.name,
        dtype_reason=dtype_reason,
        placement=placement,
        device_reason=why_there(device_map),
        free_memory=plan.free_memory,
        tensors=tensors,
        unused=unused,
        differences=plan.differences,
        tokenizer=plan.tokenizer,
        error=plan.error or memory_error(plan.name, placement) or disk_error(tensors, dtype),
    )


def describe_weights(shard):
    """A ``ShardPlan`` as a dict."""
    return {
        "file": shard.file,
        "state": shard.state,
        "tensors": len(shard.tensors) or shard.expected,
        "dtypes": sorted({info.dtype.name for info in shard.tensors.values()}),
        "nbytes": shard.nbytes,
    }


# ---- why -----------------------------------------------------------------------------------------


def why_this_class(plan):
    """Which fields of config.json chose the config's class, and the model's."""
    config_class, model_class = type(plan.config).__name__, plan.tree.kind
    if model_class in (plan.config.architectures or ()):
        reason = "architectures names it"
    else:
        reason = f"the usual one for a {config_class}: architectures names none that is known"
    return f"{config_class}, by {plan.config.decided_by}; {model_class}, {reason}"


def choose_dtype(dtype, plan):
    """(how weights are kept, why), as ``tinyhf.models.loading.choose_dtype`` does."""
    if dtype is None:
        return float32, "the default"
    if dtype != "auto":
        return as_dtype(dtype), "as asked for"
    if plan.config.dtype not in (None, "auto"):
        return as_dtype(plan.config.dtype), '"auto": the field dtype of config.json'
    for shard in plan.shards[:1]:
        for key, info in shard.tensors.items():
            if is_float(info.dtype):
                return info.dtype, f'"auto": {key} in {shard.file} has it, config.json names none'
    return float32, '"auto", but neither config.json nor a file that is here tells'


def why_there(device_map):
    """Why the weights are where the placement has them."""
    if device_map is None:
        return "by default"
    if device_map in AUTOMATIC:
        return f'by "{device_map}", GPUs first, then the CPU, and the rest stays in the files'
    return "as asked for"


# ---- what stands in the way ----------------------------------------------------------------------


def memory_error(name, placement):
    """What loading says where memory is short, or None."""
    try:
        check_memory(name, placement)
    except NotEnoughMemoryError as error:
        return error
    return None


def disk_error(tensors, dtype):
    """What loading says of weights that stay on the disk in another type, or None."""
    for row in tensors:
        if row.source == "file" and row.device == DISK and must_round(row.stored_dtype, dtype):
            problem = f"weights that stay on disk cannot be rounded: {row.name} is not {dtype.name}"
            return ArgumentError(problem, where="dtype", fix='Load the model with dtype="auto"')
    return None


def must_round(stored, dtype):
    """Whether numbers of this type lose something on the way."""
    stored = numpy.dtype(stored)
    return is_float(stored) and stored != dtype and not (is_half(stored) and dtype == float32)
