"""Every rule against torch's own, in float32; `pytest -m parity`."""

import numpy
import pytest

import tinyhf.functional as functional
from tinyhf.autograd import Tensor
from tinyhf.backend.random import TorchGenerator

pytestmark = pytest.mark.parity

#: Of the largest gradient.
TOLERANCE = 1e-5

LABELS = numpy.array([2, -100, 0, 4])
IDS = numpy.array([[1, 0, 1], [2, 2, 2]])


def torch_of(name):
    """torch's function that does what ours of this name does."""
    import torch
    from torch.nn import functional as theirs

    labels, ids = torch.from_numpy(LABELS), torch.from_numpy(IDS)
    others = {
        "tanh": torch.tanh,
        "gelu_tanh": lambda x: theirs.gelu(x, approximate="tanh"),
        "softmax": lambda x: theirs.softmax(x, -1),
        "log_softmax": lambda x: theirs.log_softmax(x, -1),
        "rms_norm": lambda x, w: theirs.rms_norm(x, w.shape, w, 1e-5),
        "layer_norm": lambda x, w, b: theirs.layer_norm(x, w.shape, w, b, 1e-5),
        "embedding": lambda w: theirs.embedding(ids, w, padding_idx=0),
        "scaled_dot_product_attention": lambda q, k, v: theirs.scaled_dot_product_attention(
            q, k, v, is_causal=True, enable_gqa=True
        ),
        "cross_entropy": lambda x: theirs.cross_entropy(x, labels),
        "smoothed_cross_entropy": smoothed,
        "mean_squared_error": lambda x: theirs.mse_loss(x, labels[:, None].float()),
        "binary_cross_entropy": lambda x: theirs.binary_cross_entropy_with_logits(
            x, (labels[:, None] > 0).float().expand(4, 5)
        ),
    }
    return others.get(name) or getattr(theirs, name)


def smoothed(logits):
    import torch
    from transformers.trainer_pt_utils import LabelSmoother

    return LabelSmoother(0.1)({"logits": logits}, torch.from_numpy(LABELS))


def ours_of(name):
    columns = numpy.broadcast_to(LABELS[:, None] > 0, (4, 5)).astype("float32")
    others = {
        "rms_norm": lambda x, w: functional.rms_norm(x, w, 1e-5),
        "layer_norm": lambda x, w, b: functional.layer_norm(x, w, b, 1e-5),
        "embedding": lambda w: functional.embedding(IDS, w, 0),
        "scaled_dot_product_attention": lambda q, k, v: functional.scaled_dot_product_attention(
            q, k, v, is_causal=True
        ),
        "cross_entropy": lambda x: functional.cross_entropy(x, LABELS),
        "smoothed_cross_entropy": lambda x: functional.smoothed_cross_entropy(x, LABELS),
        "mean_squared_error": lambda x: functional.mean_squared_error(x, LABELS.astype("float32")),
        "binary_cross_entropy": lambda x: functional.binary_cross_entropy(x, columns),
    }
    return others.get(name) or getattr(functional, name)


SHAPES = {
    **{name: [(3, 40)] for name in ("relu", "tanh", "silu", "gelu", "gelu_tanh")},
    "softmax": [(3, 40)],
    "log_softmax": [(3, 40)],
    "rms_norm": [(4, 30), (30,)],
    "layer_norm": [(4, 30), (30,), (30,)],
    "linear": [(2, 3, 40), (50, 40), (50,)],
    "embedding": [(4, 5)],
    "scaled_dot_product_attention": [(2, 4, 6, 8), (2, 2, 6, 8), (2, 2, 6, 8)],
    "cross_entropy": [(4, 5)],
    "smoothed_cross_entropy": [(4, 5)],
    "mean_squared_error": [(4, 1)],
    "binary_cross_entropy": [(4, 5)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_gradients_are_those_of_torch(name):
    import torch

    rng = numpy.random.default_rng(1)
    arrays = [rng.standard_normal(shape).astype("float32") * 2 for shape in SHAPES[name]]
    ours = [Tensor(array) for array in arrays]
    theirs = [torch.tensor(array, requires_grad=True) for array in arrays]
    found, expected = ours_of(name)(*ours), torch_of(name)(*theirs)
    assert numpy.allclose(found.array, expected.detach().numpy(), rtol=1e-5, atol=1e-5)
    grad = rng.standard_normal(found.shape).astype("float32")
    found.backward(grad)
    expected.backward(torch.from_numpy(numpy.asarray(grad)))
    for tensor, other in zip(ours, theirs, strict=True):
        assert tensor.grad.dtype == numpy.float32
        error = abs(tensor.grad - other.grad.numpy()).max()
        assert error <= TOLERANCE * abs(other.grad.numpy()).max()


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 1.0])
def test_dropout_leaves_out_what_torch_leaves_out(p):
    import torch

    x = numpy.random.default_rng(1).standard_normal((3, 7, 5)).astype("float32")
    torch.manual_seed(9)
    tensor = torch.tensor(x, requires_grad=True)
    expected = torch.nn.functional.dropout(tensor, p)
    expected.sum().backward()
    own = Tensor(x)
    found = functional.dropout(own, p, TorchGenerator(9)) * 1.0
    found.sum().backward()
    assert numpy.allclose(found.array, expected.detach().numpy(), rtol=1e-6)
    assert numpy.allclose(own.grad, tensor.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("items", [None, 7])
def test_losses_of_a_part_of_a_batch(items):
    import torch
    from transformers.loss.loss_utils import ForCausalLMLoss

    logits = numpy.random.default_rng(1).standard_normal((1, 4, 5)).astype("float32")
    tensor, own = torch.tensor(logits, requires_grad=True), Tensor(logits)
    expected = ForCausalLMLoss(tensor, torch.from_numpy(LABELS[None]), 5, items)
    found = functional.causal_lm_loss(own, LABELS[None], num_items_in_batch=items)
    assert float(found) == pytest.approx(expected.item(), rel=1e-6)
    expected.backward()
    found.backward()
    assert numpy.allclose(own.grad, tensor.grad.numpy(), rtol=1e-5, atol=1e-8)
