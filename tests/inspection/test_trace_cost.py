"""What tracing costs: nothing measurable while it is off, at most half of a step while it is on."""

import statistics
import time

import numpy as np
import pytest

import tinyhf
from tinyhf import LlamaConfig, LlamaForCausalLM

pytestmark = pytest.mark.slow

#: A Llama with 15M parameters.
SIZES = {
    "vocab_size": 32000,
    "hidden_size": 288,
    "intermediate_size": 768,
    "num_hidden_layers": 6,
    "num_attention_heads": 6,
    "max_position_embeddings": 256,
}


@pytest.fixture(scope="module")
def decode_step():
    """Seconds of one decode step, as a function; and its model."""
    model = LlamaForCausalLM(LlamaConfig(**SIZES)).init_weights(seed=0)
    ids = np.arange(16)[None]
    cache = model(ids, use_cache=True).past_key_values

    def step():
        start = time.perf_counter()
        model(ids[:, :1], past_key_values=cache, use_cache=True)
        seconds = time.perf_counter() - start
        for layer in cache.layers:
            layer.length = 16
        return seconds

    for _ in range(20):
        step()
    return step, model


def test_tracing_on(decode_step):
    step, model = decode_step
    off, on = [], []
    for _ in range(100):  # alternating, so that a busy computer slows both
        off.append(step())
        with tinyhf.trace(model):
            on.append(step())
    assert statistics.median(on) <= 1.5 * statistics.median(off)


def test_tracing_off(decode_step):
    """What is left in the code: a ``record`` for every value in between."""
    step, model = decode_step
    with tinyhf.trace(model) as t:
        step()
    modules = {path for path, _ in model.named_modules()}
    count = len([name for name in t if name not in modules])
    start = time.perf_counter()
    for _ in range(10000):
        model.record("scores", 0)
    one = (time.perf_counter() - start) / 10000
    assert count * one <= 0.01 * statistics.median(step() for _ in range(50))
