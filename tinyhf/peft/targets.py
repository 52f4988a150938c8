"""Floor 6 · Which layers get an adapter.

Mirrors check_target_module_exists of peft/tuners/tuners_utils.py. Names in ``target_modules`` are
ends of paths: "q_proj" finds ``model.layers.0.self_attn.q_proj`` and its sisters in all layers.
"""

import difflib
import re

from tinyhf.nn import Conv1D, Linear
from tinyhf.peft.adapter_layer import AdapterLayer, ModulesToSaveWrapper

ALL_LINEAR = "all-linear"

#: The last map of a language model, which "all-linear" leaves alone.
OUTPUT_HEADS = ["lm_head", "lm_head.decoder", "cls.predictions.decoder", "vocab_projector"]

#: The heads of classifiers.
CLASSIFIER_HEADS = ["classifier", "score"]


def find_targets(model, config, defaults):
    """The paths of the layers that ``config`` means, in the order of the model.

    Args:
        model: the base model, which may have adapters already.
        config: a ``TargetConfig``; its ``target_modules`` is filled in if it was None.
        defaults: model type → names.

    Raises:
        ConfigError: nothing fits, or nothing is known for this family.
    """
    if config.target_modules is None:
        if model.config.model_type not in defaults:
            fix = f'Name the layers, or pass target_modules="{ALL_LINEAR}".'
            problem = f"there is no default for the model type {model.config.model_type!r}"
            raise config.error("target_modules", problem, fix=fix)
        config.target_modules = list(defaults[model.config.model_type])
    paths = layers_of(model)
    found = [path for path, module in paths.items() if is_target(path, module, config)]
    if not found:
        raise no_match(config, paths)
    return found


def layers_of(model):
    """Path → module, of all that are the base model's own."""
    layers, inside = {}, ()
    for path, module in model.named_modules():
        if path and not (inside and path.startswith(inside)):
            layers[path] = module
            if isinstance(module, AdapterLayer | ModulesToSaveWrapper):
                inside = (*inside, f"{path}.")
    return layers


def is_target(path, module, config):
    """Whether the layer at ``path`` gets an adapter."""
    if matches(config.exclude_modules, path) or is_below(config.modules_to_save, path):
        return False
    if config.target_modules == ALL_LINEAR:
        base_layer = module.base_layer if isinstance(module, AdapterLayer) else module
        heads = OUTPUT_HEADS + (CLASSIFIER_HEADS if config.task_type == "SEQ_CLS" else [])
        return isinstance(base_layer, Linear | Conv1D) and not matches(heads, path)
    chosen = getattr(config, "layers_to_transform", None)
    if not matches(config.target_modules, path):
        return False
    return chosen is None or layer_number(path, config.layers_pattern) in chosen


def matches(names, path):
    """Whether one of the names is the end of ``path``, or the regular expression fits it."""
    if isinstance(names, str):
        return re.fullmatch(names, path) is not None
    return any(f".{path}".endswith(f".{name}") for name in names or ())


def is_below(names, path):
    """Whether ``path`` is, or lies in, a module of one of these names."""
    return any(f".{name}." in f".{path}." for name in names or ())


def layer_number(path, layers_pattern):
    """The number of the layer that ``path`` lies in: the first one after "h" or "layers" …"""
    for pattern in layers_pattern or [r"[^.]*"]:
        found = re.search(rf"(?:^|\.){pattern}\.(\d+)\.", path)
        if found:
            return int(found[1])
    return None


def no_match(config, paths):
    """The error that lists the nearest names."""
    asked = config.target_modules
    asked = [asked] if isinstance(asked, str) else asked
    names = sorted({re.sub(r"^.*\.\d+\.|^\d+$", "", path) for path in paths} - {""})
    ends = sorted({name.rpartition(".")[2] for name in names})
    near = [close for name in asked for close in difflib.get_close_matches(name, ends, n=3)]
    fix = f"Nearest names: {', '.join(dict.fromkeys(near))}." if near else None
    if fix is None:
        linear = [p for p, m in paths.items() if isinstance(m, Linear | Conv1D)]
        linear = dict.fromkeys(path.rpartition(".")[2] for path in linear)
        fix = f"Linear maps of this model: {', '.join(linear)}."
    return config.error("target_modules", "fits no layer of the model", got=asked, fix=fix)
