"""generate() on stand-in models: who decides, what comes back, what is refused."""

import logging
import warnings

import numpy as np
import pytest

from tinyhf.backend.random import TorchGenerator, set_seed
from tinyhf.configuration.generation import GenerationConfig
from tinyhf.errors import ArgumentError, NumericsError, note_once
from tinyhf.generation import (
    EosTokenCriteria,
    GenerateDecoderOnlyOutput,
    LogitsProcessor,
    MaxLengthCriteria,
    MinLengthLogitsProcessor,
    StoppingCriteria,
)


@pytest.fixture
def notes(caplog):
    note_once.cache_clear()
    caplog.set_level(logging.WARNING, "tinyhf")
    return caplog


class Recorder:
    """A streamer that keeps what it is given."""

    def __init__(self):
        self.values = []

    def put(self, value):
        self.values.append(value.tolist())

    def end(self):
        self.values.append("end")


# ---- greedy --------------------------------------------------------------------------------------


def test_greedy_takes_the_best_token_each_time(counting_model):
    sequences = counting_model().generate([[3], [8]], max_new_tokens=4)
    assert sequences.tolist() == [[3, 4, 5, 6, 7], [8, 9, 0, 1, 2]]
    assert sequences.dtype == np.int64


def test_prefill_is_the_prompt_and_decode_one_token(counting_model):
    model = counting_model()
    model.generate([[1, 2, 3]], max_new_tokens=3)
    assert [call.input_ids.tolist() for call in model.calls] == [[[1, 2, 3]], [[4]], [[5]]]


def test_without_cache_every_call_sees_all_tokens(counting_model):
    model = counting_model()
    sequences = model.generate([[1, 2]], max_new_tokens=2, use_cache=False)
    assert [call.input_ids.tolist() for call in model.calls] == [[[1, 2]], [[1, 2, 3]]]
    assert sequences.tolist() == [[1, 2, 3, 4]]


def test_finished_rows_are_filled_until_all_are_finished(counting_model):
    settings = {"max_new_tokens": 9, "eos_token_id": [5, 1]}
    sequences = counting_model().generate([[3], [8]], **settings)
    padded = counting_model().generate([[3], [8]], **settings, pad_token_id=7)
    assert padded.tolist() == [[3, 4, 5, 7], [8, 9, 0, 1]]
    assert sequences.tolist() == [[3, 4, 5, 5], [8, 9, 0, 1]]  # the first end fills, by default


# ---- whose settings count ------------------------------------------------------------------------


def test_keywords_win_over_the_config_given_over_the_models_own(counting_model):
    model = counting_model(max_new_tokens=1)
    config = GenerationConfig(max_new_tokens=2)
    assert model.generate([[0]]).shape == (1, 2)
    assert model.generate([[0]], config).shape == (1, 3)
    assert model.generate([[0]], config, max_new_tokens=3).shape == (1, 4)
    assert (model.generation_config.max_new_tokens, config.max_new_tokens) == (1, 2)


def test_twenty_new_tokens_by_default_but_no_more_than_fit(counting_model):
    assert counting_model().generate([[0, 1, 2]]).shape == (1, 23)
    assert counting_model().generate([[0] * 60]).shape == (1, 64)


def test_max_length_counts_the_prompt(counting_model, notes):
    assert counting_model().generate([[0, 1]], max_length=5).shape == (1, 5)
    assert counting_model().generate([[0, 1]], max_length=5, max_new_tokens=1).shape == (1, 3)
    assert "max_new_tokens and max_length are both set" in notes.text


def test_a_keyword_that_is_none_switches_a_setting_off(random_model):
    model = random_model(do_sample=True, top_k=1)
    best = model.generate([[0]], max_new_tokens=20, seed=0)
    assert (best == model.generate([[0]], do_sample=False, max_new_tokens=20)).all()
    assert (best != model.generate([[0]], max_new_tokens=20, seed=0, top_k=None)).any()


def test_sampling_settings_without_sampling_are_noted(counting_model, notes):
    counting_model().generate([[0]], max_new_tokens=1, temperature=0.5, top_p=0.9)
    assert "no effect of temperature, top_p" in notes.text


# ---- the prompt ----------------------------------------------------------------------------------


def test_no_prompt_begins_with_bos(counting_model):
    assert counting_model(bos_token_id=4).generate(max_new_tokens=1).tolist() == [[4, 5]]
    with pytest.raises(ArgumentError, match="input_ids: is missing, and there is no bos_token_id"):
        counting_model().generate()


