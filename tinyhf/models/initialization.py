"""Floor 5 · Random weights: for a model made from a config, or for a head that no checkpoint holds.

Mirrors init_weights of transformers/modeling_utils.py.
"""

from tinyhf.backend import cast, float32, to_device
from tinyhf.backend.random import TorchGenerator
from tinyhf.nn import initial_values


def init_weights(model, names, seed, dtype=float32, device="cpu"):
    """Fill the parameters ``names`` of ``model``; ``seed`` None is a new one each time."""
    generator = TorchGenerator(seed)
    tied = model.tied_weights_keys if model.config.tie_word_embeddings else ()
    std = model.config.initializer_range
    places = model.state_dict()
    for name in places:
        if name in names and name not in tied:
            path, _, attribute = name.rpartition(".")
            padding_idx = getattr(model.get_submodule(path), "padding_idx", None)
            values = initial_values(attribute, places[name].shape, std, generator, padding_idx)
            model.set_parameter(name, to_device(cast(values, dtype), device))
    model.tie_weights()
