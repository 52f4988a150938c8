"""The losses of classifiers against their definitions, in float64."""

import numpy
import pytest

from tinyhf.backend import float16, float32
from tinyhf.errors import ArgumentError
from tinyhf.functional import (
    PROBLEM_LOSSES,
    binary_cross_entropy,
    classification_loss,
    mean_squared_error,
    question_answering_loss,
)


@pytest.fixture
def rng():
    return numpy.random.default_rng(0)


def shares(logits):
    wide = numpy.exp(logits.astype("float64"))
    return wide / wide.sum(-1, keepdims=True)


def logits_of(rng, *shape):
    return rng.normal(0.0, 2.0, shape).astype("float32")


def test_classification_counts_tokens_of_all_texts_alike(rng):
    logits, labels = logits_of(rng, 2, 3, 5), numpy.array([[4, -100, -100], [0, 2, 1]])
    share = shares(logits)
    picked = [share[0, 0, 4], share[1, 0, 0], share[1, 1, 2], share[1, 2, 1]]
    loss = classification_loss(logits, labels)
    assert float(loss) == pytest.approx(-numpy.log(picked).mean(), rel=1e-5)
    assert loss.dtype == float32


@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_mean_squared_error(rng, shape):
    logits, labels = logits_of(rng, 3, 1), numpy.array([1.0, 0.0, -2.0])
    loss = mean_squared_error(logits, labels.reshape(shape))
    assert float(loss) == pytest.approx(((logits[:, 0] - labels) ** 2).mean(), rel=1e-5)
    assert loss.dtype == float32


def test_binary_cross_entropy(rng):
    logits, labels = logits_of(rng, 4, 3), rng.integers(0, 2, (4, 3)).astype("float32")
    yes = 1 / (1 + numpy.exp(-logits.astype("float64")))
    expected = -numpy.where(labels == 1, numpy.log(yes), numpy.log(1 - yes)).mean()
    loss = binary_cross_entropy(logits, labels)
    assert float(loss) == pytest.approx(expected, rel=1e-5)
    assert loss.dtype == float32


def test_binary_cross_entropy_of_large_logits():
    logits = numpy.array([[1e4, -1e4]], "float32")
    assert binary_cross_entropy(logits, numpy.array([[1.0, 0.0]])) == 0
    assert binary_cross_entropy(logits, numpy.array([[0.0, 1.0]])) == 1e4


def test_question_answering_ignores_answers_beyond_the_text(rng):
    starts, ends = logits_of(rng, 3, 6), logits_of(rng, 3, 6)
    loss = question_answering_loss(starts, ends, numpy.array([1, 6, 99]), numpy.array([2, -7, 5]))
    start_loss = -numpy.log(shares(starts)[0, 1])
    end_loss = -numpy.log([shares(ends)[0, 2], shares(ends)[1, 0], shares(ends)[2, 5]]).mean()
    assert float(loss) == pytest.approx((start_loss + end_loss) / 2, rel=1e-5)


@pytest.mark.parametrize("problem", PROBLEM_LOSSES)
def test_half_types_are_summed_in_float32(rng, problem):
    logits = logits_of(rng, 4, 3).astype(float16)
    labels = rng.integers(0, 2, 4 if problem.startswith("single") else (4, 3))
    loss = PROBLEM_LOSSES[problem](logits, labels)
    assert loss.dtype == float32
    assert loss == PROBLEM_LOSSES[problem](logits.astype(float32), labels)


def test_a_label_that_is_no_class(rng):
    for label in (3, -1):
        with pytest.raises(ArgumentError, match=r"labels: a label is none of .*0 to 2.*num_labels"):
            classification_loss(logits_of(rng, 2, 3), numpy.array([0, label]))


def test_labels_that_are_no_whole_numbers(rng):
    with pytest.raises(ArgumentError, match=r"labels must be whole numbers \(got dtype\('float64"):
        classification_loss(logits_of(rng, 2, 3), numpy.array([0.0, 1.0]))


def test_another_number_of_labels(rng):
    logits = logits_of(rng, 2, 4, 3)
    with pytest.raises(ArgumentError, match=r"wanted 8 numbers, got \(2,\)"):
        classification_loss(logits, numpy.array([0, 1]))
    for loss in (mean_squared_error, binary_cross_entropy):
        with pytest.raises(ArgumentError, match=r"wanted 24 numbers, got \(2, 2\)"):
            loss(logits, numpy.ones((2, 2)))
