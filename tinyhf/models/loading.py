"""Floor 5 · The stages of ``from_pretrained``: config, dtype, device, memory, and the weights.

Mirrors _load_pretrained_model and _load_state_dict_into_meta_model of
transformers/modeling_utils.py, and set_module_tensor_to_device of accelerate.
"""

import copy
import difflib
import re
from dataclasses import asdict, dataclass, field

from tqdm import tqdm

from tinyhf.backend import as_dtype, cast, is_float, to_device
from tinyhf.checkpoint import load_state_dict
from tinyhf.configuration import GENERATION_CONFIG_NAME, GenerationConfig
from tinyhf.errors import ArgumentError, WeightMismatchError, logger
from tinyhf.hub import cached_file
from tinyhf.models.dispatch import leave_on_disk
from tinyhf.models.initialization import init_weights, stored_dtype
from tinyhf.models.placement import DISK
from tinyhf.models.report import differences

#: Arguments of transformers that change nothing here: weights are always read tensor by tensor
#: into an empty model, and attention is always the visible one.
LEFTOVERS = (
    "_fast_init",
    "attn_implementation",
    "from_flax",
    "from_tf",
    "low_cpu_mem_usage",
    "offload_folder",
    "offload_state_dict",
    "weights_only",
)


@dataclass
class LoadingInfo:
    """Names that the checkpoint and the model do not share.

    Args:
        missing_keys: parameters that the checkpoint does not hold.
        unexpected_keys: tensors that the model has no place for, with their shapes.
        mismatched_keys: (name, shape in the checkpoint, shape in the model).
    """

    missing_keys: set = field(default_factory=set)
    unexpected_keys: dict = field(default_factory=dict)
    mismatched_keys: set = field(default_factory=set)

    def to_dict(self):
        """As transformers' ``output_loading_info`` returns it."""
        return {**asdict(self), "unexpected_keys": set(self.unexpected_keys), "error_msgs": []}


def forget_leftovers(kwargs):
    """Drop the arguments of transformers that change nothing here."""
    for name in LEFTOVERS:
        kwargs.pop(name, None)


def load_config(model_class, name, config, hub_options, kwargs):
    """The config of the model, with the fields in ``kwargs`` replaced; the caller's is not changed.

    Raises:
        ArgumentError: a keyword is no field of the config.
        ConfigError: the weights are quantized in a way tinyhf does not read.
    """
    config_class = model_class.config_class
    if config is None:
        config = config_class.from_pretrained(name, **vars(hub_options))
    else:
        config = copy.deepcopy(config)
    for unknown in [key for key in kwargs if not hasattr(config, key)]:
        known = [key for key in vars(config) if not key.startswith("_")]
        nearest = difflib.get_close_matches(unknown, known, n=1)
        raise ArgumentError(
            f"unknown argument {unknown!r}, and no field of {config_class.__name__}",
            where="from_pretrained",
            fix=f"Did you mean {nearest[0]!r}?" if nearest else None,
        )
    if kwargs:
        config = config_class.from_dict(vars(config), **kwargs)
    quantization = getattr(config, "quantization_config", None)
    if quantization:
        method = quantization.get("quant_method") if isinstance(quantization, dict) else None
        problem = f"the weights are quantized ({method or 'unknown method'}): tinyhf reads no such"
        raise config.error("quantization_config", problem, fix="Use the original checkpoint")
    return config


def choose_dtype(dtype, config, checkpoint):
    """How weights are stored in memory: "auto" asks the config, then the checkpoint."""
    if dtype != "auto":
        return dtype
    if config.dtype not in (None, "auto"):
        return as_dtype(config.dtype)
    tensors = load_state_dict(checkpoint.files[0]).tensors.values()
    floats = (info.dtype for info in tensors if is_float(info.dtype))
    return next(floats, as_dtype("float32"))


def _load_pretrained_model(model, places, shard_files, placement, ignore_mismatched_sizes):
    """Put every tensor of every shard where its name says.

    Returns:
        LoadingInfo; parameters that were missing or mismatched hold new random values.

    Raises:
        WeightMismatchError: shapes differ and ``ignore_mismatched_sizes`` is not set.
    """
    info = LoadingInfo(missing_keys=set(places))
    for shard_file in progress(shard_files):
        state_dict = load_state_dict(shard_file)
        names = {key: name_in_model(key, places, model.base_model_prefix) for key in state_dict}
        info.mismatched_keys |= _find_mismatched_keys(places, state_dict, names)
        _load_state_dict_into_meta_model(model, state_dict, names, placement, info)
    mismatched = {name for name, _, _ in info.mismatched_keys}
    info.missing_keys -= mismatched
    if model.config.tie_word_embeddings:
        tie_loaded_weights(model, info.missing_keys)
    if mismatched and not ignore_mismatched_sizes:
        raise WeightMismatchError(
            "the shapes of the weights differ from the model's:\n"
            + "\n".join(differences(model, info)),
            where=model.name_or_path,
            fix="Check the config, or pass ignore_mismatched_sizes=True for new random values",
        )
    if info.missing_keys or mismatched:
        init_weights(model, info.missing_keys | mismatched, None, placement.dtype)
    info.missing_keys -= {key for key in info.missing_keys if is_known_to_miss(model, key)}
    return info


