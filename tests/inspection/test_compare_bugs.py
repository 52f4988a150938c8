"""Planted bugs: ``compare`` names the very stage, and the mistake."""

import re

import numpy as np
import pytest

import tinyhf
from tests import tiny_gpt2s, tiny_llamas
from tests.inspection.planted_bugs import BUGS
from tests.inspection.test_compare import FAMILIES

MAKE = {"llama": tiny_llamas.our_llama, "gpt2": lambda: tiny_gpt2s.our_model("gpt2")}


def text_for(family):
    """Left-padded ids and their mask."""
    vocab_size = 60 if family == "gpt2" else 96
    arrays = tiny_llamas.inputs(3, 9, vocab_size)
    return {name: arrays[name] for name in ("input_ids", "attention_mask")}


def traced(model, text):
    with tinyhf.trace(model) as t:
        model(**text)
    return t


def first_of(bug, number):
    return bug.first if isinstance(bug.first, str) else bug.first[number]


@pytest.mark.parametrize("name", BUGS)
def test_planted_in_tinyhf(name, monkeypatch):
    bug = BUGS[name]
    right, wrong = MAKE[bug.family](), MAKE[bug.family]()
    text = text_for(bug.family)
    expected = traced(right, text)
    bug.ours(wrong, monkeypatch)
    found = tinyhf.compare(expected, traced(wrong, text))
    assert not found
    assert found.first.name == first_of(bug, 0)
    assert re.search(bug.hint, found.hint or ""), found.hint
    assert found.place == expected.places.get(found.first.name)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_disturbed_weight_is_found_in_its_module(family):
    make, text = FAMILIES[family]
    model, rng = make(), np.random.default_rng(0)
    expected = traced(model, text)
    inner = {name: x for name, x in model.state_dict().items() if "layer" in name or ".h." in name}
    matrices = [name for name, x in inner.items() if x.ndim == 2 and "embed" not in name]
    for name in rng.choice(matrices, 6, replace=False):
        weight = model.get_parameter(name)
        noise = rng.normal(0, 1e-4, weight.shape) * abs(weight).max()
        model.set_parameter(name, (weight + noise).astype("float32"))
        found = tinyhf.compare(expected, model)
        assert found.first.name == name.rpartition(".")[0]
        assert found.hint is None
        model.set_parameter(name, weight)
        model.tie_weights()


@pytest.mark.parity
@pytest.mark.parametrize("name", BUGS)
def test_planted_in_transformers(name, monkeypatch):
    pytest.importorskip("transformers")
    bug = BUGS[name]
    ours = MAKE[bug.family]()
    theirs = tiny_llamas.their_llama() if bug.family == "llama" else tiny_gpt2s.their_model("gpt2")
    expected = traced(ours, text_for(bug.family))
    assert tinyhf.compare(expected, theirs)
    bug.theirs(theirs, monkeypatch)
    found = tinyhf.compare(expected, theirs)
    assert not found
    assert found.first.name == first_of(bug, 1)
    assert re.search(bug.hint, found.hint or ""), found.hint
