"""Floor 5 · Which part of a model lives on which device: GPUs first, then the CPU, then the disk.

Mirrors infer_auto_device_map and dispatch_model of accelerate. A layer stays on one device, so the
hidden states cross over only where the next device begins:

    cuda:0   model.embed_tokens … model.layers.11
    cpu      model.layers.12 … model.layers.29
    disk     model.layers.30 … lm_head

"disk" are weights of the CPU that stay in their file. The file is mapped into memory: what a layer
reads is let go when it has been used, and half types are widened block by block.
"""

import itertools
from dataclasses import dataclass
from typing import Any

from tinyhf.backend import free_memory, human_size, parse_device
from tinyhf.checkpoint import parse_size
from tinyhf.errors import ArgumentError, DeviceError, MissingExtraError
from tinyhf.models.parts import (
    PartGroup,
    check_paths,
    count_bytes,
    count_parameters,
    find_parts,
    group_parts,
    is_below,
)

DISK = "disk"

#: As in accelerate; here all of them fill one device after the other.
AUTOMATIC = ("auto", "sequential", "balanced", "balanced_low_0")

#: What "auto" leaves free for the cache and the numbers in between.
SHARE_FOR_WEIGHTS = 0.9


@dataclass
class Placement:
    """Where everything is.

    Args:
        device_map: path of a part → device; {"": device} where the whole model is in one place.
        counts: device → how many numbers the parameters there hold; tied ones count once.
        nbytes: device → what they need there.
        dtype: how they are stored.
    """

    device_map: dict
    counts: dict
    nbytes: dict
    dtype: Any

    def device_of(self, name):
        """The device of the parameter or part ``name``."""
        return next(d for part, d in self.device_map.items() if is_below(name, part))

    def __str__(self):
        """A table: device, bytes, parts."""
        rows = []
        for device in dict.fromkeys(self.device_map.values()):
            size = human_size(self.nbytes[device])
            rows.append(f"{device:<8} {size:>8}  {', '.join(self._runs(device))}")
        return "\n".join(rows)

    def _runs(self, device):
        """The parts on ``device``; neighbours as "first … last"."""
        for at, group in itertools.groupby(self.device_map.items(), lambda item: item[1]):
            parts = [part or "everything" for part, _ in group]
            if at == device:
                yield parts[0] if len(parts) == 1 else f"{parts[0]} … {parts[-1]}"


# ---- the plan ------------------------------------------------------------------------------------


def place_model(model, places, device_map, dtype, max_memory=None):
    """The ``Placement`` that ``device_map`` asks for.

    Args:
        places: name → parameter, of the whole model.
        device_map: None is "cpu"; a device; "auto"; or a dict, path of a module → device.
        max_memory: for "auto": device → bytes or "10GB", in place of what is free.

    Raises:
        ArgumentError: the map does not fit the model.
        DeviceError: there is no such device.
    """
    if isinstance(device_map, dict):
        groups = group_parts(model, places)
        check_paths(groups, device_map)
        wanted = {path: parse_place(device) for path, device in device_map.items()}
        plan = {group.leader: device_in(wanted, group.leader) for group in groups}
    elif device_map in AUTOMATIC:
        groups = group_parts(model, places)
        sizes = {group.leader: count_bytes(group.places, dtype) for group in groups}
        plan = plan_devices(sizes, room_for_weights(max_memory))
    else:
        device = parse_place(device_map)
        groups, plan = [PartGroup([""], places)], {"": device}
    counts, nbytes = dict.fromkeys(plan.values(), 0), dict.fromkeys(plan.values(), 0)
    for group in groups:
        counts[plan[group.leader]] += count_parameters(group.places)
        nbytes[plan[group.leader]] += count_bytes(group.places, dtype)
    if len(counts) == 1:
        return Placement({"": next(iter(counts))}, counts, nbytes, dtype)
    found = {part: plan[group.leader] for group in groups for part in group.parts}
    return Placement({part: found[part] for part in find_parts(model)}, counts, nbytes, dtype)


def plan_devices(sizes, room):
    """Fill one device after the other, in the order of the model; what is left goes to the disk.

    Args:
        sizes: part → bytes.
        room: device → bytes for weights, None if that is not known.

    Returns:
        part → device.
    """
    plan, devices = {}, iter(room.items())
    device, left = next(devices, (DISK, None))
    for part, nbytes in sizes.items():
        while left is not None and nbytes > left:
            device, left = next(devices, (DISK, None))
        plan[part] = device
        left = None if left is None else left - nbytes
    return plan


def room_for_weights(max_memory=None):
    """Device → bytes that weights may take, the fastest device first."""
    if max_memory is not None:
        sizes = {parse_place(device): size for device, size in max_memory.items()}
        room = {device: parse_size(size, "max_memory") for device, size in sizes.items()}
        room.pop(DISK, None)  # which takes whatever is left
        return dict(sorted(room.items(), key=lambda item: (item[0] == "cpu", item[0])))
    free = {device: free_memory(device) for device in (*gpus(), "cpu")}
    return {
        device: None if nbytes is None else int(nbytes * SHARE_FOR_WEIGHTS)
        for device, nbytes in free.items()
    }


def gpus():
    """The names of all GPUs there are."""
    for number in itertools.count():
        try:
            yield parse_device(number)
        except (MissingExtraError, DeviceError):
            return


def device_in(wanted, part):
    """The device of the longest path in ``wanted`` that ``part`` is below."""
    paths = [path for path in wanted if is_below(part, path)]
    if not paths:
        problem = f"says nothing of {part}"
        raise ArgumentError(problem, where="device_map", fix='Give a default: {"": "cpu", …}')
    return wanted[max(paths, key=len)]


def parse_place(device):
    """``parse_device``, which knows no disk."""
    if device is not None and not isinstance(device, str | int):
        wanted = 'None, "cpu", "cuda", "cuda:N", "disk", "auto", or a dict of modules'
        raise ArgumentError("no such map", where="device_map", wanted=wanted, got=device)
    return DISK if device == DISK else parse_device(device)
