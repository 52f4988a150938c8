"""Floor 5 · A placement put to work: weights go to their devices or stay in their file.

Mirrors dispatch_model of accelerate. A part of the model that computes on another device than the
others is given a hook that brings its inputs there; a model on one device has no hooks at all.
"""

from tinyhf.backend import (
    LARGEST,
    compute_dtype,
    float32,
    free_memory,
    human_size,
    is_array,
    is_float,
    is_half,
    to_device,
    use_device,
)
from tinyhf.errors import ArgumentError, NotEnoughMemoryError, logger
from tinyhf.models.placement import DISK
from tinyhf.nn import Module, ModuleList


def check_memory(name, placement):
    """Refuse a load that cannot fit, with the arithmetic.

    Raises:
        NotEnoughMemoryError: more bytes are needed than are free on a device.
    """
    dtype = placement.dtype
    for device, count in placement.counts.items():
        needed = placement.nbytes[device]
        free = None if device == DISK else free_memory(device)
        if free is not None and needed > free:
            half = f'dtype="float16" needs {human_size(count * 2)}'
            disk = 'device_map="auto" leaves on disk what does not fit'
            raise NotEnoughMemoryError(
                f"{count:,} parameters × {needed / count:.3g} bytes ({dtype.name}) = "
                f"{human_size(needed)}, but {human_size(free)} are free on {device!r}",
                where=name,
                fix=f"{half}; {disk}" if dtype.itemsize > 2 else disk,
            )


def leave_on_disk(model, name, shard, key, dtype):
    """Make the tensor ``key`` of the file ``shard``, as it lies there, the parameter ``name``.

    Raises:
        ArgumentError: its numbers would have to be rounded.
    """
    stored = shard.tensors[key].dtype
    widened = is_half(stored) and dtype == float32
    if is_float(stored) and stored != dtype and not widened:
        raise ArgumentError(
            f"weights that stay on disk cannot be rounded, and {key} is {stored} there",
            where="dtype",
            got=dtype.name,
            fix='Load the model with dtype="auto"',
        )
    model.set_parameter(name, shard[key])
    path, _, _ = name.rpartition(".")
    model.get_submodule(path).register_forward_hook(lambda *_: shard.release(key))


def dispatch_model(model, placement):
    """Bring computed arrays to their module's device, and inputs to wherever a part begins."""
    if len(placement.counts) > 1:
        logger.warning("%s is spread over several devices:\n%s", model.name_or_path, placement)
    model.hf_device_map = placement.device_map
    devices = [computing_device(device) for device in placement.device_map.values()]
    model.device = devices[0]
    if len(set(devices)) == 1:
        if model.device != "cpu":
            model.move_arrays(model.device)
        return
    for path, device in zip(placement.device_map, devices, strict=True):
        part = model.get_submodule(path)
        if not isinstance(part, Module):  # a parameter of the whole model
            model.set_parameter(path, to_device(part, device))
            continue
        part.move_arrays(device)
        part.register_forward_pre_hook(bring_inputs(part, device))
        if not is_layer(model, path):
            part.register_forward_hook(bring_back(model.device))
    model.tie_weights()


def computing_device(device):
    """Where the weights on ``device`` are multiplied."""
    return "cpu" if device == DISK else device


def is_layer(model, path):
    """Whether its output goes straight into the next of its kind."""
    parent, _, _ = path.rpartition(".")
    return isinstance(model.get_submodule(parent), ModuleList)


def bring_inputs(part, device):
    """A hook: all arrays come to ``device``, in the type that ``part`` computes in."""
    types = [compute_dtype(x) for x in part.state_dict().values() if is_float(x.dtype)]
    dtype = types[0] if types else None

    def hook(module, args, kwargs):
        use_device(device)
        named = {name: carry(value, device, dtype) for name, value in kwargs.items()}
        return carry(args, device, dtype), named

    return hook


def bring_back(device):
    """A hook: the output comes to ``device``, where the model's own formulas run."""

    def hook(module, args, output):
        use_device(device)
        return carry(output, device, None)

    return hook


def carry(value, device, dtype):
    """``value`` on ``device``; float arrays of another width than ``dtype`` change to it."""
    if isinstance(value, tuple | list):
        return type(value)(carry(item, device, dtype) for item in value)
    if not is_array(value):
        return value
    value = to_device(value, device)
    if dtype is None or not is_float(value.dtype) or is_half(value) == is_half(dtype):
        return value
    if dtype in LARGEST:  # what hides a token must not become infinite
        value = value.clip(-LARGEST[dtype], LARGEST[dtype])
    return value.astype(dtype)
