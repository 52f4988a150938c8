"""The same seed gives the tokens of transformers: live, on a tiny Llama with random weights.

Every setting is run with prompts of one row and of three rows padded on the left. A token can only
differ where two of torch's exponential draws are as close as float32 rounding (1 in a million).
"""

import numpy as np
import pytest

from tinyhf.backend.random import set_seed
from tinyhf.configuration.generation import GenerationConfig
from tinyhf.models import LlamaForCausalLM

pytestmark = pytest.mark.parity

SAMPLING = [
    {},
    {"temperature": 0.7},
    {"temperature": 1.5, "top_k": 0},
    {"top_k": 1},
    {"top_k": 5},
    {"top_k": None},
    {"top_p": 0.9},
    {"top_p": 0.3, "top_k": 0},
    {"min_p": 0.1},
    {"min_p": 0.05, "top_k": 0, "temperature": 2.0},
    {"typical_p": 0.8},
    {"typical_p": 0.2, "top_k": 0},
    {"repetition_penalty": 1.3},
    {"repetition_penalty": 0.8, "top_k": 10},
    {"no_repeat_ngram_size": 2, "top_k": 3},
    {"no_repeat_ngram_size": 1},
    {"min_new_tokens": 12},
    {"min_length": 20},
    {"num_return_sequences": 3},
    {"num_return_sequences": 2, "repetition_penalty": 1.2, "top_p": 0.95},
    {"temperature": 0.7, "top_p": 0.95, "top_k": 40, "repetition_penalty": 1.1},
    {"max_length": 15},
    {"max_new_tokens": None},
    {"use_cache": False},
    {"eos_token_id": [2, 5, 8, 13, 21]},
    {"pad_token_id": 0, "eos_token_id": list(range(2, 40))},
    {"top_h": 0.4},
    {"top_h": 0.7, "top_k": 0, "temperature": 1.5},
    {"epsilon_cutoff": 0.02, "top_k": 0},
    {"eta_cutoff": 0.1, "top_k": 0},
    {"encoder_repetition_penalty": 1.5, "num_return_sequences": 2},
    {"renormalize_logits": True, "top_k": 7, "top_p": 0.9},
    {"suppress_tokens": list(range(100)), "begin_suppress_tokens": list(range(90, 200))},
    {"exponential_decay_length_penalty": (3, 1.3)},
]
BIAS = [[[token_id], 4.0 - token_id / 30] for token_id in range(40, 211)]
GREEDY = [
    {},
    {"repetition_penalty": 1.3},
    {"no_repeat_ngram_size": 2},
    {"min_new_tokens": 12},
    {"use_cache": False},
    {"eos_token_id": [2, 5, 8, 13, 21]},
    {"sequence_bias": [*BIAS, [[50, 41], -9.0]]},
    {"bad_words_ids": [[token_id] for token_id in range(120)]},
    {"forced_eos_token_id": 2, "forced_bos_token_id": 7},
    {"encoder_repetition_penalty": 1.5},
    {"encoder_no_repeat_ngram_size": 2, "encoder_repetition_penalty": 2.0},
    {"remove_invalid_values": True, "no_repeat_ngram_size": 1},
    {"exponential_decay_length_penalty": (3, 1.2)},
    {"suppress_tokens": list(range(3, 150)), "renormalize_logits": True},
    {"begin_suppress_tokens": list(range(200))},
]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The same checkpoint, read by us and by transformers."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=211,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        initializer_range=0.25,
    )
    theirs = transformers.LlamaForCausalLM(config).eval()
    folder = tmp_path_factory.mktemp("llama")
    theirs.save_pretrained(folder)
    return LlamaForCausalLM.from_pretrained(folder), theirs


def prompt(rows):
    ids = np.random.default_rng(rows).integers(40, 211, (rows, 9))
    mask = np.ones_like(ids)
    for row in range(1, rows):
        mask[row, : 2 * row] = 0
        ids[row, : 2 * row] = 0
    return {"input_ids": ids, "attention_mask": mask}


