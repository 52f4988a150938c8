"""Floor 5 · Random weights: for a model made from a config, or for a head that no checkpoint holds.

Mirrors init_weights of transformers/modeling_utils.py.
"""

from tinyhf.backend import cast, float16, float32
from tinyhf.backend.random import TorchGenerator
from tinyhf.nn import initial_values


def init_weights(model, names, seed, dtype=float32):
    """Fill the parameters ``names`` of ``model``; ``seed`` None is a new one each time."""
    generator = TorchGenerator(seed)
    tied = model.tied_weights_keys if model.config.tie_word_embeddings else ()
    places = model.state_dict()
    for name in places:
        if name in names and name not in tied:
            values = cast(model.initial_values(name, generator), stored_dtype(model, name, dtype))
            model.set_parameter(name, values)
    model.tie_weights()


def random_values(model, name, std, generator):
    """Values for one parameter: see ``initial_values`` of tinyhf.nn."""
    path, _, attribute = name.rpartition(".")
    padding_idx = getattr(model.get_submodule(path), "padding_idx", None)
    shape = model.get_parameter(name).shape
    return initial_values(attribute, shape, std, generator, padding_idx)


def stored_dtype(model, name, dtype):
    """How a model of this ``dtype`` stores the parameter ``name``; some need more than float16."""
    wide = dtype == float16 and not set(model.keep_in_fp32_modules).isdisjoint(name.split("."))
    return float32 if wide else dtype
