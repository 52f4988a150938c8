"""Gradient checkpointing: the same gradients to the last bit, less memory, inference untouched."""

import tracemalloc

import numpy
import pytest

from tests import tiny_llamas
from tinyhf import AutoModelForSeq2SeqLM, LlamaConfig, LlamaForCausalLM, T5Config
from tinyhf.autograd import Tensor, checkpoint, no_grad
from tinyhf.backend.random import get_rng_state, set_seed
from tinyhf.functional import dropout


def learning(model):
    return model.init_weights(seed=0).requires_grad_().train()


def llama(**fields):
    return learning(LlamaForCausalLM(LlamaConfig(**tiny_llamas.fields_of("biases", **fields))))


def gradients(model, **inputs):
    """(loss, gradients by name)."""
    set_seed(3)
    model.zero_grad()
    loss = model(**inputs).loss
    loss.backward()
    return float(loss), {name: p.grad for name, p in model.named_parameters()}


def assert_bit_equal(before, after):
    assert before[0] == after[0]
    assert before[1].keys() == after[1].keys()
    for name, grad in before[1].items():
        assert (grad == after[1][name]).all(), name


@pytest.mark.parametrize("dropped", [0.0, 0.3])
def test_gradients_of_a_llama_are_bit_equal(dropped):
    model, x = llama(attention_dropout=dropped), tiny_llamas.inputs(3, 9)
    before = gradients(model, **x, use_cache=False)
    model.gradient_checkpointing_enable()
    model.gradient_checkpointing_enable()  # twice is as once
    assert model.is_gradient_checkpointing
    assert_bit_equal(before, gradients(model, **x))  # and the cache is left out
    model.gradient_checkpointing_disable()
    assert not model.is_gradient_checkpointing
    assert_bit_equal(before, gradients(model, **x, use_cache=False))


def test_gradients_of_a_t5_with_its_shared_position_table():
    config = T5Config(vocab_size=50, d_model=16, d_kv=8, d_ff=24, num_layers=2, num_heads=2)
    config.dropout_rate, config.decoder_start_token_id = 0.1, 0
    model = learning(AutoModelForSeq2SeqLM.from_config(config))
    ids = numpy.arange(12).reshape(2, 6) + 3
    before = gradients(model, input_ids=ids, labels=ids, use_cache=False)
    model.gradient_checkpointing_enable()
    after = gradients(model, input_ids=ids, labels=ids, use_cache=False)
    assert before[0] == after[0]
    for name, grad in before[1].items():  # sums over layers are made in another order
        numpy.testing.assert_allclose(after[1][name], grad, atol=1e-6 * abs(grad).max())


def test_frozen_layers_and_inference_stay_plain():
    model, x = llama(), tiny_llamas.inputs(2, 5)
    model.gradient_checkpointing_enable()
    model.eval()
    cached = model(**x, use_cache=True).past_key_values
    assert cached.get_seq_length() == 5
    model.train().requires_grad_(False)
    assert isinstance(model(**x).loss, numpy.ndarray | numpy.floating)
    last = model.model.layers[1].requires_grad_()
    model(**x).loss.backward()
    assert all(p.grad is not None for p in last.parameters())


def test_hooks_come_and_go():
    model, x, seen = llama(), tiny_llamas.inputs(2, 5), []
    model.gradient_checkpointing_enable()
    remove = model.model.layers[0].register_forward_hook(lambda *_: seen.append(1))
    model(**x).loss.backward()
    remove()
    assert seen == [1]
    assert all("forward" in vars(layer) for layer in model.model.layers)
    model.gradient_checkpointing_disable()
    assert not any("forward" in vars(layer) for layer in model.model.layers)


def peak(model, ids):
    tracemalloc.start()
    gradients(model, input_ids=ids, labels=ids, use_cache=False)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_backward_lets_go_of_what_it_has_used():
    model, ids = llama(num_hidden_layers=8), numpy.arange(8 * 64).reshape(8, 64) % 96
    gradients(model, input_ids=ids, labels=ids, use_cache=False)  # warm: tables, gradients
    tracemalloc.start()
    loss = model(input_ids=ids, labels=ids, use_cache=False).loss
    after_forward = tracemalloc.get_traced_memory()[0]
    loss.backward()
    after, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert highest < 1.2 * after_forward
    assert after < 0.1 * after_forward


def test_it_takes_less_memory():
    model = llama(num_hidden_layers=8)
    ids = numpy.arange(8 * 64).reshape(8, 64) % 96
    with_all = peak(model, ids)
    model.gradient_checkpointing_enable()
    assert peak(model, ids) < 0.4 * with_all


def test_checkpoint_of_any_function():
    x = Tensor(numpy.linspace(-1.0, 1.0, 6).reshape(2, 3))
    calls = []

    def both(x, power):
        calls.append(type(x))
        return dropout(x**power, 0.5), None, x * 2.0

    set_seed(0)
    first, nothing, second = checkpoint(both, x, 2)
    assert nothing is None and calls == [numpy.ndarray]
    dropout(first, 0.5)  # what is drawn in between does not matter
    stands_at = get_rng_state()
    (first + second).sum().backward()
    assert (get_rng_state() == stands_at).all()
    set_seed(0)
    kept = dropout(numpy.ones((2, 3)), 0.5)
    numpy.testing.assert_allclose(x.grad, kept * 2 * x.array + 2)
    assert "checkpoint" in checkpoint(both, x, 2)[0].history()
    with no_grad():
        assert isinstance(checkpoint(both, x, 2)[2], numpy.ndarray)
