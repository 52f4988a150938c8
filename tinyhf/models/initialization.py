"""Floor 5 · Random weights: for a model made from a config, or for a head that no checkpoint holds.

Mirrors init_weights of transformers/modeling_utils.py. The same seed gives the same numbers here
as there, so they are drawn in the same order:

    a model from a config     torch's constructors draw first, and nobody keeps that; each
                              PreTrainedModel in the tree is given its start once it is built
    after a checkpoint        nothing is drawn but what is missing
"""

from tinyhf.backend import cast, float16, float32
from tinyhf.backend.random import TorchGenerator, default_generator
from tinyhf.models.shared_stages import SharedStages
from tinyhf.nn import Conv1D, Embedding, Linear, initial_values


def init_weights(model, names, seed=None, dtype=float32, is_new=False):
    """Fill the parameters ``names`` of ``model``.

    Args:
        seed: None goes on drawing from the default generator, which ``set_seed`` starts over.
        is_new: whether the model has just been made from its config.
    """
    generator = default_generator() if seed is None else TorchGenerator(seed)
    order = drawing_order(model, generator) if is_new else initializing_order(model, model, set())
    values = {name: model.initial_values(name, generator) for name in order if name in names}
    tied = model.tied_weights_keys if model.config.tie_word_embeddings else ()
    for name in values.keys() - tied:
        model.set_parameter(name, cast(values[name], stored_dtype(model, name, dtype)))
    model.tie_weights()


def drawing_order(module, generator, path="", ready=None):
    """The names of all parameters in the order of their draws; a later one counts."""
    ready = set() if ready is None else ready
    for name, child in module.named_children():
        yield from drawing_order(child, generator, f"{path}{name}.", ready)
    build(module, generator)
    if isinstance(module, SharedStages):
        yield from initializing_order(module, module, ready, path)


def build(module, generator):
    """What torch's constructor of a layer draws."""
    if isinstance(module, Linear):
        for name in module.parameter_names:
            if (place := getattr(module, name)) is not None:
                generator.uniform(place.shape)
    elif isinstance(module, Embedding | Conv1D):
        generator.normal(module.weight.shape)


def initializing_order(model, module, ready, path=""):
    """The same below one ``PreTrainedModel``, without those below another, which are ready."""
    if module in ready:
        return
    ready.add(module)
    for name, child in module.named_children():
        yield from initializing_order(model, child, ready, f"{path}{name}.")
    for name in (*module.parameter_names, *module.buffer_names):
        if getattr(module, name) is not None:
            yield path + name
    yield from (f"{path}{name}.weight" for name in model.drawn_again if name in vars(module))


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
