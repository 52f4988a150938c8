"""GLM's masks and positions, and quantized weights: the pictures in the files, plain formulas."""

import numpy
import pytest

from tinyhf.errors import ArgumentError
from tinyhf.functional import (
    first_places,
    glm_attention_weights,
    glm_mask,
    glm_positions,
    linear,
    quantized_embedding,
    quantized_linear,
)
from tinyhf.functional.quantization import unpack_int4

CONTEXT, MASK = numpy.array([3]), numpy.array([2])  # A B [gMASK] <sop> X Y


def test_the_picture_of_the_mask():
    hidden = glm_mask(CONTEXT, 6)[0, 0].astype(int)
    picture = ["".join(".#"[cell] for cell in row) for row in hidden]
    assert picture == ["...###", "...###", "...###", "....##", ".....#", "......"]


def test_the_picture_of_the_positions():
    assert glm_positions(CONTEXT, MASK, 6).tolist() == [[[0, 1, 2, 2, 2, 2], [0, 0, 0, 1, 2, 3]]]


def test_first_places():
    found = numpy.array([[False, True, True], [True, False, False]])
    assert first_places(found, "<sop>").tolist() == [1, 0]
    with pytest.raises(ArgumentError, match="a row has no <sop>"):
        first_places(numpy.zeros((1, 3), bool), "<sop>")


def test_hidden_rows_look_at_all_alike():
    scores = numpy.array([[[[3.0, 1.0, 2.0], [3.0, 1.0, 2.0]]]], numpy.float32)
    hidden = numpy.array([[[[True, True, True], [False, False, True]]]])
    weights = glm_attention_weights(scores, hidden, scaling=2)
    numpy.testing.assert_allclose(weights[0, 0, 0], [1 / 3] * 3, rtol=1e-6)
    numpy.testing.assert_allclose(weights[0, 0, 1], [1 / (1 + numpy.exp(-4)), 0.018, 0], rtol=1e-2)
    assert weights.dtype == numpy.float32
    assert glm_attention_weights(scores.astype(numpy.float16), None, 3).dtype == numpy.float16


def test_halves_of_bytes():
    packed = numpy.array([[0x17, -128, 0x0F, -1]], numpy.int8)
    assert unpack_int4(packed).tolist() == [[1, 7, -8, 0, 0, -1, -1, -1]]


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("rows", [1, 70])
def test_quantized_linear(bits, rows):
    """More rows of weights than one block holds, and not a multiple of it."""
    rng = numpy.random.default_rng(0)
    stored = rng.integers(-128, 128, (150, 24 * bits // 8), dtype=numpy.int8)
    scales, bias = rng.random(150).astype(numpy.float16), rng.random(150).astype(numpy.float32)
    x = rng.normal(size=(rows, 2, 24)).astype(numpy.float32)
    weight = (unpack_int4(stored) if bits == 4 else stored) * scales.astype(numpy.float32)[:, None]
    out = quantized_linear(x, stored, scales, bias)
    assert out.dtype == numpy.float32
    numpy.testing.assert_allclose(out, linear(x, weight, bias), rtol=1e-5, atol=1e-2)
    ids = numpy.array([[149, 0, 3]])
    numpy.testing.assert_array_equal(quantized_embedding(ids, stored, scales, 24), weight[ids])
