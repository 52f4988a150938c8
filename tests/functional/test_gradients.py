"""Every rule below a formula gives the formula's slopes: finite differences in float64."""

import importlib
import pkgutil

import numpy
import pytest

import tinyhf.functional as functional
from tinyhf.autograd import Tensor, gradcheck
from tinyhf.autograd.differentiable import Differentiable
from tinyhf.backend import bfloat16, float16
from tinyhf.backend.random import TorchGenerator, get_rng_state, set_rng_state
from tinyhf.errors import ArgumentError
from tinyhf.functional import dropout, glm, losses, quantization, rotary

rng = numpy.random.default_rng(0)
LABELS = numpy.array([2, -100, 0, 4])
HIDDEN = rng.random((2, 1, 3, 3)) > 0.6


def numbers(*shape):
    return rng.standard_normal(shape)


def whole(*shape):
    return rng.integers(-8, 8, shape).astype("int8")


def angles(dim):
    return functional.rotary_tables(numpy.arange(3)[None], numpy.linspace(0.1, 2, dim // 2))


def losses_of(name, labels, **kwargs):
    return lambda logits: getattr(losses, name)(logits, labels, **kwargs)


#: What is checked → a function of the arrays of these shapes.
FORMULAS = {
    "relu": (functional.relu, (3, 4)),
    "tanh": (functional.tanh, (3, 4)),
    "silu": (functional.silu, (3, 4)),
    "gelu": (functional.gelu, (3, 4)),
    "gelu_tanh": (functional.gelu_tanh, (3, 4)),
    "softmax": (functional.softmax, (3, 4)),
    "log_softmax": (functional.log_softmax, (3, 4)),
    "rms_norm": (lambda x, w: functional.rms_norm(x, w, 1e-5), (2, 3, 6), (6,)),
    "layer_norm": (lambda x, w, b: functional.layer_norm(x, w, b, 1e-5), (3, 6), (6,), (6,)),
    "turn": (lambda x: rotary.turn(x, *angles(4)), (1, 2, 3, 4)),
    "turned halves": (
        lambda q, k: sum(functional.apply_rotary_pos_emb_2d(q, k, angles(4), angles(4))),
        (1, 2, 3, 8),
        (1, 2, 3, 8),
    ),
    "linear": (functional.linear, (2, 3, 4), (5, 4), (5,)),
    "a big linear map": (lambda x: functional.linear(x, BIG)[:, :5], (2, 600)),
    "linear, no bias": (functional.linear, (2, 4), (5, 4)),
    "embedding": (lambda w: functional.embedding(numpy.array([[1, 0, 1]]), w), (3, 4)),
    "attention": (
        lambda q, k, v: functional.scaled_dot_product_attention(q, k, v, is_causal=True),
        (2, 4, 3, 2),
        (2, 2, 3, 2),
        (2, 2, 3, 2),
    ),
    "glm's attention": (lambda s: glm.glm_attention_weights(s, HIDDEN, 2.0), (2, 2, 3, 3)),
    "dropout": (lambda x: dropout(x, 0.4, TorchGenerator(1)), (4, 5)),
    "quantized_linear": (
        lambda x, b: quantization.quantized_linear(x, WEIGHT, SCALES, b),
        (2, 3, 4),
        (70,),
    ),
    "quantized_linear, 4 bits": (
        lambda x: quantization.quantized_linear(x, PACKED, SCALES),
        (2, 3, 4),
    ),
    "cross_entropy": (losses_of("cross_entropy", LABELS), (4, 5)),
    "cross_entropy of a batch": (
        losses_of("cross_entropy", LABELS, num_items_in_batch=7),
        (4, 5),
    ),
    "causal_lm_loss": (losses_of("causal_lm_loss", LABELS[None]), (1, 4, 5)),
    "smoothed_cross_entropy": (losses_of("smoothed_cross_entropy", LABELS, epsilon=0.2), (4, 5)),
    "mean_squared_error": (losses_of("mean_squared_error", numbers(4)), (4, 1)),
    "binary_cross_entropy": (losses_of("binary_cross_entropy", numbers(4, 5) > 0), (4, 5)),
    "question_answering_loss": (
        lambda a, b: losses.question_answering_loss(a, b, numpy.array([1, 9]), numpy.array([2, 0])),
        (2, 4),
        (2, 4),
    ),
}
WEIGHT, PACKED, SCALES = whole(70, 4), whole(70, 2), numbers(70)
BIG = numbers(600, 600)


@pytest.mark.parametrize("name", FORMULAS)
def test_rules_give_the_slopes(name):
    function, *shapes = FORMULAS[name]
    assert gradcheck(function, *(numbers(*shape) for shape in shapes))


def test_no_formula_is_left_out():
    """Whoever writes a rule checks it here: every one is on the tape of some formula above."""
    files = (f"tinyhf.functional.{file.name}" for file in pkgutil.iter_modules(functional.__path__))
    modules = map(importlib.import_module, files)
    found = {x for module in modules for x in vars(module).values() if type(x) is Differentiable}
    used = set()
    for function, *shapes in FORMULAS.values():
        tape = function(*(Tensor(numbers(*shape)) for shape in shapes)).tape()
        used |= {tensor.step.formula for tensor in tape if tensor.step}
    assert {formula.__name__ for formula in found - used} == set()


@pytest.mark.parametrize("rows", [5, 40])
@pytest.mark.parametrize("dtype", [numpy.float32, float16, bfloat16])
def test_a_big_weight_of_any_type(rows, dtype):
    """Their products are made block by block; the gradients are those of one product."""
    x, weight = numbers(rows, 600).astype("float32"), numbers(600, 600).astype(dtype)
    grad = numbers(rows, 600).astype("float32")
    tensor, parameter = Tensor(x), Tensor(weight)
    functional.linear(tensor, parameter).backward(grad)
    assert tensor.grad.dtype == parameter.grad.dtype == numpy.float32
    for found, expected in (
        (tensor.grad, grad @ weight.astype("float32")),
        (parameter.grad, grad.T @ x),
    ):
        assert abs(found - expected).max() <= 1e-5 * abs(expected).max()


def test_padding_learns_nothing():
    table = Tensor(numbers(4, 3))
    functional.embedding(numpy.array([1, 2, 1]), table, padding_idx=1).sum().backward()
    assert table.grad.tolist() == [[0.0] * 3, [0.0] * 3, [1.0] * 3, [0.0] * 3]


def test_dropout_keeps_the_mean_and_draws_nothing_for_0():
    x = numpy.ones((100, 100), numpy.float32)
    found = dropout(x, 0.25, TorchGenerator(0))
    assert found.dtype == numpy.float32
    assert found.mean() == pytest.approx(1.0, abs=0.02)
    assert set(numpy.unique(found)) == {0.0, numpy.float32(1 / 0.75)}
    assert (dropout(x, 1.0) == 0).all()
    state = get_rng_state()
    assert dropout(x, 0.0) is x
    assert (get_rng_state() == state).all()
    dropout(x, 0.5)
    first, _ = dropout(x, 0.5), set_rng_state(state)
    assert (dropout(x, 0.5) != first).any()


@pytest.mark.parametrize("p", [-0.1, 1.5, "0.1"])
def test_an_impossible_dropout(p):
    with pytest.raises(ArgumentError, match="wanted a number from 0 to 1"):
        dropout(numpy.ones(3), p)


def test_label_smoothing_is_between_the_label_and_all():
    logits, labels = numbers(4, 5).astype("float32"), LABELS
    hard = losses.smoothed_cross_entropy(logits, labels, epsilon=0.0)
    assert hard == pytest.approx(losses.cross_entropy(logits, labels))
    soft = -functional.log_softmax(logits)[labels >= 0].mean()
    assert losses.smoothed_cross_entropy(logits, labels, 1.0) == pytest.approx(soft)
    half = losses.smoothed_cross_entropy(logits, labels, 0.5, num_items_in_batch=6)
    assert half == pytest.approx((hard + soft) / 2 * 3 / 6)
