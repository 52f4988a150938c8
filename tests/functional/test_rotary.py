"""Rotary positions: angles, frequencies, and what each rope type does to them."""

import numpy
import pytest

from tests.tiny_llamas import assert_close
from tinyhf import LlamaConfig
from tinyhf.backend import float32
from tinyhf.functional import ROPE_FUNCTIONS, apply_rotary_pos_emb, rotary_tables, rotate_half

LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
ROPE = {
    "default": {},
    "linear": {"factor": 4.0},
    "dynamic": {"factor": 2.0},
    "llama3": {**LLAMA3, "original_max_position_embeddings": 8192},
    "yarn": {"factor": 4.0, "original_max_position_embeddings": 4096},
}


def frequencies(kind, theta=10000.0, head_dim=64, max_positions=16384, seq_len=16, **more):
    rope = {"rope_theta": theta, **ROPE[kind], **more}
    return ROPE_FUNCTIONS[kind](head_dim, rope, max_positions, seq_len)


@pytest.mark.parametrize("kind", ROPE)
def test_frequencies_are_float32_and_fall(kind):
    inv_freq, scaling = frequencies(kind)
    assert inv_freq.shape == (32,)
    assert inv_freq.dtype == float32
    assert (numpy.diff(inv_freq) < 0).all()
    assert type(scaling) is float


def test_default_frequencies():
    inv_freq, scaling = frequencies("default", head_dim=4, theta=100.0)
    numpy.testing.assert_allclose(inv_freq, [1.0, 0.1], rtol=1e-6)
    assert scaling == 1.0


def test_linear_squeezes_all_planes():
    numpy.testing.assert_array_equal(frequencies("linear")[0], frequencies("default")[0] / 4)


def test_dynamic_acts_only_on_longer_texts():
    plain = frequencies("default")[0]
    numpy.testing.assert_array_equal(frequencies("dynamic", seq_len=16384)[0], plain)
    longer = frequencies("dynamic", seq_len=40000)[0]
    assert longer[0] == plain[0]
    assert (longer[1:] < plain[1:]).all()


def test_llama3_keeps_fast_planes_and_slows_slow_ones():
    ratio = frequencies("llama3")[0] / frequencies("default")[0]
    assert (ratio[:10] == 1).all()
    numpy.testing.assert_allclose(ratio[-5:], 1 / 8, rtol=1e-6)
    assert ((ratio > 0.126) & (ratio < 0.999)).any()


@pytest.mark.parametrize(
    ("more", "scaling"),
    [
        ({}, 1.1386294),
        ({"attention_factor": 1.5}, 1.5),
        ({"mscale": 1.0, "mscale_all_dim": 1.0}, 1),
    ],
)
def test_yarn_scaling(more, scaling):
    assert frequencies("yarn", **more)[1] == pytest.approx(scaling)


def test_tables_hold_one_row_a_position():
    inv_freq = numpy.array([1.0, 0.1], float32)
    cos, sin = rotary_tables(numpy.array([[0, 3]]), inv_freq, 2.0)
    numpy.testing.assert_allclose(cos[0, 1], 2 * numpy.cos([3.0, 0.3, 3.0, 0.3]), rtol=1e-6)
    numpy.testing.assert_allclose(sin[0], 2 * numpy.sin([[0] * 4, [3.0, 0.3] * 2]), rtol=1e-6)
    assert cos.dtype == sin.dtype == float32


def test_rotate_half_is_a_quarter_turn():
    x = numpy.array([1.0, 2.0, 3.0, 4.0], float32)
    numpy.testing.assert_array_equal(rotate_half(x), [-3, -4, 1, 2])
    numpy.testing.assert_array_equal(rotate_half(rotate_half(x)), -x)


def test_scores_know_only_the_distance():
    """The point of it all: q at 7 and k at 4 fit as q at 107 and k at 104."""
    rng = numpy.random.default_rng(0)
    q, k = (rng.normal(size=(1, 1, 1, 64)).astype(float32) for _ in range(2))
    inv_freq, _ = frequencies("default")

    def score(q_position, k_position):
        turned_q, _ = apply_rotary_pos_emb(
            q, q, *rotary_tables(numpy.array([[q_position]]), inv_freq)
        )
        turned_k, _ = apply_rotary_pos_emb(
            k, k, *rotary_tables(numpy.array([[k_position]]), inv_freq)
        )
        return (turned_q * turned_k).sum()

    assert score(7, 4) == pytest.approx(score(107, 104), abs=1e-4)
    assert abs(score(7, 4) - score(7, 5)) > 0.01


@pytest.mark.parity
@pytest.mark.parametrize("theta", [10000.0, 500000.0])
@pytest.mark.parametrize("head_dim", [4, 64, 80, 128])
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("default", {}),
        ("linear", {"factor": 2.5}),
        ("dynamic", {"factor": 3.0}),
        ("llama3", {}),
        ("llama3", {"factor": 32.0, "original_max_position_embeddings": 256}),
        ("yarn", {}),
        ("yarn", {"beta_fast": 16, "beta_slow": 2, "truncate": False}),
        ("yarn", {"mscale": 1.2, "mscale_all_dim": 0.8, "factor": 40.0}),
        ("yarn", {"attention_factor": 0.7}),
    ],
)
def test_frequencies_equal_transformers(kind, more, head_dim, theta):
    pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
    from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

    rope = {"rope_type": kind, "rope_theta": theta, **ROPE[kind], **more}
    sizes = {"head_dim": head_dim, "max_position_embeddings": 16384, "rope_parameters": rope}
    config = transformers.LlamaConfig(**sizes)
    for seq_len in (16, 16384, 50000):
        if kind == "default":
            inv_freq, scaling = LlamaRotaryEmbedding.compute_default_rope_parameters(config)
        else:
            inv_freq, scaling = ROPE_INIT_FUNCTIONS[kind](config, "cpu", seq_len=seq_len)
        settings = LlamaConfig(**sizes).rope_parameters
        ours, our_scaling = ROPE_FUNCTIONS[kind](head_dim, settings, 16384, seq_len)
        assert abs(ours / inv_freq.numpy() - 1).max() < 1e-5
        assert_close(ours, inv_freq.numpy(), 1e-6)
        assert our_scaling == pytest.approx(scaling)
