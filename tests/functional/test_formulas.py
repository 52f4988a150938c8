"""Softmax, activations, norms, the linear map and losses, against float64 and against torch."""

import math

import numpy
import pytest

from tinyhf.backend import bfloat16, float16, float32
from tinyhf.functional import (
    causal_lm_loss,
    cross_entropy,
    embedding,
    linear,
    log_softmax,
    relu,
    rms_norm,
    silu,
    softmax,
)
from tinyhf.functional.linear import BIG, BLOCK, FEW_ROWS, ROWS_AT_ONCE

HALVES = [float16, bfloat16]


@pytest.fixture
def rng():
    return numpy.random.default_rng(0)


def normal(rng, *shape):
    return rng.normal(size=shape).astype(float32)


def close(ours, exact, tolerance=1e-6):
    """Compare with float64, and see that the formula itself stayed in float32."""
    assert ours.dtype == float32
    numpy.testing.assert_allclose(ours, exact, rtol=tolerance, atol=tolerance)


# ---- softmax -------------------------------------------------------------------------------------


def test_softmax_is_the_definition(rng):
    x = normal(rng, 3, 5)
    wide = numpy.exp(x.astype("float64"))
    close(softmax(x), wide / wide.sum(-1, keepdims=True))
    close(log_softmax(x), numpy.log(wide / wide.sum(-1, keepdims=True)))


@pytest.mark.parametrize("function", [softmax, log_softmax])
def test_softmax_leaves_its_input_alone(rng, function):
    x = normal(rng, 2, 4)
    before = x.copy()
    function(x)
    numpy.testing.assert_array_equal(x, before)


def test_softmax_of_large_scores_does_not_overflow():
    x = numpy.array([[1e30, 1e30, -1e30]], float32)
    numpy.testing.assert_array_equal(softmax(x), [[0.5, 0.5, 0.0]])
    close(log_softmax(x)[:, :2], numpy.full((1, 2), -math.log(2)))


def test_softmax_of_one_hidden_row_is_even():
    """What a query sees that may look nowhere: as in transformers, everything alike, not NaN."""
    hidden = numpy.full((1, 4), numpy.finfo(float32).min, float32)
    numpy.testing.assert_array_equal(softmax(hidden), [[0.25] * 4])


# ---- activations ---------------------------------------------------------------------------------


def test_silu(rng):
    x = normal(rng, 100) * 20
    wide = x.astype("float64")
    close(silu(x), wide / (1 + numpy.exp(-wide)), 2e-6)


@pytest.mark.filterwarnings("error")
def test_silu_far_out_warns_of_nothing():
    x = numpy.array([-1e4, -100.0, 0.0, 100.0, 1e4], float32)
    numpy.testing.assert_array_equal(silu(x), [0, 0, 0, 100, 1e4])


def test_relu():
    numpy.testing.assert_array_equal(relu(numpy.array([-1.5, 0, 2], float32)), [0, 0, 2])


# ---- norm ----------------------------------------------------------------------------------------


def test_rms_norm_is_the_definition(rng):
    x, weight = normal(rng, 2, 3, 8), normal(rng, 8)
    wide = x.astype("float64")
    exact = wide / numpy.sqrt((wide**2).mean(-1, keepdims=True) + 1e-6) * weight
    close(rms_norm(x, weight, 1e-6), exact)


def test_rms_norm_of_zeros_is_zero():
    zeros = numpy.zeros((1, 4), float32)
    numpy.testing.assert_array_equal(rms_norm(zeros, numpy.ones(4, float32), 1e-6), zeros)


@pytest.mark.parametrize("half", HALVES)
def test_rms_norm_with_a_half_weight(rng, half):
    x, weight = normal(rng, 3, 8), normal(rng, 8).astype(half)
    expected = rms_norm(x, weight.astype(float32), 1e-6)
    numpy.testing.assert_array_equal(rms_norm(x, weight, 1e-6), expected)


# ---- linear map and table ------------------------------------------------------------------------


def test_linear(rng):
    x, weight, bias = normal(rng, 2, 3, 5), normal(rng, 4, 5), normal(rng, 4)
    exact = numpy.einsum("bsi,oi->bso", x, weight, dtype="float64")
    close(linear(x, weight), exact)
    close(linear(x, weight, bias), exact + bias)


