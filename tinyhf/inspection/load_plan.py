"""Floor 6 · What ``from_pretrained`` would load, and why, found out without reading weights.

Mirrors nothing: transformers has no such look ahead.
"""

import contextlib
import re
from dataclasses import dataclass
from pathlib import Path

from tinyhf.backend import as_dtype, free_memory, is_float, parse_device
from tinyhf.configuration import GENERATION_CONFIG_NAME, AutoConfig, PreTrainedConfig
from tinyhf.errors import (
    ArgumentError,
    ConfigError,
    DeviceError,
    MissingExtraError,
    TinyHFError,
    WeightMismatchError,
)
from tinyhf.hub import HubOptions, cached_file, record_lookups
from tinyhf.inspection.parameter_tree import Branch, parameter_tree
from tinyhf.inspection.weight_files import plan_weights
from tinyhf.models.auto import stored_class
from tinyhf.models.loading import (
    LoadingInfo,
    is_known_to_miss,
    load_config,
    modern_name,
    name_in_model,
)
from tinyhf.models.placement import Placement, place_model
from tinyhf.models.pretrained import PreTrainedModel
from tinyhf.models.report import differences
from tinyhf.tokenization import AutoTokenizer


@dataclass
class LoadPlan:
    """What ``from_pretrained(name)`` of the class that was saved would do.

    Args:
        name: as it was asked for.
        folder: where ``config.json`` was found.
        lookups: stage → the ``Lookup`` of every file it asked for, in order.
        config: the config; ``config.decided_by`` says which field chose its class.
        model: the model without weights.
        tokenizer: a sentence: its class and what chose it, or why there is none.
        shards: the weight files in the order they are read.
        tree: the parameters, by name.
        info: names and shapes that checkpoint and model do not share, as ``LoadingInfo``.
        differences: lines about them.
        free_memory: device → free bytes, or None where the system does not tell.
        placement: where ``device_map="auto"`` would put the parameters, in the type of the files.
        error: what loading would end with; None if nothing stands in its way.
    """

    name: str
    folder: str
    lookups: dict
    config: PreTrainedConfig
    model: PreTrainedModel
    tokenizer: str
    shards: list
    tree: Branch
    info: LoadingInfo
    differences: list
    free_memory: dict
    placement: Placement
    error: TinyHFError | None


def plan_load(name, **hub_arguments):
    """Go the way of ``from_pretrained``, but leave the weights where they are.

    Args:
        name: a folder, a bundled model, or "owner/name".
        hub_arguments: revision, token, cache_dir …

    Raises:
        HubError, ConfigError: without a config there is nothing to show.
        ArgumentError: a keyword that is none of the hub's.
    """
    name, hub_options, lookups = str(name), HubOptions.pop_from(hub_arguments), {}
    if hub_arguments:
        raise ArgumentError(f"the hub has no argument {', '.join(hub_arguments)}", where=name)
    with record_lookups() as lookups["config"]:
        config = AutoConfig.from_pretrained(name, **vars(hub_options))
    hub_options = hub_options.at_commit_of(config._source)
    model = stored_class(config)(config)
    unreadable = config_error(model, name, hub_options)
    with record_lookups() as lookups["weights"]:
        shards, incomplete = plan_weights(name, hub_options)
    with record_lookups() as lookups["tokenizer"]:
        tokenizer = describe_tokenizer(name, hub_options)
    with record_lookups() as lookups["generation"]:
        cached_file(name, GENERATION_CONFIG_NAME, hub_options)
    tensors = tensors_by_parameter(model, shards)
    is_known = shards and all(shard.tensors for shard in shards)
    info = compare(model, tensors) if is_known else LoadingInfo()
    dtypes = dtypes_by_parameter(model, tensors)
    dtype = next(filter(is_float, dtypes.values()))
    return LoadPlan(
        name=name,
        folder=str(Path(config._source).parent),
        lookups=lookups,
        config=config,
        model=model,
        tokenizer=tokenizer,
        shards=shards,
        tree=parameter_tree(model, dtypes),
        info=info,
        differences=differences(model, info),
        free_memory=free_memory_by_device(),
        placement=place_model(model, model.state_dict(), "auto", dtype),
        error=unreadable or incomplete or mismatch_error(name, info),
    )


def config_error(model, name, hub_options):
    """What loading says to a config of a kind that tinyhf does not read, or None."""
    try:
        load_config(type(model), name, model.config, hub_options, {})
    except ConfigError as error:
        return error
    return None


# ---- parameters ----------------------------------------------------------------------------------


def tensors_by_parameter(model, shards):
    """(name in the checkpoint, name in the model or None) → ``TensorInfo``."""
    places = model.state_dict()
    return {
        (key, name_in_model(key, places, model.base_model_prefix)): info
        for shard in shards
        for key, info in shard.tensors.items()
    }


def dtypes_by_parameter(model, tensors):
    """Parameter → its type in the checkpoint, or, where no header tells, that of the config."""
    found = {name: info.dtype for (_, name), info in tensors.items()}
    config_dtype = model.config.dtype
    otherwise = as_dtype("float32" if config_dtype in (None, "auto") else config_dtype)
    return {name: found.get(name, otherwise) for name in model.state_dict()}


def compare(model, tensors):
    """Which names and shapes the headers and the model do not share."""
    places = model.state_dict()
    missing = missing_parameters(model, {name for _, name in tensors})
    old = "|".join(model.keys_to_ignore_on_load_unexpected) or "$^"
    unexpected = {key: info.shape for (key, name), info in tensors.items() if name is None}
    return LoadingInfo(
        missing_keys={key for key in missing if not is_known_to_miss(model, key)},
        unexpected_keys={
            modern_name(key): shape for key, shape in unexpected.items() if not re.search(old, key)
        },
        mismatched_keys={
            (name, info.shape, places[name].shape)
            for (_, name), info in tensors.items()
            if name is not None and info.shape != places[name].shape
        },
    )


def missing_parameters(model, found):
    """The parameters that no file holds, and that are not tied to one that a file holds."""
    missing, pairs = model.state_dict().keys() - found, tied_pairs(model).items()
    missing -= {source for name, source in pairs if name not in missing}
    return missing - {name for name, source in pairs if source not in missing}


def tied_pairs(model):
    """Parameter → the one it is tied to, where the config says so."""
    return model.tied_weights_keys if model.config.tie_word_embeddings else {}


def mismatch_error(name, info):
    """What loading says to shapes that differ; None if none do."""
    if not info.mismatched_keys:
        return None
    problem = f"{len(info.mismatched_keys)} weights have another shape than the model's parameters"
    return WeightMismatchError(problem, where=name)


# ---- what stands beside --------------------------------------------------------------------------


def describe_tokenizer(name, hub_options):
    """Its class and what chose it, or why there is none."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, **vars(hub_options))
    except TinyHFError as error:
        return f"none: {error}"
    return f"{type(tokenizer).__name__}, {len(tokenizer)} tokens, by {tokenizer.class_reason}"


def free_memory_by_device():
    """The CPU, and the first GPU if there is one."""
    free = {"cpu": free_memory("cpu")}
    with contextlib.suppress(MissingExtraError, DeviceError):
        free["cuda:0"] = free_memory(parse_device("cuda"))
    return free
