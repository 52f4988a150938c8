"""A real trained Llama gives the greedy ids that its author published."""

import numpy
import pytest

from tests.tiny_llamas import assert_close
from tinyhf import AutoModelForCausalLM


@pytest.fixture(scope="module")
def model(stories260k):
    return AutoModelForCausalLM.from_pretrained(stories260k[0])


@pytest.fixture
def expected(stories260k):
    return stories260k[1]


def test_logits(model, expected):
    logits = model(numpy.array([expected["prompt_ids"]])).logits[0]
    assert logits.argmax(-1).tolist() == expected["prompt_logits_argmax_per_pos"]
    assert_close(logits[-1], numpy.array(expected["prompt_logits_last_row"]))


def test_without_a_cache(model, expected):
    """All 200 places at once: each one's best token is the next of the published text."""
    ids = expected["greedy_ids"]
    best = model(numpy.array([ids])).logits[0].argmax(-1)
    first = len(expected["prompt_ids"])
    assert best[first - 1 : -1].tolist() == ids[first:]


def test_loop_with_a_cache(model, expected):
    """The plainest loop: the best token goes in, the next comes out."""
    text, cache, new = list(expected["prompt_ids"]), None, expected["prompt_ids"]
    while len(text) < expected["greedy_ids_total"]:
        output = model(numpy.array([new]), past_key_values=cache)
        cache, new = output.past_key_values, [int(output.logits[0, -1].argmax())]
        text += new
    assert text == expected["greedy_ids"]


def test_generate(model, expected):
    prompt = expected["prompt_ids"]
    new = expected["greedy_ids_total"] - len(prompt)
    ids = model.generate(numpy.array([prompt]), do_sample=False, max_new_tokens=new)
    assert ids[0].tolist() == expected["greedy_ids"]


def test_generate_from_the_beginning(model, expected):
    ids = expected["bos_only_greedy_ids"]
    ours = model.generate(numpy.array([[1]]), do_sample=False, max_new_tokens=len(ids) - 1)
    assert ours[0].tolist() == ids


def test_beams(model, expected):
    ids, prompt = expected["beam4_40new_ids"], expected["prompt_ids"]
    ours = model.generate(numpy.array([prompt]), num_beams=4, max_new_tokens=len(ids) - len(prompt))
    assert ours[0].tolist() == ids
