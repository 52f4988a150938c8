"""Floor 5 · Which parameters a checkpoint and a model do not share, and the likely cause.

Stands in for the load report of transformers/modeling_utils.py.
"""

import re

MOST_LINES = 12
LAYER_NUMBER = r"\b(?:block|layers?|h)\.(\d+)\."


def differences(model, info):
    """Lines for people: mismatched, missing and unexpected names with shapes, then causes."""
    places = model.state_dict()
    mismatched = [
        f"  mismatched  {name}  {_shape(there)} in the checkpoint, {_shape(here)} in the model"
        for name, there, here in sorted(info.mismatched_keys)
    ]
    missing = [
        f"  missing     {name}  {_shape(places[name].shape)}, now random"
        for name in places
        if name in info.missing_keys
    ]
    unexpected = [
        f"  unexpected  {name}  {_shape(shape)}, not used"
        for name, shape in info.unexpected_keys.items()
    ]
    lines = [*_cut(mismatched), *_cut(missing), *_cut(unexpected)]
    return [*lines, *(f"  likely cause: {cause}" for cause in likely_causes(model, info))]


def likely_causes(model, info):
    """Sentences for the patterns that are known."""
    config = model.config
    if info.missing_keys and len(info.missing_keys) == len(model.state_dict()):
        yield "no name fits: the checkpoint is of another family, or its names carry a prefix"
        return
    layers = layer_numbers(info.unexpected_keys)
    if layers and min(layers) >= config.num_hidden_layers:
        yield (
            f"the config has num_hidden_layers = {config.num_hidden_layers}, "
            f"the checkpoint has {max(layers) + 1}"
        )
    layers = layer_numbers(info.missing_keys)
    if layers and max(layers) == config.num_hidden_layers - 1 and min(layers) > 0:
        yield (
            f"the config has num_hidden_layers = {config.num_hidden_layers}, "
            f"the checkpoint has {min(layers)}"
        )
    biases = hasattr(config, "attention_bias")
    if biases and any(name.endswith(".bias") for name in info.missing_keys):
        yield "the config asks for biases (attention_bias, mlp_bias) that the checkpoint lacks"
    if biases and any(name.endswith(".bias") for name in info.unexpected_keys):
        yield "the checkpoint has biases; set attention_bias or mlp_bias in the config"
    if "lm_head.weight" in info.missing_keys:
        yield "the checkpoint has no head: a base model, or should tie_word_embeddings be true?"
    elif model.base_model is not model and info.missing_keys & head_of(model):
        yield "the checkpoint has no such head, or one for another task: train it before use"
    tables = (f"{model.input_embeddings}.weight", "lm_head.weight")
    if any(name.endswith(tables) for name, _, _ in info.mismatched_keys):
        yield f"another vocabulary: the config has vocab_size = {config.vocab_size}"


def layer_numbers(names):
    """The layer of each name that has one; the first number is the outermost (T5's block)."""
    found = (re.search(LAYER_NUMBER, name) for name in names)
    return [int(match[1]) for match in found if match]


def head_of(model):
    """The names of the parameters that the model without head does not have."""
    prefix = f"{model.base_model_prefix}."
    return {name for name in model.state_dict() if not name.startswith(prefix)}


def _shape(shape):
    return str(tuple(int(number) for number in shape))


def _cut(lines):
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"  … and {len(lines) - MOST_LINES} more"]
