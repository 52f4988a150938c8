"""Classifier-free guidance: the formula, its own text and cache, and what contradicts it."""

import numpy as np
import pytest

from tinyhf.errors import ArgumentError
from tinyhf.functional import log_softmax
from tinyhf.generation import UnbatchedClassifierFreeGuidanceLogitsProcessor
from tinyhf.models import LlamaConfig, LlamaForCausalLM


@pytest.fixture(scope="module")
def llama():
    config = LlamaConfig(
        vocab_size=31,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
        initializer_range=0.3,
        eos_token_id=None,
    )
    return LlamaForCausalLM(config).init_weights(seed=0)


def by_hand(model, ids, negative, scale, steps):
    """Greedy, both texts read anew at every step."""
    for _ in range(steps):
        given, without = (log_softmax(model(text).logits[:, -1]) for text in (ids, negative))
        token = (without + scale * (given - without)).argmax(axis=-1)[:, None]
        ids, negative = (np.append(text, token, axis=1) for text in (ids, negative))
    return ids


@pytest.mark.parametrize("use_cache", [True, False])
@pytest.mark.parametrize("scale", [0.5, 1.5, 4])
def test_the_formula(llama, scale, use_cache):
    ids = np.array([[3, 1, 4, 1], [5, 9, 2, 6]])
    negative = np.array([[2, 7], [1, 8]])
    settings = {"guidance_scale": scale, "use_cache": use_cache, "max_new_tokens": 12}
    sequences = llama.generate(ids, negative_prompt_ids=negative, **settings)
    np.testing.assert_array_equal(sequences, by_hand(llama, ids, negative, scale, 12))
    assert (sequences != llama.generate(ids, max_new_tokens=12)).any()
    without_prompt = llama.generate(ids, **settings)
    np.testing.assert_array_equal(without_prompt, by_hand(llama, ids, ids[:, -1:], scale, 12))


def test_each_answer_has_its_negative_prompt(llama):
    ids, negative = np.array([[3, 1], [5, 9]]), np.array([[2, 7, 3], [1, 8, 3]])
    settings = {"guidance_scale": 2, "max_new_tokens": 6, "do_sample": True, "top_k": 1, "seed": 0}
    one = llama.generate(ids, negative_prompt_ids=negative, **settings)
    three = llama.generate(ids, negative_prompt_ids=negative, num_return_sequences=3, **settings)
    np.testing.assert_array_equal(three, one.repeat(3, axis=0))


def test_it_is_the_first_processor(llama):
    """So a ban holds whatever the guidance says; and a scale of 1 leaves the scores as they are."""
    settings = {"max_new_tokens": 3, "return_dict_in_generate": True, "output_scores": True}
    banned = {"suppress_tokens": list(range(20))}
    output = llama.generate([[1, 2]], guidance_scale=3, **settings, **banned)
    assert np.isneginf(output.scores[0][0, :20]).all()
    plain, same = (llama.generate([[1, 2]], guidance_scale=s, **settings) for s in (None, 1))
    np.testing.assert_array_equal(plain.scores[0], same.scores[0])


def test_the_processor_with_a_scale_of_one(llama):
    processor = UnbatchedClassifierFreeGuidanceLogitsProcessor(1, llama)
    scores = np.arange(31, dtype=np.float32)[None]
    np.testing.assert_array_equal(processor(np.array([[1]]), scores), log_softmax(scores))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"negative_prompt_ids": [[1]]}, "guidance_scale: is missing .*wanted a number"),
        ({"guidance_scale": "x"}, "guidance_scale: not allowed .*wanted a number, got 'x'"),
        ({"guidance_scale": np.nan}, "guidance_scale: not allowed .*got nan"),
        ({"guidance_scale": 2, "num_beams": 2}, "num_beams: .*needs one beam .*got 2"),
        (
            {"guidance_scale": 2, "negative_prompt_ids": [[31]]},
            "negative_prompt_ids: is outside the vocabulary .*0 to 30, got 31",
        ),
        (
            {"guidance_scale": 2, "negative_prompt_ids": [[1], [2]]},
            "negative_prompt_ids: has not a row for each prompt .*wanted 1, got 2",
        ),
        (
            {"guidance_scale": 2, "negative_prompt_ids": [[1], [2, 3]]},
            "negative_prompt_ids: rows differ in length",
        ),
        (
            {"guidance_scale": 2, "negative_prompt_attention_mask": [[1]]},
            "negative_prompt_ids: is missing, its mask is not",
        ),
        (
            {
                "guidance_scale": 2,
                "negative_prompt_ids": [[1]],
                "negative_prompt_attention_mask": [[1, 1]],
            },
            r"negative_prompt_attention_mask: has another shape .*\(1, 1\), got \(1, 2\)",
        ),
    ],
    ids=str,
)
def test_arguments_that_contradict(llama, arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        llama.generate([[1, 2]], max_new_tokens=2, **arguments)
