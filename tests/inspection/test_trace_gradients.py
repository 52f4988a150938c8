"""A trace of a model that is trained keeps the gradient of every value as well."""

import numpy as np
import pytest

import tinyhf
from tests.tiny_llamas import inputs, our_llama

TEXT = {**inputs(2, 7), "attention_mask": np.ones((2, 7), int)}


@pytest.fixture
def traced():
    llama = our_llama().requires_grad_()
    with tinyhf.trace(llama) as t:
        loss = llama(**TEXT, use_cache=False).loss
    assert t.grads == {}
    loss.backward()
    return llama, t


def test_every_value_on_the_way_has_one(traced):
    _, t = traced
    without = {"input_ids", "attention_mask", "labels", "loss", "logits"}
    without |= {"model.position_ids", "model.causal_mask", "model.rotary_emb"}
    assert set(t) - without <= set(t.grads)
    assert all(t.grads[name].shape == t[name].shape for name in t.grads)


def test_gradients_are_slopes(traced):
    """The loss, when a value is moved a little against its gradient, falls by as much."""
    llama, t = traced
    llama.requires_grad_(False)
    for name in ("model.layers.0", "model.layers.1.self_attn.q_rotary", "model.layers.1.mlp.act"):
        grad, losses = t.grads[name], []
        for step in (0.1, -0.1):
            with tinyhf.patch(llama, {name: lambda x, g=grad, step=step: x + step * g}):
                losses.append(float(llama(**TEXT).loss))
        slope = (losses[0] - losses[1]) / 0.2
        assert slope == pytest.approx(float((grad * grad).sum()), rel=2e-2)


def test_values_are_those_without_gradients(traced):
    _, t = traced
    llama = our_llama()
    with tinyhf.trace(llama) as plain:
        llama(**TEXT)
    for name in plain:
        np.testing.assert_array_equal(plain[name], t[name])
