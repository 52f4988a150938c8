"""Distances in buckets, waves, and what large numbers in half precision need."""

import math

import numpy
import pytest

from tinyhf.functional import (
    clamp_overflow,
    linear,
    relative_position_bucket,
    relative_positions,
    sinusoidal_positions,
)


def buckets(*distances, **options):
    options = {"bidirectional": False, "num_buckets": 8, "max_distance": 32, **options}
    return relative_position_bucket(numpy.array(distances), **options).tolist()


def test_near_tokens_have_a_bucket_each_and_far_ones_share():
    assert buckets(0, -1, -2, -3) == [0, 1, 2, 3]
    assert buckets(-4, -6, -7, -11, -12, -19, -20, -31) == [4, 4, 5, 5, 6, 6, 7, 7]
    assert buckets(-32, -33, -10_000) == [7, 7, 7]


def test_one_direction_counts_later_tokens_as_near():
    assert buckets(1, 5, 1000) == [0, 0, 0]


def test_two_directions_have_half_of_the_buckets_each():
    assert buckets(0, -1, -2, -1000, bidirectional=True) == [0, 1, 2, 3]
    assert buckets(1, 2, 1000, bidirectional=True) == [5, 6, 7]


def test_the_buckets_of_t5():
    """Every distance of t5's own sizes: computed here with exact logarithms."""
    for distance in range(400):
        if distance < 16:
            expected = distance
        else:
            expected = min(16 + int(math.log(distance / 16, 8) * 16 + 1e-9), 31)
        assert buckets(-distance, num_buckets=32, max_distance=128) == [expected]


def test_distances_of_new_tokens_from_all():
    positions = relative_positions(2, 5, like=numpy.zeros(1))
    assert positions.tolist() == [[-3, -2, -1, 0, 1], [-4, -3, -2, -1, 0]]


@pytest.mark.parametrize("dim", [6, 7])
def test_waves(dim):
    table = sinusoidal_positions(50, dim)
    assert table.shape == (50, dim)
    assert table.dtype == numpy.float32
    sines = math.ceil(dim / 2)
    for position, column in ((0, 0), (7, 1), (49, sines - 1)):
        angle = position / 10000 ** (2 * column / dim)
        assert table[position, column] == pytest.approx(math.sin(angle), abs=1e-6)
        if sines + column < dim:
            assert table[position, sines + column] == pytest.approx(math.cos(angle), abs=1e-6)


def test_infinities_of_float16_become_large_numbers():
    x = numpy.array([1.0, numpy.inf, -numpy.inf, 65504.0], "float16")
    assert clamp_overflow(x).tolist() == [1.0, 64512.0, -64512.0, 64512.0]
    assert clamp_overflow(x).dtype == numpy.float16
    finite = x[[0, 3]]
    assert clamp_overflow(finite) is finite


def test_other_types_are_left_alone():
    x = numpy.array([1.0, numpy.inf], "float32")
    assert clamp_overflow(x) is x


def test_a_wide_weight_widens_what_it_meets():
    """T5's wo on a GPU: float32 in a model of float16."""
    weight = numpy.array([[1.0, 2.0**-20]], "float32")
    out = linear(numpy.ones((1, 2), "float16"), weight)
    assert out.dtype == numpy.float32
    assert out.item() == 1.0 + 2.0**-20