@pytest.mark.parametrize("rows", [1, 2, FEW_ROWS, FEW_ROWS + 1])
@pytest.mark.parametrize("out_features", [4 * BLOCK, 4 * BLOCK + 5])
def test_linear_with_a_big_weight(rng, rows, out_features):
    x, weight = normal(rng, rows, 260), normal(rng, out_features, 260)
    assert weight.size > BIG
    out = linear(x[None], weight)
    assert out.shape == (1, rows, out_features) and out.flags.c_contiguous
    close(out[0], x.astype("float64") @ weight.T.astype("float64"), 1e-5)


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("rows", [1, 7, ROWS_AT_ONCE + 3])
@pytest.mark.parametrize("out_features", [1, ROWS_AT_ONCE, 3 * ROWS_AT_ONCE + 5])
def test_linear_with_a_half_weight_widens_block_by_block(rng, half, rows, out_features):
    x, weight = normal(rng, rows, 16), normal(rng, out_features, 16).astype(half)
    close(linear(x, weight), x @ weight.astype(float32).T, 1e-6)


@pytest.mark.parametrize("half", HALVES)
def test_linear_never_holds_the_whole_widened_weight(half):
    """A bfloat16 model must not need the memory of a float32 one."""
    import tracemalloc

    x, weight = numpy.ones((1, 256), float32), numpy.ones((20000, 256), half)
    linear(x, weight)
    tracemalloc.start()
    linear(x, weight)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < weight.nbytes / 20


@pytest.mark.parametrize("dtype", [float32, *HALVES])
def test_embedding(rng, dtype):
    table = normal(rng, 10, 4).astype(dtype)
    ids = numpy.array([[0, 9, 3], [3, 3, 1]])
    vectors = embedding(ids, table)
    assert vectors.dtype == float32
    numpy.testing.assert_array_equal(vectors[1, 2], table[1].astype(float32))
    assert vectors.shape == (2, 3, 4)


# ---- losses --------------------------------------------------------------------------------------


def test_cross_entropy_skips_minus_100(rng):
    logits, labels = normal(rng, 4, 6), numpy.array([2, -100, 5, 0])
    wide = numpy.exp(logits.astype("float64"))
    picked = [
        math.log(wide[row, label] / wide[row].sum()) for row, label in [(0, 2), (2, 5), (3, 0)]
    ]
    close(cross_entropy(logits, labels), -sum(picked) / 3)


@pytest.mark.filterwarnings("ignore:invalid value")
def test_cross_entropy_of_nothing_is_nan_as_in_torch(rng):
    assert numpy.isnan(cross_entropy(normal(rng, 2, 3), numpy.array([-100, -100])))


def test_causal_loss_is_about_the_next_token(rng):
    logits, labels = normal(rng, 2, 5, 7), rng.integers(0, 7, (2, 5))
    shifted = cross_entropy(logits[:, :-1].reshape(-1, 7), labels[:, 1:].reshape(-1))
    assert causal_lm_loss(logits, labels) == shifted
    changed = labels.copy()
    changed[:, 0] = 0
    assert causal_lm_loss(logits, changed) == shifted  # nothing comes before the first token


# ---- against torch -------------------------------------------------------------------------------


@pytest.mark.parity
def test_formulas_equal_torch(rng):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x, weight, bias = normal(rng, 6, 32) * 5, normal(rng, 48, 32), normal(rng, 48)
    labels = numpy.array([1, 2, -100, 31, 0, 5])
    t_x, t_weight, t_bias, t_labels = map(torch.from_numpy, (x, weight, bias, labels))
    pairs = [
        (softmax(x), functional.softmax(t_x, -1)),
        (log_softmax(x), functional.log_softmax(t_x, -1)),
        (silu(x), functional.silu(t_x)),
        (relu(x), functional.relu(t_x)),
        (rms_norm(x, weight[0], 1e-5), functional.rms_norm(t_x, (32,), t_weight[0], 1e-5)),
        (linear(x, weight, bias), functional.linear(t_x, t_weight, t_bias)),
        (embedding(labels[[0, 1, 3]], weight), functional.embedding(t_labels[[0, 1, 3]], t_weight)),
        (cross_entropy(x, labels), functional.cross_entropy(t_x, t_labels)),
    ]
    for ours, theirs in pairs:
        close(ours, theirs.numpy(), 1e-5)
