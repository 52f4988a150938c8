"""Our Llama against numbers that transformers computed once (see tests/golden/make_golden.py)."""

import numpy
import pytest
from safetensors import safe_open

from tests.tiny_llamas import GOLDEN, SHAPES, VARIANTS, assert_close, golden

EVERYTHING = {"output_hidden_states": True, "output_attentions": True}


@pytest.fixture(scope="module", params=VARIANTS)
def case(request):
    """(model, what transformers computed, our output for the same input)"""
    model, expected = golden(request.param)
    inputs = {name: expected[name] for name in ("input_ids", "attention_mask", "labels")}
    return model, expected, model(**inputs, **EVERYTHING)


def test_names_and_order(case):
    model, expected, _ = case
    assert list(model.state_dict()) == list(expected["names"])


def test_logits_and_loss(case):
    _, expected, output = case
    assert_close(output.logits, expected["logits"])
    assert_close(output.loss, expected["loss"])


@pytest.mark.parametrize("name", ["hidden_states", "attentions"])
def test_every_layer(case, name):
    _, expected, output = case
    assert len(output[name]) == len(expected[name])
    for ours, theirs in zip(output[name], expected[name], strict=True):
        assert_close(ours, theirs)


def test_greedy_loop(case):
    """The plainest loop there is: the whole text goes in each time, and the best token is added."""
    model, expected, _ = case
    for ids, row, mask in zip(
        expected["input_ids"], expected["greedy_ids"], expected["attention_mask"], strict=True
    ):
        text = list(ids[mask == 1])
        if "dynamic" in str(model.config.rope_parameters) and len(text) < len(ids):
            continue  # its frequencies hang on the longest row of the batch
        while len(text) < len(ids) - (mask == 0).sum() + 8:
            text.append(model(numpy.array([text])).logits[0, -1].argmax())
        assert text[-8:] == list(row[-8:])


def test_generate(case):
    model, expected, _ = case
    ids = model.generate(
        expected["input_ids"],
        attention_mask=expected["attention_mask"],
        do_sample=False,
        max_new_tokens=8,
    )
    numpy.testing.assert_array_equal(ids, expected["greedy_ids"])


@pytest.mark.parametrize("name", SHAPES)
def test_loaded_values_are_the_stored_ones(name):
    model, _ = golden(name)
    weights = model.state_dict()
    with safe_open(GOLDEN / name / "model.safetensors", "numpy") as stored:
        for key in stored.keys():  # noqa: SIM118 - safe_open is no dict
            numpy.testing.assert_array_equal(weights[key], stored.get_tensor(key).astype("float32"))


def test_the_cases_differ():
    """A case that equals another would prove nothing."""
    logits = [golden(name)[1]["logits"] for name in ("gqa", "linear", "dynamic", "llama3", "yarn")]
    for number, one in enumerate(logits):
        assert all(abs(one - other).max() > 0.01 for other in logits[:number])


def test_no_case_is_in_default_precision_by_accident():
    stored = {name: golden_dtype(name) for name in SHAPES}
    assert set(stored.values()) == {"F32", "BF16", "F16"}


def golden_dtype(name):
    with safe_open(GOLDEN / name / "model.safetensors", "numpy") as stored:
        return stored.get_slice("model.norm.weight").get_dtype()