def is_known_to_miss(model, key):
    """Whether a checkpoint may lack ``key`` because its first values are the right ones."""
    return any(re.search(pattern, key) for pattern in model.keys_to_ignore_on_load_missing)


def tie_loaded_weights(model, missing_keys):
    """Tie what the checkpoint holds once; what it holds twice, with other values, stays untied.

    T5 v1.1 is such a case: its config is read as tied, but its head is a matrix of its own.
    """
    tied = {}
    for name, source in model.tied_weights_keys.items():
        is_once = name in missing_keys or source in missing_keys
        if is_once or model.is_always_tied or _are_equal(model, name, source):
            tied[name] = source
        if source in missing_keys and name not in missing_keys:
            model.set_parameter(source, model.get_parameter(name))
            missing_keys.discard(source)
    model.tied_weights_keys = tied
    model.tie_weights()
    missing_keys -= {name for name, source in tied.items() if source not in missing_keys}


def _are_equal(model, name, source):
    one, other = model.get_parameter(name), model.get_parameter(source)
    return one is other or (one.shape == other.shape and bool((one == other).all()))


def progress(shard_files):
    """The bar "Loading checkpoint shards", where there is more than one."""
    several = len(shard_files) > 1
    return tqdm(shard_files, desc="Loading checkpoint shards") if several else shard_files


def name_in_model(key, places, prefix):
    """The parameter that the tensor ``key`` belongs to, with or without the base model's prefix.

    checkpoint of LlamaForCausalLM   model.norm.weight  →  LlamaModel         norm.weight
    checkpoint of LlamaModel         norm.weight        →  LlamaForCausalLM   model.norm.weight
    BERT from TensorFlow             LayerNorm.gamma    →  BertModel          LayerNorm.weight
    none of these                                       →  None
    """
    for name in (key, key.removeprefix(f"{prefix}."), f"{prefix}.{key}"):
        if name in places:
            return name
    modern = modern_name(key)
    return None if modern == key else name_in_model(modern, places, prefix)


def modern_name(key):
    """The name today of a tensor in a checkpoint that was converted from TensorFlow."""
    key = key.replace("LayerNorm.gamma", "LayerNorm.weight")
    return key.replace("LayerNorm.beta", "LayerNorm.bias")


def _find_mismatched_keys(places, state_dict, names):
    """(name, shape in the checkpoint, shape in the model) wherever the two differ."""
    return {
        (names[key], tensor.shape, places[names[key]].shape)
        for key, tensor in state_dict.tensors.items()
        if names[key] is not None and places[names[key]].shape != tensor.shape
    }


def _load_state_dict_into_meta_model(model, state_dict, names, placement, info):
    """One shard: each tensor is cast, moved, and put in place; then its pages are let go."""
    mismatched = {name for name, _, _ in info.mismatched_keys}
    info.missing_keys -= {*names.values()}
    dtype = placement.dtype
    whole = placement.device_map.get("")  # where the model is, if it is all in one place
    for key, array in state_dict.items():
        if names[key] is None:
            if not any(re.search(old, key) for old in model.keys_to_ignore_on_load_unexpected):
                info.unexpected_keys[modern_name(key)] = array.shape
        elif names[key] not in mismatched:
            device = whole or placement.device_of(names[key])
            if model.keep_in_fp32_modules:
                dtype = stored_dtype(model, names[key], placement.dtype)
            if device == DISK:
                leave_on_disk(model, names[key], state_dict, key, dtype)
            else:
                set_module_tensor_to_device(model, names[key], device, array, dtype)
        state_dict.release(key)


def set_module_tensor_to_device(model, name, device, array, dtype):
    """Cast ``array`` to ``dtype`` (whole numbers stay), move it, and put it at ``name``."""
    dtype = dtype if is_float(array.dtype) else array.dtype
    model.set_parameter(name, to_device(cast(array, dtype), device))


def load_generation_config(model, name, hub_options):
    """``generation_config.json`` if there is one, else what the model's own config says."""
    if cached_file(name, GENERATION_CONFIG_NAME, hub_options) is None:
        return model.generation_config
    return GenerationConfig.from_pretrained(name, **vars(hub_options))


def report_differences(model, name, info):
    """Log which names differ, with shapes and the likely cause, if any do."""
    if info.missing_keys or info.unexpected_keys or info.mismatched_keys:
        lines = differences(model, info)
        head = f"{type(model).__name__} and the checkpoint {name} do not hold the same parameters:"
        logger.warning("\n".join([head, *lines]))