@pytest.mark.parametrize(
    ("input_ids", "sentence"),
    [
        ([[]], r"input_ids: the prompt is empty \(wanted at least one token a row, got \(1, 0\)\)"),
        ([1, 2], r"input_ids: has the wrong shape \(wanted \(batch, seq\), got \(2,\)\)"),
        ([[1, 2], [3]], r"input_ids: rows differ in length. .*padding=True"),
        ([[1.0]], r"input_ids: ids must be whole numbers \(wanted int64, got 'float64'\)"),
        ([[3, 10]], r"input_ids: is outside the vocabulary \(wanted 0 to 9, got 10\)"),
        ([[-1, 3]], r"input_ids: is outside the vocabulary \(wanted 0 to 9, got -1\)"),
    ],
)
def test_prompts_that_are_none(counting_model, input_ids, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        counting_model().generate(input_ids)


def test_inputs_and_input_ids(counting_model):
    assert counting_model().generate(input_ids=[[1]], max_new_tokens=1).tolist() == [[1, 2]]
    with pytest.raises(ArgumentError, match="inputs and input_ids"):
        counting_model().generate([[1]], input_ids=[[1]])


def test_a_prompt_with_all_that_a_tokenizer_returns(counting_model):
    with pytest.raises(ArgumentError, match=r"inputs: .*generate\(\*\*inputs\)"):
        counting_model().generate({"input_ids": [[1]]})


def test_a_config_that_is_none(counting_model):
    with pytest.raises(ArgumentError, match=r"generation_config: .*wanted a tinyhf\.Gen.*'dict'"):
        counting_model().generate([[1]], {"top_k": 1})


def test_a_prompt_that_leaves_no_room(counting_model):
    with pytest.raises(ArgumentError, match=r"max_length: .* has 3 tokens .*more than 3, got 3"):
        counting_model().generate([[1, 2, 3]], max_length=3)
    with pytest.raises(ArgumentError, match=r"max_length: .* has 70 tokens already"):
        counting_model().generate([[1] * 70])


def test_a_text_longer_than_the_model_was_made_for(counting_model, notes):
    counting_model().generate([[1] * 70], max_new_tokens=1)
    assert "grow to 71 tokens, the model was made for 64" in notes.text


# ---- padding -------------------------------------------------------------------------------------


def test_the_mask_grows_by_one_token_a_step(counting_model):
    model = counting_model()
    model.generate([[0, 1], [2, 3]], attention_mask=[[0, 1], [1, 1]], max_new_tokens=2)
    assert [call.attention_mask for call in model.calls] == [
        [[0, 1], [1, 1]],
        [[0, 1, 1], [1, 1, 1]],
    ]


def test_a_mask_without_padding_is_dropped(counting_model):
    model = counting_model()
    model.generate([[0, 1]], attention_mask=np.ones((1, 2), bool), max_new_tokens=2)
    assert [call.attention_mask for call in model.calls] == [None, None]


def test_padding_shows_unless_it_looks_like_the_end(counting_model, notes):
    model = counting_model(pad_token_id=0, eos_token_id=9)
    model.generate([[0, 1], [2, 3]], max_new_tokens=1)
    assert model.calls[0].attention_mask == [[0, 1], [1, 1]]
    assert not notes.text
    model = counting_model(eos_token_id=0)
    model.generate([[0, 1], [2, 3]], max_new_tokens=1)
    assert model.calls[0].attention_mask is None
    assert "A batch without attention_mask" in notes.text


def test_padding_behind_the_text_is_noted(counting_model, notes):
    counting_model().generate([[1, 0]], attention_mask=[[1, 0]], max_new_tokens=1)
    assert 'padding_side="left"' in notes.text


def test_a_mask_of_another_shape(counting_model):
    with pytest.raises(ArgumentError, match=r"attention_mask: .*wanted \(1, 2\), got \(1, 3\)"):
        counting_model().generate([[1, 2]], attention_mask=[[1, 1, 1]])


# ---- sampling ------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_tokens(random_model):
    arguments = {"inputs": [[0], [1]], "do_sample": True, "max_new_tokens": 10}
    model = random_model()
    first = model.generate(**arguments, seed=3)
    assert (first == model.generate(**arguments, seed=3)).all()
    assert (first == model.generate(**arguments, generator=TorchGenerator(3))).all()
    assert (first != model.generate(**arguments, seed=4)).any()


def test_without_a_seed_one_stream_goes_on(random_model):
    def sample():
        return random_model().generate([[0]], do_sample=True, max_new_tokens=10).tolist()

    set_seed(5)
    first, second = sample(), sample()
    set_seed(5)
    assert [first, second] == [sample(), sample()]
    assert first != second


def test_each_prompt_stands_num_return_sequences_times(random_model):
    sequences = random_model().generate(
        [[0], [1]], do_sample=True, num_return_sequences=3, max_new_tokens=5, seed=0
    )
    assert sequences[:, 0].tolist() == [0, 0, 0, 1, 1, 1]
    assert len({tuple(row) for row in sequences.tolist()}) == 6


def test_finished_rows_go_on_drawing(random_model):
    """So the other rows' tokens do not depend on when a row ends."""
    arguments = {"inputs": [[0], [1]], "do_sample": True, "max_new_tokens": 12, "seed": 0}
    free = random_model().generate(**arguments)
    ended = random_model().generate(**arguments, eos_token_id=int(free[0, 2]))
    width = ended.shape[1]
    assert width > 4
    assert (ended[1] == free[1, :width]).all()
    assert (ended[0, 3:] == free[0, 2]).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"seed": 1, "generator": TorchGenerator(1)}, "seed and generator: give one of them"),
        ({"generator": np.random.default_rng(0)}, r"wanted a tinyhf\.TorchGenerator"),
        ({"seed": "x"}, "seed: must be a whole number"),
        ({"temperature": 0.0}, r"temperature: not allowed .*do_sample=False, got 0\.0"),
        ({"top_k": -1}, "top_k: not allowed"),
        ({"logits_processor": MinLengthLogitsProcessor(1, 1)}, "logits_processor: must be a list"),
    ],
)
def test_arguments_of_sampling_that_are_wrong(random_model, arguments, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        random_model().generate([[0]], do_sample=True, **arguments)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_scores_that_cannot_be_drawn_from(random_model, value):
    model = random_model()
    model.table[:, 7] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        with pytest.raises(NumericsError, match=r"generate\(\), row 0, token 2: .* contain NaN"):
            model.generate([[0, 1]], do_sample=True, seed=0, top_k=0)


# ---- processors, criteria, streamers -------------------------------------------------------------


class Ban(LogitsProcessor):
    def __init__(self, token):
        self.token = token

    def __call__(self, input_ids, scores):
        scores = scores.copy()
        scores[:, self.token] = -np.inf
        return scores


def test_a_processor_of_the_user(counting_model):
    sequences = counting_model().generate([[0]], logits_processor=[Ban(2)], max_new_tokens=3)
    assert sequences.tolist() == [[0, 1, 0, 1]]


def test_a_processor_of_a_known_type_takes_its_place(counting_model):
    sequences = counting_model(eos_token_id=1).generate(
        [[0]], min_length=5, logits_processor=[MinLengthLogitsProcessor(1, 1)], max_new_tokens=3
    )
    assert sequences.tolist() == [[0, 1]]


def test_min_new_tokens_wins_over_min_length(counting_model):
    sequences = counting_model(eos_token_id=1).generate([[0]], min_new_tokens=2, min_length=9)
    assert sequences.tolist() == [[0, 0, 0, 1]]
    sequences = counting_model(eos_token_id=1).generate([[0]], min_length=5)
    assert sequences.tolist() == [[0, 0, 0, 0, 0, 1]]


def test_prefix_allowed_tokens_fn(counting_model):
    sequences = counting_model().generate(
        [[0], [5]], prefix_allowed_tokens_fn=lambda batch, ids: [batch, 8], max_new_tokens=2
    )
    assert set(sequences[0, 1:].tolist()) <= {0, 8}
    assert set(sequences[1, 1:].tolist()) <= {1, 8}


def test_a_criterion_of_the_user(counting_model):
    seen = []

    class AtFour(StoppingCriteria):
        def __call__(self, input_ids, scores):
            seen.append(scores)
            return input_ids[:, -1] == 4

    criteria = [AtFour()]
    sequences = counting_model().generate([[0]], stopping_criteria=criteria, max_new_tokens=9)
    assert sequences.tolist() == [[0, 1, 2, 3, 4]]
    assert seen == [None] * 4


def test_a_criterion_of_a_known_type_takes_its_place(counting_model):
    criteria = [MaxLengthCriteria(3), EosTokenCriteria(9)]
    model = counting_model(pad_token_id=7)
    sequences = model.generate([[0], [8]], stopping_criteria=criteria, max_new_tokens=9)
    assert sequences.tolist() == [[0, 1, 2], [8, 9, 7]]
    with pytest.raises(ArgumentError, match="pad_token_id: is missing"):
        counting_model().generate([[0]], stopping_criteria=criteria)


def test_stop_strings_need_a_tokenizer(counting_model, piece_tokenizer):
    tokenizer = piece_tokenizer(*"abcdefghij")
    arguments = {"stop_strings": "cd", "max_new_tokens": 9}
    sequences = counting_model().generate([[0]], **arguments, tokenizer=tokenizer)
    assert sequences.tolist() == [[0, 1, 2, 3]]
    with pytest.raises(ArgumentError, match=r"stop_strings: .*generate\(tokenizer=\.\.\.\)"):
        counting_model().generate([[0]], **arguments)


def test_max_time_still_completes_a_token(counting_model):
    assert counting_model().generate([[0]], max_time=0.0, max_new_tokens=50).shape == (1, 2)


def test_the_streamer_is_given_the_prompt_and_every_token(counting_model):
    streamer = Recorder()
    counting_model().generate([[3, 4]], streamer=streamer, max_new_tokens=2)
    assert streamer.values == [[[3, 4]], [5], [6], "end"]


# ---- what comes back -----------------------------------------------------------------------------


def test_an_output_with_everything(random_model):
    output = random_model().generate(
        [[0], [1]],
        max_new_tokens=3,
        do_sample=True,
        top_k=2,
        seed=0,
        return_dict_in_generate=True,
        output_scores=True,
        output_logits=True,
        output_attentions=True,
        output_hidden_states=True,
    )
    assert isinstance(output, GenerateDecoderOnlyOutput)
    for name in ("scores", "logits", "attentions", "hidden_states"):
        assert len(output[name]) == 3
    assert output.scores[0].shape == output.logits[0].shape == (2, 50)
    assert np.isneginf(output.scores[0]).sum() == 2 * 48
    assert np.isfinite(output.logits[0]).all()
    assert output.attentions[0] == ("attentions",)
    assert output.past_key_values == 3


def test_an_output_with_nothing_extra(counting_model):
    output = counting_model().generate([[0]], max_new_tokens=2, return_dict_in_generate=True)
    assert output.keys() == ["sequences", "past_key_values"]
    assert output.sequences.tolist() == [[0, 1, 2]]


def test_criteria_see_the_scores_that_are_kept(counting_model):
    lengths = []

    class Watch(StoppingCriteria):
        def __call__(self, input_ids, scores):
            lengths.append(len(scores))
            return False

    keep = {"return_dict_in_generate": True, "output_scores": True}
    counting_model().generate([[0]], stopping_criteria=[Watch()], max_new_tokens=3, **keep)
    assert lengths == [1, 2, 3]


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("max_new_token", "max_new_tokens"), ("attn_mask", "attention_mask"), ("seeds", "seed")],
)
def test_an_unknown_argument(counting_model, name, nearest):
    with pytest.raises(ArgumentError, match=f"no argument '{name}'.*Did you mean {nearest}="):
        counting_model().generate([[0]], **{name: 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("penalty_alpha", 0.6),
        ("assistant_tokenizer", object()),
        ("inputs_embeds", np.zeros((1, 1, 4))),
        ("assistant_early_exit", 3),
        ("watermarking_config", {"bias": 2.0}),
    ],
)
def test_what_transformers_has_and_this_version_has_not(counting_model, name, value):
    with pytest.raises(ArgumentError, match=f"{name}.*is not available in this version"):
        counting_model().generate([[0]], **{name: value})


def test_leftovers_without_effect_are_accepted(counting_model):
    leftovers = {
        "synced_gpus": False,
        "num_beams": 1,
        "early_stopping": False,
        "length_penalty": 1.0,
        "cache_implementation": "dynamic",
        "negative_prompt_ids": None,
        "eta_cutoff": 0.0,
        "low_memory": False,
    }
    assert counting_model().generate([[0]], max_new_tokens=1, **leftovers).tolist() == [[0, 1]]


def test_a_model_without_head(counting_model):
    model = counting_model()
    model.can_generate = lambda: False
    with pytest.raises(ArgumentError, match="TableModel has no language-model head"):
        model.generate([[0]])
