"""Whole models with Tensors as parameters: gradients, cache, training mode, files, devices."""

import numpy
import pytest

import tinyhf
from tests.tiny_chatglms import our_chatglm, prompt
from tests.tiny_encoder_decoders import our_model as our_encoder_decoder
from tests.tiny_encoders import our_encoder
from tests.tiny_gpt2s import our_model as our_gpt2
from tests.tiny_llamas import inputs, our_llama
from tinyhf.autograd import Tensor, no_grad
from tinyhf.backend import to_device, to_host
from tinyhf.errors import ArgumentError
from tinyhf.nn import DynamicCache

PLAIN = numpy.ndarray


def slope(model, parameter, index, step=1e-5, **arrays):
    """How the loss grows with one number, by finite differences."""
    before, losses = parameter.array[index], []
    for change in (step, -step):
        parameter.array[index] = before + change
        with no_grad():
            losses.append(float(model(**arrays).loss))
    parameter.array[index] = before
    return (losses[0] - losses[1]) / (2 * step)


def assert_slopes(model, **arrays):
    """The gradient of the first, the largest and a middle number of every parameter."""
    for name, parameter in model.named_parameters():
        model.set_parameter(name, parameter.astype(numpy.float64))
    model.tie_weights()
    model.requires_grad_()(**arrays).loss.backward()
    for name, parameter in model.named_parameters():
        grad = parameter.grad
        for place in (0, grad.size // 2, int(abs(grad).argmax())):
            index = numpy.unravel_index(place, grad.shape)
            expected = slope(model, parameter, index, **arrays)
            assert grad[index] == pytest.approx(expected, rel=1e-6, abs=1e-8), name


@pytest.mark.parametrize("position_encoding_2d", [True, False])
def test_chatglm_has_the_slopes_of_its_loss(position_encoding_2d):
    ids = numpy.concatenate([prompt(3), numpy.array([[7, 9, 53]])], axis=1)
    labels = numpy.where(numpy.arange(ids.shape[1]) < 5, -100, ids)
    model = our_chatglm(num_layers=2, position_encoding_2d=position_encoding_2d)
    assert_slopes(model, input_ids=ids, labels=labels)


def test_llama_has_the_slopes_of_its_loss():
    assert_slopes(our_llama("biases", pad_token_id=None), **inputs(1, 7))


@pytest.mark.parametrize("bits", [8, 4])
def test_what_is_quantized_stays_as_it_is(bits):
    model = our_chatglm(num_layers=1)
    for name, place in our_chatglm(num_layers=1, quantization_bit=bits).state_dict().items():
        assert place is not None, name
    quantized = tinyhf.ChatGLMForConditionalGeneration(
        tinyhf.ChatGLMConfig(**{**model.config.to_dict(), "quantization_bit": bits})
    )
    rng = numpy.random.default_rng(0)
    for name, place in quantized.state_dict().items():
        is_whole = getattr(place, "itemsize", None) == 1
        values = rng.integers(-7, 7, place.shape) if is_whole else rng.normal(0, 0.1, place.shape)
        quantized.set_parameter(name, values.astype("int8" if is_whole else "float32"))
    quantized.tie_weights()
    quantized.requires_grad_()(input_ids=prompt(), labels=prompt()).loss.backward()
    learnt = {n for n, x in quantized.named_parameters() if isinstance(x, Tensor)}
    assert "transformer.layers.0.attention.dense.bias" in learnt
    assert "transformer.layers.0.attention.dense.weight" not in learnt
    assert all(x.grad is not None for n, x in quantized.named_parameters() if n in learnt)


@pytest.mark.parametrize("use_cache", [True, False])
@pytest.mark.parametrize("make", [our_llama, lambda: our_gpt2("gpt2")])
def test_a_cache_changes_no_gradient(make, use_cache):
    arrays = inputs(2, 7, vocab_size=60)
    expected, model = make().requires_grad_(), make().requires_grad_()
    expected(**arrays, use_cache=False).loss.backward()
    loss = model(**arrays, use_cache=use_cache).loss
    loss.backward()
    for (name, found), (_, other) in zip(
        model.named_parameters(), expected.named_parameters(), strict=True
    ):
        assert numpy.allclose(found.grad, other.grad, rtol=1e-4, atol=1e-6), name


def test_gradients_flow_through_a_cache_of_earlier_tokens():
    model, ids = our_llama().requires_grad_(), inputs(2, 8)["input_ids"][:1]
    model(input_ids=ids).logits[:, 5:].sum().backward()
    grads = {name: parameter.grad for name, parameter in model.named_parameters()}
    model.zero_grad()
    cache = DynamicCache()
    model(input_ids=ids[:, :5], past_key_values=cache)
    model(input_ids=ids[:, 5:], past_key_values=cache).logits.sum().backward()
    for name, parameter in model.named_parameters():
        assert numpy.allclose(parameter.grad, grads[name], rtol=1e-4, atol=1e-4), name
    cache.crop(3)
    assert cache.get_seq_length() == 3
    assert model(input_ids=ids[:, 3:], past_key_values=cache).past_key_values[0][0].shape[2] == 8


def test_a_cache_of_plain_arrays_takes_no_tensors():
    model, cache = our_llama(), DynamicCache()
    ids = inputs(1, 6)["input_ids"]
    model(input_ids=ids[:, :3], past_key_values=cache)
    with pytest.raises(ArgumentError, match="NumPy would forget"):
        model.requires_grad_()(input_ids=ids[:, 3:], past_key_values=cache)


DROPPING = {
    "llama": lambda: our_llama(attention_dropout=0.5),
    "gpt2": lambda: our_gpt2("gpt2"),
    "bert": lambda: our_encoder("BertForMaskedLM"),
    "t5": lambda: our_encoder_decoder("t5"),
    "bart": lambda: our_encoder_decoder("bart"),
}


@pytest.mark.parametrize("family", DROPPING)
def test_dropout_acts_in_training_only(family):
    model, ids = DROPPING[family](), inputs(2, 6, vocab_size=36)["input_ids"] + 3
    both = {"input_ids": ids, "decoder_input_ids": ids} if family in ("t5", "bart") else {}

    def logits(seed):
        tinyhf.set_seed(seed)
        return model(**(both or {"input_ids": ids})).logits

    calm = logits(1)
    assert model.train() is model
    first, again, other = logits(1), logits(1), logits(2)
    assert numpy.array_equal(first, again)
    assert not numpy.array_equal(first, other)
    assert not numpy.array_equal(first, calm)
    assert numpy.array_equal(model.eval() and logits(2), calm)


def test_files_numbers_and_prints_are_those_of_arrays(tmp_path):
    model, same = our_llama("tied").requires_grad_(), our_llama("tied")
    assert repr(model) == repr(same)
    assert model.num_parameters() == same.num_parameters()
    assert model.dtype == same.dtype
    assert list(model.state_dict()) == list(same.state_dict())
    assert model.lm_head.weight is model.model.embed_tokens.weight
    model.save_pretrained(tmp_path)
    read = tinyhf.AutoModelForCausalLM.from_pretrained(tmp_path)
    for name, array in same.state_dict().items():
        assert numpy.array_equal(read.get_parameter(name), array), name
    output = repr(model(**inputs(2, 5)))
    assert "logits: (2, 5, 96) float32" in output
    assert "loss: () float32 = " in output
    assert type(model.requires_grad_(False).lm_head.weight) is PLAIN
    assert model.lm_head.weight is model.model.embed_tokens.weight


def test_a_part_can_be_frozen():
    model = our_encoder("BertForSequenceClassification").requires_grad_()
    model.bert.requires_grad_(False)
    batch = {"input_ids": numpy.array([[5, 6, 7]]), "labels": numpy.array([1])}
    loss = model(**batch).loss
    assert "embedding" not in loss.history()
    loss.backward()
    assert model.classifier.weight.grad.shape == (5, 16)


def test_waves_are_not_learnt():
    model = our_encoder_decoder("marian").requires_grad_()
    assert type(model.model.encoder.embed_positions.weight) is PLAIN
    assert isinstance(model.model.shared.weight, Tensor)


def test_generating_records_nothing():
    model, ids = our_llama(), inputs(1, 5)["input_ids"]
    expected = model.generate(ids, max_new_tokens=4, num_beams=2)
    output = model.requires_grad_().generate(
        ids, max_new_tokens=4, num_beams=2, return_dict_in_generate=True, output_logits=True
    )
    assert numpy.array_equal(output.sequences, expected)
    assert type(output.logits[0]) is PLAIN
    assert isinstance(model(ids).logits, Tensor)


def test_on_a_device(strict_library):
    arrays = inputs(2, 7)
    expected = our_llama("biases").requires_grad_()
    expected(**arrays).loss.backward()
    model = our_llama("biases").requires_grad_().to("strict")
    strict_library.seen_dtypes.clear()
    loss = model(**{name: to_device(value, "strict") for name, value in arrays.items()}).loss
    loss.backward()
    assert numpy.dtype("float64") not in strict_library.seen_dtypes
    for (name, found), (_, other) in zip(
        model.named_parameters(), expected.named_parameters(), strict=True
    ):
        assert isinstance(found.grad, strict_library.ndarray)
        assert numpy.allclose(to_host(found.grad), other.grad, rtol=1e-4, atol=1e-6), name
