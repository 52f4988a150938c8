"""Floor 5 · The parts of a model that stay on one device: its layers, and what stands beside them.

Mirrors ``_no_split_modules`` of transformers, which names the layer class of each family; here
every member of a ModuleList is one.
"""

import difflib
from dataclasses import dataclass, field

from tinyhf.errors import ArgumentError
from tinyhf.nn import ModuleList


@dataclass
class PartGroup:
    """Parts that share tied parameters, and so a device.

    Args:
        parts: their paths, in the order of the model.
        places: id of a parameter → its ``Unloaded``.
    """

    parts: list = field(default_factory=list)
    places: dict = field(default_factory=dict)

    @property
    def leader(self):
        """The first part, which names the group."""
        return self.parts[0]


def group_parts(model, places):
    """All parts in groups, in the order of the model.

    A parameter of the whole model joins the first part, where the model's own formulas run.

    Args:
        places: name → parameter, of the whole model.
    """
    groups = []
    for part in find_parts(model):
        own = {id(place): place for name, place in places.items() if is_below(name, part)}
        group = next((g for g in groups if part in places or g.places.keys() & own.keys()), None)
        if group is None:
            group = PartGroup()
            groups.append(group)
        group.parts.append(part)
        group.places |= own
    return groups


def find_parts(module, path=""):
    """The paths of all parts.

    A parameter that belongs to the whole model, as BART's final_logits_bias, is a part, too.
    """
    for name, child in module.named_children():
        if isinstance(child, ModuleList):
            yield from (f"{path}{name}.{number}" for number in range(len(child)))
        elif any(isinstance(below, ModuleList) for below in child.modules()):
            yield from find_parts(child, f"{path}{name}.")
        else:
            yield path + name
    yield from (path + name for name in module.state_dict() if "." not in name)


def is_below(name, path):
    """Whether the parameter or part ``name`` is ``path``, or belongs to it."""
    return path in ("", name) or name.startswith(f"{path}.")


def count_parameters(places):
    """How many numbers the parameters hold; tied ones count once."""
    return sum(place.size for place in each_once(places))


def count_bytes(places, dtype):
    """What the parameters need in memory when they are stored as ``dtype``."""
    return sum(place.size * (place.itemsize or dtype.itemsize) for place in each_once(places))


def each_once(places):
    """The parameters, tied ones once."""
    return dict(zip(map(id, places.values()), places.values(), strict=True)).values()


def check_paths(groups, paths):
    """Every path of a device map must hold whole parts.

    Raises:
        ArgumentError: one is unknown, or inside of a part.
    """
    parts = [part for group in groups for part in group.parts]
    for path in paths:
        if not any(is_below(part, path) for part in parts):
            inside = [part for part in parts if is_below(path, part)]
            nearest = inside or difflib.get_close_matches(path, parts, n=1)
            raise ArgumentError(
                f"the model has no part {path!r} that could be moved on its own",
                where="device_map",
                wanted="a layer, or a module around or beside the layers",
                fix=f"Did you mean {nearest[0]!r}?" if nearest else None,
            )
