"""Beam search finds the texts of transformers, token for token: live, for every generating family.

    pytest -m parity tests/generation/test_beam_search_parity.py -s     # -s shows the counts

Every setting is run with one prompt and with three padded ones. The end tokens are such as these
models write, so that beams end at different lengths. Texts can only differ where two beams are as
close as float32 rounding; the scores of both are then in the message.
"""

from collections import Counter

import numpy as np
import pytest

import tinyhf
from tests.tiny_encoder_decoders import inputs as encoder_decoder_inputs
from tests.tiny_encoder_decoders import our_model, their_model
from tests.tiny_llamas import inputs as decoder_inputs

pytestmark = pytest.mark.parity

VOCABULARY = 48
SIZES = {
    "vocab_size": VOCABULARY,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.4,
    "bos_token_id": 1,
    "eos_token_id": None,
    "pad_token_id": 0,
}
GPT2_SIZES = {"n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 64}
DECODERS = {
    "Llama": SIZES,
    "Mistral": {**SIZES, "sliding_window": 12},
    "Qwen2": SIZES,
    "GPT2": {**SIZES, **GPT2_SIZES},
    "GPTBigCode": {**SIZES, **GPT2_SIZES},
}
ENCODER_DECODERS = ("t5", "bart", "marian")

SETTINGS = [
    {},
    {"num_beams": 4},
    {"num_beams": 2, "length_penalty": 0.0},
    {"num_beams": 5, "length_penalty": 2.0, "num_return_sequences": 5},
    {"length_penalty": -0.5, "num_return_sequences": 2},
    {"early_stopping": True},
    {"num_beams": 4, "early_stopping": True, "length_penalty": 2.0},
    {"early_stopping": "never", "num_return_sequences": 3},
    {"early_stopping": "never", "length_penalty": -1.0},
    {"early_stopping": "never", "length_penalty": 1.5, "num_beams": 2},
    {"eos_token_id": None, "num_return_sequences": 2},
    {"several_ends": True, "num_beams": 2, "num_return_sequences": 2},
    {"several_ends": True, "early_stopping": True},
    {"use_cache": False},
    {"min_new_tokens": 4, "repetition_penalty": 1.3},
    {"no_repeat_ngram_size": 2, "min_length": 14},
    {"bad_words_ids": [[5], [7, 8]], "forced_bos_token_id": 9, "num_beams": 4},
    {"forced_eos_token_id": 11, "renormalize_logits": True},
    {"encoder_repetition_penalty": 1.4, "encoder_no_repeat_ngram_size": 2, "num_beams": 2},
    {"exponential_decay_length_penalty": (2, 1.2), "suppress_tokens": [6, 10]},
    {"do_sample": True},
    {"do_sample": True, "num_beams": 2, "num_return_sequences": 2, "temperature": 1.4},
    {"do_sample": True, "top_k": 12, "top_p": 0.9, "early_stopping": True},
    {"do_sample": True, "several_ends": True, "top_p": 0.8, "repetition_penalty": 1.2},
    {"do_sample": True, "min_p": 0.05, "length_penalty": 0.0, "use_cache": False},
    {"do_sample": True, "typical_p": 0.9, "epsilon_cutoff": 0.01, "eta_cutoff": 0.01},
]


@pytest.fixture(scope="module", params=[*DECODERS, *ENCODER_DECODERS])
def family(request):
    return request.param


@pytest.fixture(scope="module")
def models(family, tmp_path_factory):
    """The same weights in our model and in transformers'."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.set_num_threads(1)
    if family in ENCODER_DECODERS:
        layers = {"num_decoder_layers": 2} if family == "t5" else {"encoder_layers": 2}
        return our_model(family, **layers), their_model(family, **layers)
    torch.manual_seed(4)
    config = getattr(transformers, f"{family}Config")(**DECODERS[family])
    theirs = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    folder = tmp_path_factory.mktemp(family)
    theirs.eval().save_pretrained(folder)
    return tinyhf.AutoModelForCausalLM.from_pretrained(folder), theirs


def prompts(family, rows):
    inputs = decoder_inputs(rows, 9, VOCABULARY)
    if family in ENCODER_DECODERS:
        inputs = encoder_decoder_inputs(family, rows)
    return {name: inputs[name] for name in ("input_ids", "attention_mask")}


def tokens_it_writes(ours, inputs):
    """Ids in the middle of what the model writes with no end."""
    texts = ours.generate(**inputs, num_beams=3, max_new_tokens=9, eos_token_id=None, seed=0)
    return texts[:, [-7, -4, -2]].T.ravel().tolist()


def both(models, inputs, seed=3, **settings):
    """What generate() gives, ours and theirs."""
    import torch

    ours, theirs = models
    torch.manual_seed(seed)
    wanted = theirs.generate(**{k: torch.tensor(v) for k, v in inputs.items()}, **settings)
    if settings.get("do_sample"):
        settings["seed"] = seed
    return ours.generate(**inputs, **settings), wanted


def test_texts_and_scores(models, family, capsys):
    count, different = Counter(), []
    for rows in (1, 3):
        inputs = prompts(family, rows)
        ends = tokens_it_writes(models[0], inputs)
        for settings in SETTINGS:
            settings = {"eos_token_id": ends[0], "pad_token_id": 0, "num_beams": 3, **settings}
            if settings.pop("several_ends", False):
                settings["eos_token_id"] = sorted(set(ends))
            output, wanted = both(
                models,
                inputs,
                max_new_tokens=10,
                **settings,
                return_dict_in_generate=True,
                output_scores=True,
            )
            same = (
                np.array_equal(output.sequences, wanted.sequences)
                and np.array_equal(output.beam_indices, wanted.beam_indices)
                and np.allclose(output.sequences_scores, wanted.sequences_scores, atol=1e-4)
            )
            if not same:
                scores = output.sequences_scores, wanted.sequences_scores
                different.append((rows, settings, output.sequences, wanted.sequences, *scores))
            count["runs"] += 1
            # texts shorter than the loop: an end token inside
            count["with an end inside"] += bool((output.beam_indices[:, -1] < 0).any()) or (
                len(output.scores) < 10
            )
    with capsys.disabled():
        print(f"\n{family}: {dict(count)}, different: {len(different)}")
    assert not different
    assert count["with an end inside"] >= count["runs"] / 4


def assert_equal_parts(ours, theirs):
    """Arrays, or tuples of such, of equal shapes and numbers."""
    if isinstance(ours, tuple):
        for one, other in zip(ours, theirs, strict=True):
            assert_equal_parts(one, other)
    else:
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-4)


def test_every_field_of_the_output(models, family):
    names = ("scores", "logits", "attentions", "hidden_states")
    asked = {f"output_{name}": True for name in names} | {"return_dict_in_generate": True}
    inputs = {"input_ids": prompts(family, 2)["input_ids"][:, :6]}  # no padding: its rows are free
    ends = tokens_it_writes(models[0], inputs)
    output, wanted = both(
        models,
        inputs,
        num_beams=3,
        num_return_sequences=2,
        max_new_tokens=6,
        eos_token_id=ends[0],
        **asked,
    )
    assert type(output).__name__ == type(wanted).__name__
    assert output.keys() == list(wanted.keys())
    for name in set(output.keys()) - {"past_key_values"}:
        assert_equal_parts(output[name], wanted[name])
    # Where all beams end at once their order is a tie, so that the rows of the cache are free.
    lengths = [cache.get_seq_length() for cache in (output.past_key_values, wanted.past_key_values)]
    assert lengths[0] == lengths[1]


@pytest.mark.parametrize("normalize_logits", [False, True])
@pytest.mark.parametrize("settings", [{}, {"num_beams": 3, "num_return_sequences": 3}], ids=str)
def test_transition_scores(models, family, settings, normalize_logits):
    inputs = prompts(family, 2)
    asked = {"return_dict_in_generate": True, "output_scores": True, "max_new_tokens": 8}
    settings = {**asked, **settings, "eos_token_id": tokens_it_writes(models[0], inputs)[:2]}
    outputs = both(models, inputs, pad_token_id=0, **settings)
    scores = [
        model.compute_transition_scores(
            output.sequences, output.scores, output.get("beam_indices"), normalize_logits
        )
        for model, output in zip(models, outputs, strict=True)
    ]
    assert_equal_parts(*scores)


def test_the_caller_s_own(models, family):
    """Processors, criteria and allowed tokens; the caller's functions see the same rows."""
    seen = []

    def allowed(batch_id, ids):
        seen.append((int(batch_id), np.asarray(ids).tolist()))
        return [(int(ids[-1]) * 7 + step) % 40 for step in range(batch_id + 6)]

    def less_of_the_last(input_ids, scores):
        scores = scores + 0.0
        scores[:, 20:] -= 1.5
        return scores

    def at_a_multiple_of_five(input_ids, scores):
        return input_ids[:, -1] % 5 == 0

    texts, wanted = both(
        models,
        prompts(family, 3),
        num_beams=3,
        max_new_tokens=8,
        prefix_allowed_tokens_fn=allowed,
        logits_processor=[less_of_the_last],
        stopping_criteria=[at_a_multiple_of_five],
    )
    np.testing.assert_array_equal(texts, wanted)
    half = len(seen) // 2
    assert seen[:half] == seen[half:]
