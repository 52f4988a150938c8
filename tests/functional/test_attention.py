"""Who may look at whom, and what comes of it."""

import numpy
import pytest

from tinyhf.backend import float32
from tinyhf.functional import (
    attention_scores,
    attention_weights,
    causal_mask,
    mix_values,
    scaled_dot_product_attention,
    softmax,
)

HIDDEN = numpy.finfo(float32).min


@pytest.fixture
def states():
    """query (2, 4, 3, 8); key and value (2, 2, 5, 8): two cached tokens, heads share in pairs."""
    rng = numpy.random.default_rng(0)
    shapes = [(2, 4, 3, 8), (2, 2, 5, 8), (2, 2, 5, 8)]
    return [rng.normal(size=shape).astype(float32) for shape in shapes]


def picture(mask):
    """The mask as its docstring draws it: . is seen, # is hidden."""
    assert mask.dtype == float32
    assert set(numpy.unique(mask)) <= {0.0, HIDDEN}
    return [["".join(".#"[int(x < 0)] for x in line) for line in row] for row in mask[:, 0]]


def test_causal_mask_hides_later_tokens():
    mask = causal_mask(None, 3, 3, float32, numpy)
    assert mask.shape == (1, 1, 3, 3)
    assert picture(mask) == [[".##", "..#", "..."]]


def test_causal_mask_with_a_cache_and_padding():
    attention_mask = numpy.array([[0, 1, 1, 1, 1], [1, 1, 1, 1, 1]])
    assert picture(causal_mask(attention_mask, 3, 5, float32, numpy)) == [
        ["#..##", "#...#", "#...."],
        ["...##", "....#", "....."],
    ]


@pytest.mark.parametrize("attention_mask", [None, numpy.ones((2, 4), int)])
def test_one_new_token_needs_no_mask(attention_mask):
    assert causal_mask(attention_mask, 1, 4, float32, numpy) is None


def test_one_new_token_after_padding_does():
    mask = causal_mask(numpy.array([[0, 1, 1]]), 1, 3, float32, numpy)
    assert picture(mask) == [["#.."]]


@pytest.mark.parametrize("kind", [bool, "int64", float32])
def test_the_mask_may_be_of_any_kind(kind):
    attention_mask = numpy.array([[0, 1]]).astype(kind)
    assert picture(causal_mask(attention_mask, 2, 2, float32, numpy)) == [["##", "#."]]


def test_shared_heads_are_as_if_repeated(states):
    query, key, value = states
    keys, values = numpy.repeat(key, 2, 1), numpy.repeat(value, 2, 1)
    scores = attention_scores(query, key, 0.5)
    numpy.testing.assert_allclose(scores, query @ keys.swapaxes(2, 3) * 0.5, atol=1e-6)
    numpy.testing.assert_allclose(mix_values(scores, value), scores @ values, atol=1e-5)
    assert scores.dtype == float32


def test_weights_sum_to_one_over_what_is_seen(states):
    query, key, _ = states
    mask = causal_mask(None, 3, 5, float32, numpy)
    weights = attention_weights(attention_scores(query, key, 1.0), mask)
    numpy.testing.assert_allclose(weights.sum(-1), 1.0, atol=1e-6)
    assert (weights[..., 0, 3:] == 0).all()
    assert weights.dtype == float32


def test_half_scores_take_a_float32_softmax():
    scores = numpy.array([[3.0, 2.0, -4.0]], "float16")
    expected = softmax(scores.astype(float32)).astype("float16")
    numpy.testing.assert_array_equal(attention_weights(scores), expected)


def test_three_steps_in_one(states):
    query, key, value = states
    mask = causal_mask(None, 3, 5, float32, numpy)
    by_hand = mix_values(attention_weights(attention_scores(query, key, 8**-0.5), mask), value)
    for options in ({"is_causal": True}, {"attn_mask": mask}, {"attn_mask": mask == 0}):
        mixed = scaled_dot_product_attention(query, key, value, **options)
        numpy.testing.assert_allclose(mixed, by_hand, atol=1e-7)
    assert abs(scaled_dot_product_attention(query, key, value) - by_hand).max() > 0.01


@pytest.mark.parity
@pytest.mark.parametrize("options", [{}, {"is_causal": True}, {"scale": 0.3}])
def test_attention_equals_torch(states, options):
    torch = pytest.importorskip("torch")
    query, key, value = states[0], states[1][:, :, :3], states[2][:, :, :3]
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *map(torch.from_numpy, (query, key.copy(), value.copy())), enable_gqa=True, **options
    )
    ours = scaled_dot_product_attention(query, key, value, **options)
    numpy.testing.assert_allclose(ours, theirs.numpy(), atol=1e-6)
