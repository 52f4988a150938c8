"""T5, BART and Marian write the tokens of transformers: live, greedy and with the same seed."""

import numpy as np
import pytest

from tests.tiny_encoder_decoders import VARIANTS, inputs, our_model, their_model

pytestmark = pytest.mark.parity
SETTINGS = [
    {},
    {"eos_token_id": None},
    {"use_cache": False},
    {"repetition_penalty": 1.3, "no_repeat_ngram_size": 2},
    {"encoder_repetition_penalty": 1.5, "encoder_no_repeat_ngram_size": 2},
    {"bad_words_ids": [[5], [7, 8]], "forced_bos_token_id": 9},
    {"max_new_tokens": None},
    {"do_sample": True},
    {"do_sample": True, "num_return_sequences": 3, "top_k": 12},
    {"do_sample": True, "top_p": 0.8, "temperature": 1.5, "encoder_repetition_penalty": 1.2},
]


@pytest.fixture(scope="module", params=VARIANTS)
def models(request):
    torch = pytest.importorskip("torch")
    pytest.importorskip("transformers")
    torch.set_num_threads(1)
    # transformers 5.23 sizes the decoder's cache by the encoder's layers: make both as deep
    layers = {"num_decoder_layers": 2} if "t5" in request.param else {"encoder_layers": 2}
    ours, theirs = our_model(request.param, **layers), their_model(request.param, **layers)
    return ours, theirs, request.param


def both(models, batch, seed=3, **settings):
    """What generate() gives, ours and theirs."""
    import torch

    ours, theirs, _ = models
    torch.manual_seed(seed)
    wanted = theirs.generate(**{k: torch.tensor(v) for k, v in batch.items()}, **settings)
    if settings.get("do_sample"):
        settings["seed"] = seed
    return ours.generate(**batch, **settings), wanted


def source(variant, rows=3):
    batch = inputs(variant, rows)
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_tokens(models, settings, rows):
    batch = source(models[2], rows)
    chosen, wanted = both(models, batch, **{"max_new_tokens": 18, **settings})
    np.testing.assert_array_equal(chosen, wanted.numpy())


def test_without_a_mask_padding_is_read(models):
    chosen, wanted = both(models, {"input_ids": source(models[2])["input_ids"]}, max_new_tokens=12)
    np.testing.assert_array_equal(chosen, wanted.numpy())


@pytest.mark.parametrize("starts", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_the_caller_s_own_start(models, starts, masked):
    batch = {**source(models[2]), "decoder_input_ids": np.array([[6, 7], [8, 9], [10, 11]])}
    if starts:
        batch["decoder_input_ids"][:, 0] = models[0].config.decoder_start_token_id
    if masked:
        batch["decoder_attention_mask"] = np.array([[1, 1], [0, 1], [1, 1]])
    chosen, wanted = both(models, batch, repetition_penalty=1.2, max_new_tokens=8)
    np.testing.assert_array_equal(chosen, wanted.numpy())


def test_every_field_of_the_output(models):
    names = ("scores", "logits", "attentions", "hidden_states")
    asked = {f"output_{name}": True for name in names}
    asked |= {"do_sample": True, "num_return_sequences": 2, "return_dict_in_generate": True}
    output, wanted = both(models, source(models[2]), max_new_tokens=5, **asked)
    assert output.keys() == list(wanted.keys())
    np.testing.assert_array_equal(output.sequences, wanted.sequences.numpy())
    assert output.past_key_values.get_seq_length() == wanted.past_key_values.get_seq_length()
    for name in set(output.keys()) - {"sequences", "past_key_values"}:
        for ours, theirs in zip(output[name], wanted[name], strict=True):
            steps = (ours, theirs) if isinstance(ours, tuple) else ((ours,), (theirs,))
            for one, other in zip(*steps, strict=True):
                np.testing.assert_allclose(one, other.numpy(), rtol=1e-4, atol=5e-5)
