"""Floor 1: Tensors, the tape, and what a wrong use says."""

import copy
import pickle

import numpy
import pytest

from tinyhf.autograd import Tensor, concatenate, differentiable, gradcheck, no_grad, plain
from tinyhf.errors import ArgumentError, NumericsError
from tinyhf.functional import cross_entropy, linear, softmax

rng = numpy.random.default_rng(0)


def numbers(*shape):
    return rng.standard_normal(shape)


OPERATIONS = {
    "a + b": (lambda a, b: a + b, (2, 3), (3,)),
    "a - b": (lambda a, b: a - b, (2, 1), (2, 3)),
    "a * b": (lambda a, b: a * b, (2, 3), (2, 3)),
    "a / b": (lambda a, b: a / (b * b + 1.0), (2, 3), (3,)),
    "1 / a": (lambda a: 1.0 / (a * a + 1.0), (2, 3)),
    "2 - a": (lambda a: 2.0 - a, (2, 3)),
    "-a": (lambda a: -a, (2, 3)),
    "a ** 3": (lambda a: a**3, (2, 3)),
    "matrices": (lambda a, b: a @ b, (2, 3), (3, 4)),
    "stacks of matrices": (lambda a, b: a @ b, (5, 2, 3), (5, 3, 4)),
    "a stack and a matrix": (lambda a, b: a @ b, (5, 2, 3), (3, 4)),
    "a matrix and a vector": (lambda a, b: a @ b, (2, 3), (3,)),
    "a vector and a matrix": (lambda a, b: a @ b, (3,), (3, 2)),
    "two vectors": (lambda a, b: a @ b, (3,), (3,)),
    "a stack and a vector": (lambda a, b: a @ b, (4, 2, 3), (3,)),
    "reshape": (lambda a: a.reshape(3, -1) * 2.0, (2, 3)),
    "transpose": (lambda a: a.transpose(2, 0, 1), (2, 3, 4)),
    "T": (lambda a: a.T, (2, 3)),
    "swapaxes": (lambda a: a.swapaxes(-1, 0), (2, 3, 4)),
    "a slice": (lambda a: a[:, 1:], (2, 3)),
    "a row": (lambda a: a[-1], (2, 3)),
    "every second": (lambda a: a[:, ::2], (2, 5)),
    "a new axis": (lambda a: a[None, :, 0], (2, 3)),
    "rows, some twice": (lambda a: a[numpy.array([0, 2, 2])], (3, 2)),
    "sum": (lambda a: a.sum(), (2, 3)),
    "sums": (lambda a: a.sum(axis=0), (2, 3)),
    "sums over two axes": (lambda a: a.sum(axis=(0, 2)), (2, 3, 4)),
    "sums that keep axes": (lambda a: a.sum(axis=-1, keepdims=True), (2, 3)),
    "mean": (lambda a: a.mean(), (2, 3)),
    "means": (lambda a: a.mean(axis=1), (2, 3)),
    "clip": (lambda a: a.clip(-0.5, 0.5), (4, 4)),
    "concatenate": (lambda a, b: concatenate(a, b, axis=1), (2, 3), (2, 1)),
    "twice the same": (lambda a: a * a + a, (2, 3)),
    "an array first": (lambda a: numpy.ones((2, 3)) * a - numpy.ones(3), (2, 3)),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_operators_give_numpys_numbers_and_their_slopes(name):
    function, *shapes = OPERATIONS[name]
    inputs = [numbers(*shape) for shape in shapes]
    found = function(*map(Tensor, inputs))
    assert isinstance(found, Tensor)
    expected = function(*inputs) if name != "concatenate" else numpy.concatenate(inputs, axis=1)
    assert numpy.array_equal(found.array, expected)
    assert gradcheck(function, *inputs)


def test_gradients_add_up_over_ways_and_calls():
    x = Tensor(numpy.array([1.0, 2.0]))
    (x * x + 3.0 * x).sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    (x * 2.0).sum().backward()
    assert x.grad.tolist() == [7.0, 9.0]


def test_plain_arrays_pass_through():
    x = numbers(2, 3)
    assert type(softmax(x)) is numpy.ndarray
    assert type(concatenate(x, x, 0)) is numpy.ndarray


def test_without_recording_results_are_plain():
    x = Tensor(numbers(2, 3))

    @no_grad()
    def inside():
        with no_grad():
            pass
        return softmax(x), x * 2.0, x + x, x[0]

    assert [type(found) for found in inside()] == [numpy.ndarray] * 4
    with pytest.raises(ZeroDivisionError), no_grad():
        raise ZeroDivisionError
    assert isinstance(x * 2.0, Tensor)


def test_named_arguments_find_their_rules():
    @differentiable
    def scale(x, factor=2.0):
        return x * factor

    @scale.wrt("x")
    def scale_grad_x(grad, out, x, factor=2.0):
        return grad * factor

    @scale.wrt("factor")
    def scale_grad_factor(grad, out, x, factor=2.0):
        return grad * x

    x, factor = Tensor(numpy.array([1.0, 2.0])), Tensor(numpy.array([3.0, 4.0]))
    scale(x, factor=factor).sum().backward()
    assert x.grad.tolist() == [3.0, 4.0]
    assert factor.grad.tolist() == [1.0, 2.0]


def test_the_tape_can_be_read():
    table, weight = Tensor(numbers(5, 4)), Tensor(numbers(3, 4))
    loss = cross_entropy(linear(table[1:3], weight), numpy.array([0, 2]))
    lines = loss.history().splitlines()
    assert lines[0].split() == ["t0", "(5,4)", "given"]
    assert lines[2].split() == ["t2", "(2,4)", "pick(t0,", "1:3)"]
    assert lines[-1].split()[1] == "()"
    assert lines[-1].split("cross_entropy")[1].startswith("(t")


def test_a_tensor_shows_its_number():
    loss = Tensor(numpy.array(1.25)) * 2.0
    assert (float(loss), loss.item(), f"{loss:.2f}") == (2.5, 2.5, "2.50")
    assert repr(loss) == "Tensor(array(2.5), made by multiply)" or "2.5" in repr(loss)
    assert loss < 3.0
    assert not loss >= 3.0
    assert bool(loss)
    assert loss.detach() is loss.array is plain(loss)


@pytest.mark.parametrize(
    "make", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_are_parameters_of_their_own(make):
    x = Tensor(numbers(2))
    twin = make(x * 2.0)
    assert twin.step is None
    assert twin.number != x.number
    (x * twin).sum().backward()
    assert numpy.array_equal(twin.grad, x.array)


def test_wrong_use_is_a_sentence():
    x = Tensor(numbers(2, 3))
    with pytest.raises(ArgumentError, match=r"only a single number has gradients \(got \(2, 3\)\)"):
        (x * 2.0).backward()
    with pytest.raises(ArgumentError, match="another shape than the Tensor"):
        (x * 2.0).backward(numbers(3))
    loss = (x * 2.0).sum()
    loss.backward()
    with pytest.raises(ArgumentError, match=r"gone before.*Compute the loss again"):
        loss.backward()
    with pytest.raises(ArgumentError, match="gone before"):
        loss.history()
    with pytest.raises(ArgumentError, match=r"Take \.array"):
        numpy.asarray(x)
    with pytest.raises(ArgumentError, match=r"requires_grad_\(False\) on the module"):
        x.requires_grad = False


def test_a_formula_without_a_rule_says_which():
    @differentiable
    def halve(x):
        return x / 2

    x = Tensor(numbers(2))
    with pytest.raises(
        ArgumentError, match=r"halve\(x\): the formula has no gradient rule.*@halve"
    ):
        halve(x).sum().backward()


def test_a_wrong_rule_is_found():
    @differentiable
    def triple(x):
        return x * 3.0

    @triple.wrt("x")
    def triple_grad_x(grad, out, x):
        return grad * 2.0

    with pytest.raises(NumericsError, match=r"triple, input 0.*does not give the slope"):
        gradcheck(triple, numbers(2))

    @triple.wrt("x")
    def triple_grad_nothing(grad, out, x):
        return grad * numpy.nan

    with pytest.raises(NumericsError):
        gradcheck(triple, numbers(2))
