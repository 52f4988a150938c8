"""Beam search against brute force, on hand-made models; and with wrong input."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from tests.generation.conftest import TableModel
from tests.tiny_chatglms import our_chatglm
from tests.tiny_chatglms import prompt as chatglm_prompt
from tests.tiny_encoder_decoders import inputs as encoder_decoder_inputs
from tests.tiny_encoder_decoders import our_model
from tests.tiny_llamas import inputs, our_llama
from tinyhf.errors import ArgumentError, NumericsError
from tinyhf.functional import log_softmax
from tinyhf.generation.beam_state import top_k
from tinyhf.nn import CausalLMOutputWithPast, DynamicCache, EncoderDecoderCache

EVERYTHING = {"return_dict_in_generate": True, "output_scores": True}


class TextCache:
    """Remembers the ids themselves: whoever forgets to reorder it continues another text."""

    def __init__(self):
        self.ids = None

    def update(self, new_ids):
        self.ids = new_ids if self.ids is None else np.append(self.ids, new_ids, axis=1)
        return self.ids

    def get_seq_length(self):
        return 0 if self.ids is None else self.ids.shape[1]

    def reorder_cache(self, beam_idx):
        self.ids = self.ids[beam_idx]


class TextModel(TableModel):
    """Its scores for the next token depend, at random, on the whole text; 0 to 2 are its tokens."""

    def __init__(self, seed=0, **settings):
        super().__init__(np.eye(3), **settings)
        self.seed = seed

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None, **kwargs):
        past = past_key_values.get_seq_length() if past_key_values else 0
        return {"input_ids": input_ids[:, past:], "past_key_values": past_key_values, **kwargs}

    def forward(self, input_ids, attention_mask=None, past_key_values=None, use_cache=None, **_):
        self.calls.append(len(input_ids))
        if use_cache:
            past_key_values = past_key_values or TextCache()
            input_ids = past_key_values.update(input_ids)
        logits = np.stack([self.logits_after(text) for text in input_ids])[:, None]
        return CausalLMOutputWithPast(logits=logits, past_key_values=past_key_values)

    __call__ = forward

    def logits_after(self, text):
        rng = np.random.default_rng([self.seed, *text.tolist()])
        return rng.normal(0, 1.5, 3).astype(np.float32)

    def log_probability(self, text, start):
        return sum(
            log_softmax(self.logits_after(np.array(text[:place])))[text[place]]
            for place in range(start, len(text))
        )


def every_text(prompt, new_tokens, end=None):
    """All that can follow the prompt: to the end token, or to so many new tokens."""
    texts = set()
    for new in itertools.product(range(3), repeat=new_tokens):
        length = new.index(end) + 1 if end in new else new_tokens
        texts.add((*prompt, *new[:length]))
    return sorted(texts)


def without_filling(ids, beam_indices, start):
    return tuple(ids[: start + (beam_indices >= 0).sum()].tolist())


# ---- the best texts ------------------------------------------------------------------------------


@pytest.mark.parametrize("use_cache", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_enough_beams_find_the_best_texts_there_are(seed, use_cache):
    model, settings = TextModel(seed), {"num_beams": 27, "num_return_sequences": 5}
    ids = model.generate([[1, 2]], max_new_tokens=4, use_cache=use_cache, **settings)
    texts = every_text((1, 2), new_tokens=4)
    best = sorted(texts, key=lambda text: -model.log_probability(text, start=2))[:5]
    assert [tuple(row) for row in ids.tolist()] == best


@pytest.mark.parametrize("length_penalty", [0, 1.0, 2.5, -0.5])
@pytest.mark.parametrize("seed", range(5))
def test_and_the_best_texts_with_an_end(seed, length_penalty):
    model = TextModel(seed, eos_token_id=2, pad_token_id=1)
    settings = {"num_beams": 27, "num_return_sequences": 6, "early_stopping": "never"}
    output = model.generate(
        [[1, 0]], max_new_tokens=4, length_penalty=length_penalty, **settings, **EVERYTHING
    )

    def score(text):
        return model.log_probability(text, start=2) / (len(text) - 2) ** length_penalty

    best = sorted(every_text((1, 0), new_tokens=4, end=2), key=score, reverse=True)[:6]
    rows = zip(output.sequences, output.beam_indices, strict=True)
    assert [without_filling(*row, start=2) for row in rows] == best
    np.testing.assert_allclose(output.sequences_scores, [*map(score, best)], rtol=1e-5)
    longest = max(map(len, best))
    assert output.sequences.shape == (6, longest)
    filled = [(*text, *[1] * (longest - len(text))) for text in best]
    assert [tuple(row) for row in output.sequences.tolist()] == filled


def test_several_end_tokens_and_their_filling():
    settings = {"num_beams": 3, "num_return_sequences": 3, "max_new_tokens": 6}
    for pad_token_id, filling in ((1, 1), (0, 2)):  # 0 counts as none, as in transformers
        model = TextModel(3, eos_token_id=[2, 0], pad_token_id=pad_token_id)
        output = model.generate([[1]], **settings, **EVERYTHING)
        for ids, beam_indices in zip(output.sequences, output.beam_indices, strict=True):
            text = without_filling(ids, beam_indices, start=1)
            assert {2, 0}.isdisjoint(text[1:-1])
            assert set(ids[len(text) :].tolist()) <= {filling}


def test_early_stopping_is_quicker_and_no_better():
    differences = 0
    for seed in range(20):
        found = {}
        for early_stopping in (True, False, "never"):
            model = TextModel(seed, eos_token_id=2)
            settings = {"early_stopping": early_stopping, "length_penalty": 2.0}
            output = model.generate([[1]], num_beams=2, max_new_tokens=12, **settings, **EVERYTHING)
            found[early_stopping] = output.sequences_scores.item(), len(model.calls)
        scores, calls = zip(*found.values(), strict=True)
        assert list(scores) == sorted(scores)
        assert list(calls) == sorted(calls)
        differences += len(set(calls)) == 3
    assert differences


def test_one_step_by_hand():
    """Beam search passes by the better first token: 0 → 0.6, but 1 leads to a certain text."""
    table = np.log([[0.3, 0.3, 0.4], [0.01, 0.01, 0.98], [0.55, 0.44, 0.01]])
    model = TableModel(table)
    assert model.generate([[2]], max_new_tokens=2).tolist() == [[2, 0, 2]]  # 0.55 * 0.4
    output = model.generate([[2]], max_new_tokens=2, num_beams=2, use_cache=False, **EVERYTHING)
    assert output.sequences.tolist() == [[2, 1, 2]]  # 0.44 * 0.98
    assert output.beam_indices.tolist() == [[0, 1]]
    np.testing.assert_allclose(output.sequences_scores, np.log(0.44 * 0.98) / 2, rtol=1e-5)


def test_stopping_criteria_end_it():
    model = TextModel(1)
    assert model.generate([[1]], num_beams=2, max_time=0, max_new_tokens=9).shape == (1, 2)
    ids = model.generate(
        [[1]],
        num_beams=3,
        max_new_tokens=9,
        stopping_criteria=[lambda ids, scores: ids[:, -1] == 2],
    )
    assert (ids[0, 1:-1] != 2).all()


def test_stop_strings(piece_tokenizer):
    model = TextModel(4)
    ids = model.generate(
        [[1]],
        num_beams=2,
        max_new_tokens=9,
        stop_strings="ca",
        tokenizer=piece_tokenizer("a", "b", "c"),
    )
    assert ids.shape[1] < 10
    assert ids[0, -2:].tolist() == [2, 0]


def test_drawn_beams():
    settings = {"num_beams": 3, "num_return_sequences": 3, "max_new_tokens": 5, "do_sample": True}
    drawn = [TextModel().generate([[1]], seed=seed, **settings) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
    assert len(np.unique(drawn[0], axis=0)) == 3  # drawn without replacement


def test_transition_scores_add_up_to_the_score():
    model = TextModel(2, eos_token_id=2)
    settings = {"num_beams": 3, "num_return_sequences": 3, "length_penalty": 0.5}
    output = model.generate([[1, 0]], max_new_tokens=6, **settings, **EVERYTHING)
    scores = model.compute_transition_scores(output.sequences, output.scores, output.beam_indices)
    lengths = (output.beam_indices >= 0).sum(axis=1)
    assert len(set(lengths)) > 1
    np.testing.assert_allclose(scores.sum(axis=1) / lengths**0.5, output.sequences_scores, 1e-5)


def test_transition_scores_of_greedy_decoding():
    model = TextModel(2)
    output = model.generate([[1, 0]], max_new_tokens=6, **EVERYTHING)
    scores = model.compute_transition_scores(output.sequences, output.scores, normalize_logits=True)
    wanted = model.log_probability(output.sequences[0].tolist(), start=2)
    assert scores.shape == (1, 6)
    assert scores.sum() == pytest.approx(wanted, rel=1e-5)


# ---- real models ---------------------------------------------------------------------------------


def test_a_padded_batch_writes_what_single_prompts_write():
    model, batch = our_llama(), inputs(3, 9)
    settings = {"num_beams": 3, "num_return_sequences": 2, "max_new_tokens": 6}
    settings |= {"repetition_penalty": 1.2, "early_stopping": True}
    ids, mask = batch["input_ids"], batch["attention_mask"]
    together = model.generate(ids, attention_mask=mask, **settings).reshape(3, 2, -1)
    for row, real, answers in zip(ids, mask.astype(bool), together, strict=True):
        alone = model.generate(row[real][None], **settings)
        np.testing.assert_array_equal(alone[:, -6:], answers[:, -6:])


@pytest.mark.parametrize("settings", [{}, {"do_sample": True, "seed": 1}], ids=str)
@pytest.mark.parametrize("family", ["llama", "chatglm", "t5", "bart", "marian"])
def test_the_cache_changes_nothing(family, settings):
    settings = {**settings, "num_beams": 3, "num_return_sequences": 3, "max_new_tokens": 7}
    if family == "chatglm":
        model, ids = our_chatglm(), chatglm_prompt()
    elif family == "llama":
        model, ids = our_llama(), inputs(2, 6)["input_ids"][:1]
    else:
        model, ids = our_model(family), encoder_decoder_inputs(family)["input_ids"]
    with_cache, without = (model.generate(ids, use_cache=c, **settings) for c in (True, False))
    np.testing.assert_array_equal(with_cache, without)


@pytest.mark.parametrize("family", ["llama", "bart"])
def test_on_the_strict_device(family, strict_library):
    batch = inputs(2, 6) if family == "llama" else encoder_decoder_inputs(family, 2)
    batch = {name: batch[name] for name in ("input_ids", "attention_mask")}
    make = our_llama if family == "llama" else lambda: our_model(family)
    settings = {"num_beams": 3, "max_new_tokens": 6}
    ids = make().to("strict").generate(**batch, **settings)
    np.testing.assert_array_equal(ids, make().generate(**batch, **settings))


def test_fields_of_the_output():
    settings = {"num_beams": 2, "max_new_tokens": 3, "return_dict_in_generate": True}
    everything = {f"output_{x}": True for x in ("scores", "logits", "attentions", "hidden_states")}
    output = our_llama().generate([[5, 6]], **settings, **everything)
    assert output.keys() == [
        *("sequences", "sequences_scores", "scores", "logits", "beam_indices"),
        *("attentions", "hidden_states", "past_key_values"),
    ]
    assert output.scores[2].shape == (2, 96)
    output = our_model("bart").generate([[5, 6]], **settings)
    assert output.keys() == ["sequences", "beam_indices", "past_key_values"]


# ---- parts ---------------------------------------------------------------------------------------


def test_top_k():
    scores = np.array([[1.0, 3, 3, 2, 3], [5, 4, np.nan, 2, -np.inf]])
    assert top_k(scores, 3).tolist()[0] == [1, 2, 4]
    assert set(top_k(scores, 2).tolist()[1]) == {2, 0}


def test_the_cache_moves_its_rows():
    numbers = np.arange(4.0).reshape(4, 1, 1, 1) * np.ones((1, 2, 3, 1))
    cache, both = DynamicCache(), EncoderDecoderCache()
    cache.update(numbers, -numbers, 0)
    cache.reorder_cache([2, 2, 0, 3])
    assert cache.layers[0].keys[:, 1, 2, 0].tolist() == [2, 2, 0, 3]
    assert cache.layers[0].values[:, 0, 0, 0].tolist() == [-2, -2, 0, -3]
    both.update(numbers, numbers, 0)
    both.cross_attention_cache.update(numbers, numbers, 0)
    both.reorder_cache([1, 1, 1, 1])
    moved, still = both[0][0], both[0][2]
    assert moved[:, 0, 0, 0].tolist() == [1, 1, 1, 1]
    np.testing.assert_array_equal(still, numbers)


# ---- wrong input ---------------------------------------------------------------------------------

WRONG = [
    ({"num_beams": 0}, r"num_beams: not allowed \(wanted a whole number, 1 or more, got 0\)"),
    ({"num_beams": 2.5}, "num_beams: not allowed"),
    ({"num_beams": -3}, "num_beams: not allowed"),
    ({"num_beams": "4"}, "num_beams: not allowed"),
    ({"num_return_sequences": 3}, r"num_return_sequences: .*at most num_beams=2, got 3.*higher"),
    ({"num_return_sequences": 3, "do_sample": True}, "at most num_beams=2, got 3"),
    ({"num_beams": 1, "num_return_sequences": 3}, "do_sample=True .* or num_beams="),
    ({"length_penalty": "long"}, r"length_penalty: not allowed \(wanted a number, got 'long'"),
    ({"length_penalty": float("nan")}, "length_penalty: not allowed"),
    ({"length_penalty": [1.0]}, "length_penalty: not allowed"),
    ({"early_stopping": "always"}, 'early_stopping: not allowed .*True, False or "never"'),
    ({"early_stopping": 1}, "early_stopping: not allowed"),
    ({"early_stopping": 0.5}, "early_stopping: not allowed"),
    (
        {"streamer": SimpleNamespace(put=print, end=print)},
        "streamer: beam search cannot stream.*num_beams=1",
    ),
    ({"num_beam_groups": 2}, "num_beam_groups: is not available .* num_beams="),
    ({"diversity_penalty": 0.5}, "diversity_penalty: is not available .* do_sample=True"),
    ({"constraints": [object()]}, "constraints: is not available .* prefix_allowed_tokens_fn="),
    ({"force_words_ids": [[1]]}, "force_words_ids: is not available"),
    ({"penalty_alpha": 0.6}, "penalty_alpha: is not available .* repetition_penalty="),
    ({"low_memory": True}, "low_memory: is not available"),
]


@pytest.mark.parametrize(("settings", "sentence"), WRONG, ids=lambda value: str(value)[:40])
def test_wrong_settings(settings, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        TextModel().generate([[1]], **{"num_beams": 2, "max_new_tokens": 2, **settings})


def test_no_stream_of_chatglm():
    with pytest.raises(ArgumentError, match="num_beams: beam search cannot stream"):
        next(our_chatglm().stream_generate(chatglm_prompt(), num_beams=2))


@pytest.mark.parametrize("settings", [{}, {"do_sample": True, "seed": 1}], ids=str)
def test_scores_that_are_not_numbers(settings):
    model = TableModel(np.full((4, 4), np.nan))
    with pytest.raises(NumericsError, match=r"prompt 0, new token 0: .*beams contain NaN"):
        model.generate([[1]], num_beams=2, max_new_tokens=3, use_cache=False, **settings)


def test_wrong_transition_scores():
    model = TextModel()
    output = model.generate([[1]], num_beams=2, max_new_tokens=3, **EVERYTHING)
    with pytest.raises(ArgumentError, match=r"scores: are missing.*output_scores=True"):
        model.compute_transition_scores(output.sequences, None)
    with pytest.raises(ArgumentError, match=r"scores: has other rows .*beam_indices"):
        model.compute_transition_scores(output.sequences, output.scores)