def both(models, inputs, seed=0, **settings):
    """What generate() gives, ours and theirs."""
    import torch

    ours, theirs = models
    torch.manual_seed(seed)
    wanted = theirs.generate(**{k: torch.tensor(v) for k, v in inputs.items()}, **settings)
    if settings.get("do_sample"):
        settings["seed"] = seed
    return ours.generate(**inputs, **settings), wanted


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("settings", SAMPLING, ids=str)
def test_sampled_tokens(models, settings, rows):
    settings = {"do_sample": True, "max_new_tokens": 24, **settings}
    if "max_length" in settings:
        del settings["max_new_tokens"]
    for seed in (1, 2):
        drawn, wanted = both(models, prompt(rows), seed, **settings)
        np.testing.assert_array_equal(drawn, wanted.numpy())


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("settings", GREEDY, ids=str)
def test_greedy_tokens(models, settings, rows):
    chosen, wanted = both(models, prompt(rows), max_new_tokens=40, **settings)
    np.testing.assert_array_equal(chosen, wanted.numpy())


def test_two_calls_on_the_default_stream(models):
    import torch

    ours, theirs = models
    settings = {"do_sample": True, "max_new_tokens": 10}
    set_seed(77)
    torch.manual_seed(77)
    for _ in range(2):
        wanted = theirs.generate(torch.tensor(prompt(1)["input_ids"]), **settings)
        np.testing.assert_array_equal(
            ours.generate(prompt(1)["input_ids"], **settings), wanted.numpy()
        )


def test_padding_is_seen_in_the_ids(models):
    inputs = {"input_ids": prompt(3)["input_ids"]}
    chosen, wanted = both(models, inputs, pad_token_id=0, max_new_tokens=12)
    np.testing.assert_array_equal(chosen, wanted.numpy())


def test_no_prompt_begins_with_bos(models):
    chosen, wanted = both(models, {}, max_new_tokens=12)
    np.testing.assert_array_equal(chosen, wanted.numpy())


def test_a_config_and_keywords(models):
    import torch
    import transformers

    ours, theirs = models
    settings = {"do_sample": True, "top_k": 7, "max_new_tokens": 15}
    torch.manual_seed(3)
    wanted = theirs.generate(
        torch.tensor(prompt(1)["input_ids"]), transformers.GenerationConfig(**settings), top_k=3
    )
    chosen = ours.generate(prompt(1)["input_ids"], GenerationConfig(**settings), top_k=3, seed=3)
    np.testing.assert_array_equal(chosen, wanted.numpy())


def test_prefix_allowed_tokens(models):
    def allowed(batch_id, ids):
        return [(int(ids[-1]) * 7 + step) % 211 for step in range(batch_id + 2)]

    chosen, wanted = both(
        models, prompt(3), do_sample=True, prefix_allowed_tokens_fn=allowed, max_new_tokens=12
    )
    np.testing.assert_array_equal(chosen, wanted.numpy())


def test_the_cache_of_one_answer_serves_the_next(models):
    ours, _ = models
    first = ours.generate(**prompt(1), max_new_tokens=5, return_dict_in_generate=True)
    cache = first.past_key_values
    again = ours.generate(first.sequences, past_key_values=cache, max_new_tokens=5)
    whole = ours.generate(**prompt(1), max_new_tokens=10)
    np.testing.assert_array_equal(again, whole)


@pytest.mark.parametrize("rows", [1, 3])
def test_every_field_of_the_output(models, rows):
    models[1].set_attn_implementation("eager")  # the other ways keep no attentions
    output, wanted = both(
        models,
        prompt(rows),
        do_sample=True,
        top_k=20,
        max_new_tokens=6,
        return_dict_in_generate=True,
        output_scores=True,
        output_logits=True,
        output_attentions=True,
        output_hidden_states=True,
    )
    assert output.keys() == list(wanted.keys())
    np.testing.assert_array_equal(output.sequences, wanted.sequences.numpy())
    for name in ("scores", "logits"):
        for ours, theirs in zip(output[name], wanted[name], strict=True):
            np.testing.assert_allclose(ours, theirs.numpy(), atol=2e-5)
    for name in ("attentions", "hidden_states"):
        for our_step, their_step in zip(output[name], wanted[name], strict=True):
            for ours, theirs in zip(our_step, their_step, strict=True):
                real = prompt(rows)["attention_mask"][:, -ours.shape[-2] :].astype(bool)
                real = real if ours.shape[-2] > 1 else np.ones((rows, 1), bool)
                ours, theirs = (np.moveaxis(np.asarray(x), -2, 1)[real] for x in (ours, theirs))
                np.testing.assert_allclose(ours, theirs, atol=5e-5)
    assert output.past_key_values.get_seq_length() == wanted.past_key_values.get_seq_length()
