"""Floor 5 · The stages of ``from_pretrained``: config, dtype, device, memory, and the weights.

Mirrors _load_pretrained_model and _load_state_dict_into_meta_model of
transformers/modeling_utils.py, and set_module_tensor_to_device of accelerate.
"""

import copy
import difflib
import re
from dataclasses import asdict, dataclass, field

from tqdm import tqdm

from tinyhf.backend import (
    as_dtype,
    cast,
    free_memory,
    human_size,
    is_float,
    parse_device,
    to_device,
)
from tinyhf.checkpoint import load_state_dict
from tinyhf.configuration import GENERATION_CONFIG_NAME, GenerationConfig
from tinyhf.errors import (
    ArgumentError,
    DeviceError,
    MissingExtraError,
    NotEnoughMemoryError,
    WeightMismatchError,
    logger,
)
from tinyhf.hub import cached_file
from tinyhf.models.initialization import init_weights
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
    "use_safetensors",
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


def choose_device(device_map, places, dtype):
    """The device for all weights; "auto" is the GPU if there is one and the model fits on it."""
    if device_map != "auto":
        if device_map is not None and not isinstance(device_map, str | int):
            wanted = 'None, "cpu", "cuda", "cuda:N" or "auto"'
            raise ArgumentError("no such map", where="device_map", wanted=wanted, got=device_map)
        return parse_device(device_map)
    try:
        gpu = parse_device("cuda")
    except (MissingExtraError, DeviceError):
        return "cpu"
    return gpu if count_parameters(places) * dtype.itemsize < free_memory(gpu) else "cpu"


def count_parameters(places):
    """How many numbers the parameters hold; tied ones count once."""
    return sum({id(place): place.size for place in places.values()}.values())


def check_memory(name, places, dtype, device):
    """Refuse a load that cannot fit, with the arithmetic.

    Raises:
        NotEnoughMemoryError: more bytes are needed than are free on ``device``.
    """
    count, free = count_parameters(places), free_memory(device)
    needed = count * dtype.itemsize
    if free is None or needed <= free:
        return
    half = f'dtype="float16" needs {human_size(count * 2)}' if dtype.itemsize > 2 else None
    raise NotEnoughMemoryError(
        f"{count:,} parameters × {dtype.itemsize} bytes ({dtype.name}) = {human_size(needed)}, "
        f"but {human_size(free)} are free on {device!r}",
        where=name,
        fix=half or "Use a smaller model, or close other programs",
    )


def _load_pretrained_model(model, places, shard_files, dtype, device, ignore_mismatched_sizes):
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
        _load_state_dict_into_meta_model(model, state_dict, names, dtype, device, info)
    model.tie_weights()
    if device != "cpu":
        model.to(device)  # the few arrays that are computed, not loaded
    mismatched = {name for name, _, _ in info.mismatched_keys}
    info.missing_keys -= mismatched
    tied = model.tied_weights_keys if model.config.tie_word_embeddings else ()
    info.missing_keys -= {name for name in tied if tied[name] not in info.missing_keys}
    if mismatched and not ignore_mismatched_sizes:
        raise WeightMismatchError(
            "the shapes of the weights differ from the model's:\n"
            + "\n".join(differences(model, info)),
            where=model.name_or_path,
            fix="Check the config, or pass ignore_mismatched_sizes=True for new random values",
        )
    if info.missing_keys or mismatched:
        init_weights(model, info.missing_keys | mismatched, None, dtype, device)
    return info


def progress(shard_files):
    """The bar "Loading checkpoint shards", where there is more than one."""
    several = len(shard_files) > 1
    return tqdm(shard_files, desc="Loading checkpoint shards") if several else shard_files


def name_in_model(key, places, prefix):
    """The parameter that the tensor ``key`` belongs to, with or without the base model's prefix.

    checkpoint of LlamaForCausalLM   model.norm.weight  →  LlamaModel         norm.weight
    checkpoint of LlamaModel         norm.weight        →  LlamaForCausalLM   model.norm.weight
    neither                                             →  None
    """
    for name in (key, key.removeprefix(f"{prefix}."), f"{prefix}.{key}"):
        if name in places:
            return name
    return None


def _find_mismatched_keys(places, state_dict, names):
    """(name, shape in the checkpoint, shape in the model) wherever the two differ."""
    return {
        (names[key], tensor.shape, places[names[key]].shape)
        for key, tensor in state_dict.tensors.items()
        if names[key] is not None and places[names[key]].shape != tensor.shape
    }


def _load_state_dict_into_meta_model(model, state_dict, names, dtype, device, info):
    """One shard: each tensor is cast, moved, and put in place; then its pages are let go."""
    mismatched = {name for name, _, _ in info.mismatched_keys}
    for key, array in state_dict.items():
        if names[key] is None:
            if not any(re.search(old, key) for old in model.keys_to_ignore_on_load_unexpected):
                info.unexpected_keys[key] = array.shape
        elif names[key] not in mismatched:
            set_module_tensor_to_device(model, names[key], device, array, dtype)
            info.missing_keys.discard(names[key])
        state_dict.release(key)


def set_module_tensor_to_device(model, name, device, array, dtype):
    """Cast ``array`` to ``dtype`` (whole numbers stay), move it, and put it at ``name``."""
    array = cast(array, dtype if is_float(array.dtype) else array.dtype)
    model.set_parameter(name, to_device(array, device))


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
