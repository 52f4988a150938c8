"""Floor 1 · Gradients: how the loss changes with each number of each parameter.

Reading order: tensor → differentiable → operators → checking.
"""

from tinyhf.autograd import operators  # noqa: F401  (gives Tensor its operators)
from tinyhf.autograd.checking import gradcheck
from tinyhf.autograd.differentiable import differentiable, no_grad
from tinyhf.autograd.tensor import Tensor, plain

__all__ = ["Tensor", "differentiable", "gradcheck", "no_grad", "plain"]
