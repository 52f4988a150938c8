"""What is typed wrong on purpose: generate() answers with the argument, its value, what is allowed.

One table for all of it; what belongs to assistants and to guidance stands beside their tests.
"""

import warnings

import numpy as np
import pytest

from tinyhf.backend.random import TorchGenerator
from tinyhf.configuration.generation import GenerationConfig
from tinyhf.errors import ArgumentError, NumericsError, note_once

PROMPTS = [
    ([], r"input_ids: has the wrong shape \(wanted \(batch, seq\), got \(0,\)\)"),
    (np.zeros((0, 3), int), r"input_ids: the prompt is empty \(wanted at least .* got \(0, 3\)\)"),
    ([[]], r"input_ids: the prompt is empty"),
    ([1, 2], r"input_ids: has the wrong shape .* got \(2,\)"),
    (5, r"input_ids: has the wrong shape .* got \(\)"),
    ("Once upon", r"input_ids: has the wrong shape"),
    (["Once upon"], r"input_ids: has the wrong shape"),
    ([["Once", "upon"]], r"input_ids: ids must be whole numbers \(wanted int64, got 'str"),
    ([[1.0, 2.0]], r"input_ids: ids must be whole numbers .* 'float64'"),
    ([[True]], r"input_ids: ids must be whole numbers .* 'bool'"),
    ([[None]], r"input_ids: ids must be whole numbers .* 'object'"),
    ([[1, 2], [3]], r"input_ids: rows differ in length"),
    ([[3, 10]], r"input_ids: is outside the vocabulary \(wanted 0 to 9, got 10\)"),
    ([[-1]], r"input_ids: is outside the vocabulary \(wanted 0 to 9, got -1\)"),
    ({"input_ids": [[1]]}, r"inputs: .*generate\(\*\*inputs\)"),
]
MASKS = [
    ([[1, 1, 1]], r"attention_mask: has another shape .*wanted \(1, 2\), got \(1, 3\)"),
    ([1, 1], r"attention_mask: has another shape .*got \(2,\)"),
    ("all", r"attention_mask: has another shape .*got \(\)"),
    ([[1, 1], [1]], r"attention_mask: rows differ in length"),
    ([[1, 2]], r"attention_mask: has other values \(wanted 1 for .* 0 for padding, got 2\)"),
    ([[1, 0.5]], r"attention_mask: has other values .*got 0\.5"),
    ([[1, np.nan]], r"attention_mask: has other values .*got nan"),
]
SETTINGS = [
    # how long
    ({"max_new_tokens": 0}, "max_new_tokens: not allowed .*whole number, 1 or more, got 0"),
    ({"max_new_tokens": -4}, "max_new_tokens: not allowed .*got -4"),
    ({"max_new_tokens": 2.5}, "max_new_tokens: not allowed .*got 2.5"),
    ({"max_new_tokens": "3"}, "max_new_tokens: not allowed .*got '3'"),
    ({"max_length": -1}, "max_length: not allowed .*got -1"),
    ({"max_length": 2, "max_new_tokens": None}, "max_length: .*2 tokens already .*more than 2"),
    ({"min_length": -1}, "min_length: not allowed .*0 or more, got -1"),
    ({"min_new_tokens": -1}, "min_new_tokens: not allowed .*0 or more, got -1"),
    ({"max_time": -1}, "max_time: not allowed .*seconds, 0 or more, got -1"),
    ({"stop_strings": ""}, "stop_strings: not allowed .*none of them empty, got ''"),
    ({"stop_strings": ["a", 3]}, "stop_strings: not allowed"),
    ({"stop_strings": "a"}, r"stop_strings: needs the model's tokenizer.*tokenizer=\.\.\."),
    ({"stop_strings": "a", "tokenizer": "gpt2"}, "stop_strings: needs .*got 'gpt2'"),
    # which token
    ({"temperature": 0.0}, "temperature: not allowed .*above 0; .*do_sample=False, got 0.0"),
    ({"temperature": -1}, "temperature: not allowed"),
    ({"temperature": "hot"}, "temperature: not allowed .*got 'hot'"),
    ({"temperature": np.nan}, "temperature: not allowed .*got nan"),
    ({"top_k": -1}, "top_k: not allowed .*0 or more, got -1"),
    ({"top_k": 1.5}, "top_k: not allowed"),
    ({"top_p": 1.5}, "top_p: not allowed .*from 0 to 1, got 1.5"),
    ({"top_p": -0.1}, "top_p: not allowed"),
    ({"min_p": 2}, "min_p: not allowed"),
    ({"typical_p": 0}, "typical_p: not allowed .*above 0, at most 1, got 0"),
    ({"top_h": 0}, "top_h: not allowed"),
    ({"epsilon_cutoff": 1}, "epsilon_cutoff: not allowed .*below 1, got 1"),
    ({"eta_cutoff": -1}, "eta_cutoff: not allowed"),
    ({"repetition_penalty": 0}, "repetition_penalty: not allowed .*above 0, got 0"),
    ({"repetition_penalty": -1.0}, "repetition_penalty: not allowed .*got -1.0"),
    ({"encoder_repetition_penalty": 0}, "encoder_repetition_penalty: not allowed"),
    ({"no_repeat_ngram_size": -1}, "no_repeat_ngram_size: not allowed"),
    ({"bad_words_ids": [[]]}, "bad_words_ids: not allowed"),
    ({"bad_words_ids": [[10]]}, "bad_words_ids: is outside the vocabulary .*0 to 9, got 10"),
    ({"suppress_tokens": 5}, "suppress_tokens: not allowed .*a list of token ids, got 5"),
    ({"forced_bos_token_id": "x"}, "forced_bos_token_id: not allowed"),
    ({"exponential_decay_length_penalty": (1,)}, "exponential_decay_length_penalty: not allowed"),
    ({"prefix_allowed_tokens_fn": 5}, "prefix_allowed_tokens_fn: must be a function .*got 5"),
    ({"prefix_allowed_tokens_fn": lambda *_: []}, "prefix_allowed_tokens_fn.* allows no token"),
    (
        {"prefix_allowed_tokens_fn": lambda *_: [3, 99]},
        "prefix_allowed_tokens_fn, batch id 0: is outside the vocabulary .*0 to 9, got 99",
    ),
    # ends
    ({"eos_token_id": 10}, "eos_token_id: is outside the vocabulary .*0 to 9, got 10"),
    ({"eos_token_id": [1, -1]}, "eos_token_id: is outside .*got -1.*eos_token_id=None"),
    ({"eos_token_id": []}, "eos_token_id: not allowed"),
    ({"eos_token_id": "</s>"}, "eos_token_id: not allowed .*got '</s>'"),
    ({"pad_token_id": "x"}, "pad_token_id: not allowed .*got 'x'"),
    # draws
    ({"seed": "x"}, "seed: must be a whole number .*got 'x'"),
    ({"seed": 1.5}, "seed: must be a whole number .*got 1.5"),
    ({"seed": 1, "generator": TorchGenerator(1)}, "seed and generator: give one of them"),
    ({"generator": np.random.default_rng(0)}, "generator: "),
    # how many
    ({"num_return_sequences": 0}, "num_return_sequences: not allowed .*1 or more, got 0"),
    ({"num_return_sequences": 2, "do_sample": False}, "num_return_sequences: greedy .*got 2"),
    ({"num_return_sequences": 3, "num_beams": 2}, "num_return_sequences: .*got 3"),
    ({"num_beams": 0}, "num_beams: not allowed .*1 or more, got 0"),
    ({"num_beams": 1.5}, "num_beams: not allowed"),
    ({"early_stopping": 5}, "early_stopping: not allowed"),
    ({"length_penalty": "long"}, "length_penalty: not allowed .*a number, got 'long'"),
    # parts of the caller's own
    ({"past_key_values": ((1, 2),)}, "past_key_values: is no cache .*DynamicCache.*got 'tuple'"),
    ({"generation_config": {"top_k": 1}}, "generation_config: wrong type .*GenerationConfig"),
    ({"logits_processor": 5}, "logits_processor: must be a list"),
    ({"logits_processor": [5]}, "logits_processor: must be a function .*got 5"),
    ({"stopping_criteria": ["stop"]}, "stopping_criteria: must be a function .*got 'stop'"),
    ({"streamer": 5}, r"streamer: is no streamer .*put\(value\) and end\(\), got 'int'"),
    # unknown, or not here
    ({"max_new_token": 5}, "no argument 'max_new_token'.*Did you mean max_new_tokens="),
    ({"shuffle": True}, "no argument 'shuffle'"),
    ({"input_ids": [[1]]}, "inputs and input_ids: are the same thing"),
    ({"inputs_embeds": np.zeros((1, 1, 4))}, "inputs_embeds.*is not available"),
    ({"num_assistant_tokens_schedule": "x"}, "num_assistant_tokens_schedule: not allowed"),
    ({"assistant_confidence_threshold": 2}, "assistant_confidence_threshold: not allowed"),
    ({"max_matching_ngram_size": 0}, "max_matching_ngram_size: not allowed .*1 or more, got 0"),
]


