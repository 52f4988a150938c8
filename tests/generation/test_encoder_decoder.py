"""Generation of T5, BART and Marian without torch: on stored models, and with wrong input."""

import logging

import numpy as np
import pytest

from tests.tiny_encoder_decoders import STORED, VARIANTS, golden, inputs, our_model
from tinyhf.backend import to_device
from tinyhf.errors import ArgumentError

every_stored = pytest.mark.parametrize("variant", STORED)
EVERYTHING = {
    f"output_{name}": True for name in ("scores", "logits", "attentions", "hidden_states")
} | {"return_dict_in_generate": True}


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("tinyhf").setLevel(logging.ERROR)
    yield
    logging.getLogger("tinyhf").setLevel(logging.NOTSET)


def source(variant):
    batch = inputs(variant)
    return {name: batch[name] for name in ("input_ids", "attention_mask")}


@every_stored
def test_greedy_is_the_forward_pass_again_and_again(variant):
    """No cache, no loop of ours: each token is the best one after all before it."""
    model, batch = golden(variant)[0], source(variant)
    ids = model.generate(**batch, max_new_tokens=9, eos_token_id=None, forced_eos_token_id=None)
    wanted = np.full((3, 1), model.config.decoder_start_token_id)
    for _ in range(9):
        logits = model(**batch, decoder_input_ids=wanted).logits[:, -1]
        wanted = np.append(wanted, logits.argmax(-1)[:, None], axis=1)
    np.testing.assert_array_equal(ids, wanted)


@every_stored
def test_a_padded_batch_writes_what_single_texts_write(variant):
    model, batch = golden(variant)[0], source(variant)
    settings = {"max_new_tokens": 9, "eos_token_id": None}
    together = model.generate(**batch, **settings)
    for row, mask, answer in zip(*batch.values(), together, strict=True):
        alone = model.generate(row[mask == 1][None], **settings)
        np.testing.assert_array_equal(alone[0], answer)


@every_stored
def test_the_encoder_runs_once(variant, monkeypatch):
    model, calls = golden(variant)[0], []
    encoder = model.get_encoder()
    forward = type(encoder).forward

    def counted(self, *args, **kwargs):
        if self is encoder:
            calls.append(len(kwargs["input_ids"]))
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(type(encoder), "forward", counted)
    settings = {"do_sample": True, "num_return_sequences": 3, "seed": 1, "max_new_tokens": 4}
    assert len(model.generate(**source(variant), **settings)) == 9
    assert calls == [3]


@every_stored
def test_outputs_of_the_encoder_can_be_given(variant):
    model, batch = golden(variant)[0], source(variant)
    given = model.get_encoder()(**batch, return_dict=True)
    wanted = model.generate(**batch, max_new_tokens=6)
    for outputs in (given, given.to_tuple()):
        ids = model.generate(**batch, encoder_outputs=outputs, max_new_tokens=6)
        np.testing.assert_array_equal(ids, wanted)
    with pytest.raises(ArgumentError, match=r"encoder_outputs.*row for each prompt"):
        model.generate(batch["input_ids"][:2], encoder_outputs=given)


@every_stored
def test_fields_of_the_output(variant):
    model = golden(variant)[0]
    output = model.generate(**source(variant), **EVERYTHING, max_new_tokens=4, eos_token_id=None)
    assert output.keys() == [
        *("sequences", "scores", "logits", "encoder_attentions", "encoder_hidden_states"),
        *("decoder_attentions", "cross_attentions", "decoder_hidden_states", "past_key_values"),
    ]
    assert len(output.cross_attentions) == len(output.decoder_hidden_states) == 4
    assert output.cross_attentions[1][0].shape[-2:] == (1, 17)
    assert output.encoder_hidden_states[0].shape[:2] == (3, 17)
    plain = model.generate(**source(variant), return_dict_in_generate=True, max_new_tokens=2)
    assert plain.keys() == ["sequences", "past_key_values"]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("settings", [{}, {"do_sample": True, "num_return_sequences": 2}])
def test_on_the_strict_device(variant, settings, strict_library):
    host, other = our_model(variant), our_model(variant).to("strict")
    assert other.device == "strict:0"
    settings = {**settings, "seed": 2, "max_new_tokens": 8}
    there = {name: to_device(array, "strict") for name, array in source(variant).items()}
    wanted = host.generate(**source(variant), **settings)
    for batch in (source(variant), there):
        np.testing.assert_array_equal(other.generate(**batch, **settings), wanted)


def test_the_start_token():
    model, ids = our_model("t5"), [[5, 6, 7]]
    settings = {"max_new_tokens": 2, "eos_token_id": None}
    assert model.generate(ids, **settings)[0, 0] == 3
    assert model.generate(ids, decoder_start_token_id=8, **settings)[0, 0] == 8
    assert model.generate(ids, decoder_input_ids=[[9, 10]], **settings)[0, :3].tolist() == [
        3,
        9,
        10,
    ]
    assert model.generate(ids, decoder_input_ids=[[3, 10]], **settings)[0, :2].tolist() == [3, 10]
    model.generation_config.decoder_start_token_id = None
    assert model.generate(ids, bos_token_id=6, **settings)[0, 0] == 6
    with pytest.raises(ArgumentError, match="decoder_start_token_id: is missing"):
        model.generate(ids, **settings)


WRONG = {
    "decoder_input_ids: is outside": {"decoder_input_ids": [[5], [40], [6]]},
    "decoder_input_ids: has not a row": {"decoder_input_ids": [[5]]},
    "decoder_input_ids: has the wrong shape": {"decoder_input_ids": [5, 6, 7]},
    "decoder_attention_mask: has another shape": {"decoder_attention_mask": np.ones((3, 4))},
    "attention_mask: has another shape": {"attention_mask": np.ones((3, 4))},
    "decoder_start_token_id: has not a row": {"decoder_start_token_id": [3, 3]},
    "max_length: the prompt has 2": {"decoder_input_ids": [[5]] * 3, "max_length": 2},
    "num_beam_groups: is not available": {"num_beam_groups": 2},
}


@pytest.mark.parametrize("sentence", WRONG)
def test_wrong_arguments(sentence):
    with pytest.raises(ArgumentError, match=sentence):
        our_model("t5").generate(**{**source("t5"), **WRONG[sentence]})
