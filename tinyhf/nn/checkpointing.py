"""Floor 3 · Gradient checkpointing: every layer of a model is computed again when going back.

Mirrors GradientCheckpointingLayer of transformers/modeling_layers.py. See
``tinyhf.autograd.recomputing``: the memory of training grows with one layer instead of with all.
"""

import functools

from tinyhf.autograd import Tensor, checkpoint, is_recording
from tinyhf.errors import note_once
from tinyhf.nn.cache import DynamicCache, EncoderDecoderCache
from tinyhf.nn.module import ModuleList


def gradient_checkpointing_enable(model):
    """From here on, in training, the layers of ``model`` keep their inputs only.

    Each layer's ``forward`` gets a wrapper of its own; a model without is not touched.
    """
    for layer in layers_of(model):
        if not is_checkpointed(layer):
            wrapper = functools.partial(forward_again, layer, layer.forward)
            layer.forward = functools.update_wrapper(wrapper, layer.forward)


def gradient_checkpointing_disable(model):
    """Take it back."""
    for layer in layers_of(model):
        if is_checkpointed(layer):
            del layer.forward


def is_checkpointed(layer):
    """Whether this layer's ``forward`` is the wrapper."""
    return getattr(vars(layer).get("forward"), "func", None) is forward_again


def layers_of(module):
    """The modules of the outermost lists: ``layers.0``, ``layers.1`` …, but nothing inside them."""
    for _, child in module.named_children():
        if isinstance(child, ModuleList):
            yield from child
        else:
            yield from layers_of(child)


def forward_again(layer, forward, *args):
    """``forward(*args)``; where gradients are asked for, through ``checkpoint``."""
    is_learning = any(isinstance(x, Tensor) for x in (*args, *layer.parameters()))
    if not (is_learning and layer.training and is_recording()):
        return forward(*args)
    if any(isinstance(x, DynamicCache | EncoderDecoderCache) for x in args):
        note_once("gradient checkpointing computes every layer twice: use_cache=True is left out")
        args = [None if isinstance(x, DynamicCache | EncoderDecoderCache) else x for x in args]
    return checkpoint(forward, *args)