def show(value):
    return str(value)[:60]


@pytest.mark.parametrize(("inputs", "sentence"), PROMPTS, ids=show)
def test_prompts(counting_model, inputs, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        counting_model().generate(inputs)


@pytest.mark.parametrize(("attention_mask", "sentence"), MASKS, ids=show)
def test_masks(counting_model, attention_mask, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        counting_model().generate([[1, 2]], attention_mask=attention_mask, max_new_tokens=2)


@pytest.mark.parametrize(("settings", "sentence"), SETTINGS, ids=show)
def test_settings(counting_model, settings, sentence):
    settings = {"do_sample": True, "max_new_tokens": 2, **settings}
    with pytest.raises(ArgumentError, match=sentence):
        counting_model().generate([[1, 2]], **settings)


def test_an_end_outside_the_vocabulary_in_a_file_is_a_leftover(counting_model):
    model = counting_model(eos_token_id=50256)
    assert model.generate([[1]], max_new_tokens=2).tolist() == [[1, 2, 3]]
    config = GenerationConfig(eos_token_id=50256)
    assert model.generate([[1]], config, max_new_tokens=2).tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("settings", [{}, {"do_sample": True, "seed": 0}], ids=["greedy", "drawn"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_scores_that_say_nothing(counting_model, settings, value):
    """One NaN spoils its row; with -inf everywhere, every token is banned."""
    model = counting_model()
    if np.isnan(value):
        model.table[4, 7] = value
    else:
        model.table[4] = value
    sentence = r"generate\(\), row 1, token 3: .*NaN"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(NumericsError, match=sentence):
            model.generate([[0, 0], [2, 3]], top_k=1, max_new_tokens=4, **settings)


def test_infinite_scores_can_be_made_numbers(counting_model):
    model = counting_model()
    model.table[4, 7] = np.nan
    chosen = model.generate([[3]], max_new_tokens=3, remove_invalid_values=True)
    assert chosen.tolist() == [[3, 4, 5, 6]]


@pytest.mark.parametrize("minimum", [{"min_new_tokens": 5}, {"min_length": 7}], ids=str)
def test_a_minimum_above_the_maximum_is_noted(counting_model, caplog, minimum):
    note_once.cache_clear()
    sequences = counting_model().generate([[1, 2]], max_new_tokens=3, eos_token_id=3, **minimum)
    assert sequences.shape == (1, 5)
    assert 3 not in sequences
    assert f"{next(iter(minimum))}={next(iter(minimum.values()))} has no room" in caplog.text
