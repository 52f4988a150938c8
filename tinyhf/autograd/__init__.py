"""Floor 1 · Gradients: how the loss changes with each number of each parameter.

Reading order: tensor → differentiable → operators → recomputing → checking.
"""

from tinyhf.autograd.checking import gradcheck
from tinyhf.autograd.differentiable import differentiable, is_recording, no_grad
from tinyhf.autograd.operators import concatenate
from tinyhf.autograd.recomputing import checkpoint
from tinyhf.autograd.tensor import Tensor, plain

__all__ = [
    "Tensor",
    "checkpoint",
    "concatenate",
    "differentiable",
    "gradcheck",
    "is_recording",
    "no_grad",
    "plain",
]
