"""Assisted generation: the tokens of plain generation, with fewer calls of the model."""

import functools

import numpy as np
import pytest

from tinyhf.backend.random import TorchGenerator
from tinyhf.errors import ArgumentError, NumericsError, note_once
from tinyhf.generation import MinLengthLogitsProcessor, StoppingCriteria
from tinyhf.generation.assisted import speculative_sampling
from tinyhf.generation.candidate_generator import (
    ConfidenceCriteria,
    PromptLookupCandidateGenerator,
)
from tinyhf.models import (
    BartConfig,
    BartForConditionalGeneration,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
)
from tinyhf.nn import DynamicCache, EncoderDecoderCache

MODELS = ["llama", "gpt2", "bart"]


def make(kind, seed=0, vocab_size=61):
    """A tiny model with random weights, large enough that it says different things."""
    common = {"vocab_size": vocab_size, "eos_token_id": None, "initializer_range": 0.3}
    if kind == "gpt2":
        sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 128}
        return GPT2LMHeadModel(GPT2Config(**common, **sizes)).init_weights(seed=seed)
    if kind == "bart":
        config = BartConfig(
            **common,
            d_model=16,
            encoder_layers=1,
            decoder_layers=1,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=32,
            decoder_ffn_dim=32,
            max_position_embeddings=128,
            decoder_start_token_id=0,
            forced_eos_token_id=None,
            init_std=0.5,
        )
        return BartForConditionalGeneration(config).init_weights(seed=seed)
    config = LlamaConfig(
        **common,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
    )
    return LlamaForCausalLM(config).init_weights(seed=seed)


@pytest.fixture(scope="module", params=MODELS)
def models(request):
    """A model and another one of its kind."""
    return make(request.param), make(request.param, seed=1)


@pytest.fixture
def llama():
    return make("llama")


def prompts(count):
    return [np.random.default_rng(seed).integers(2, 14, (1, 9)) for seed in range(count)]


def helpers(models):
    """What can make candidates."""
    same, other = models
    return [
        {"assistant_model": same},
        {"assistant_model": other},
        {"prompt_lookup_num_tokens": 4},
        {"prompt_lookup_num_tokens": 2, "max_matching_ngram_size": 1},
    ]


# ---- greedy: the very tokens ---------------------------------------------------------------------

ENDS = {"eos_token_id": [3, 8, 21, 30], "pad_token_id": 0}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        ENDS,
        {**ENDS, "min_new_tokens": 7},
        {**ENDS, "min_length": 15},
        {"repetition_penalty": 1.4},
        {"no_repeat_ngram_size": 2},
        {"forced_eos_token_id": 5},
        {"suppress_tokens": list(range(25))},
        {"max_length": 11, "max_new_tokens": None},
        {"max_new_tokens": 1},
    ],
    ids=str,
)
def test_greedy_tokens_are_the_same(models, settings):
    settings = {"max_new_tokens": 20, **settings}
    for ids in prompts(3):
        plain = models[0].generate(ids, **settings)
        for helper in helpers(models):
            np.testing.assert_array_equal(models[0].generate(ids, **settings, **helper), plain)


def test_a_stop_string_inside_the_accepted_tokens(llama, piece_tokenizer):
    """transformers looks only at the end of all that was accepted, and runs on."""
    tokenizer = piece_tokenizer(*(chr(200 + i) for i in range(61)))
    ids = prompts(1)[0]
    free = llama.generate(ids, max_new_tokens=20)
    stop = chr(200 + free[0, 15])
    settings = {"max_new_tokens": 20, "stop_strings": stop, "tokenizer": tokenizer}
    assert llama.generate(ids, **settings, assistant_model=llama).shape[1] <= 16
    for helper in helpers([llama, make("llama", 1)]):
        assisted = llama.generate(ids, **settings, **helper)
        np.testing.assert_array_equal(assisted, llama.generate(ids, **settings))


def test_criteria_and_streamers_see_every_token(llama):
    class Watch(StoppingCriteria):
        def __init__(self):
            self.lengths = []

        def __call__(self, input_ids, scores):
            self.lengths.append(input_ids.shape[1])
            return input_ids.shape[1] == 13

    class Streamer(list):
        put = list.append

        def end(self):
            self.append("end")

    watch, streamer = Watch(), Streamer()
    sequences = llama.generate(
        prompts(1)[0], assistant_model=llama, stopping_criteria=[watch], streamer=streamer
    )
    assert watch.lengths == [10, 11, 12, 13]
    assert [len(value) for value in streamer] == [1, 1, 1, 1, 1, 3]
    assert np.concatenate([streamer[0][0], *streamer[1:-1]]).tolist() == sequences[0].tolist()


def test_a_prompt_with_padding_in_front(models):
    ids, mask = prompts(1)[0], np.ones((1, 9), int)
    mask[0, :3] = 0
    inputs = {"input_ids": ids, "attention_mask": mask, "max_new_tokens": 20}
    plain = models[0].generate(**inputs)
    for helper in helpers(models):
        np.testing.assert_array_equal(models[0].generate(**inputs, **helper), plain)


# ---- fewer calls ---------------------------------------------------------------------------------


def count_calls(model, monkeypatch):
    calls = []
    forward = type(model).forward

    @functools.wraps(forward)
    def counted(self, *args, **kwargs):
        if self is model:
            calls.append(None)
        return forward(self, *args, **kwargs)

    monkeypatch.setattr(type(model), "forward", counted)
    return calls


def test_look_up_saves_calls_where_the_text_repeats_itself(monkeypatch):
    """A random model soon runs in circles."""
    llama, ids = make("llama", seed=1), prompts(2)[1]
    calls = count_calls(llama, monkeypatch)
    sequences = llama.generate(ids, prompt_lookup_num_tokens=5, max_new_tokens=50)
    assert len(calls) <= 25
    np.testing.assert_array_equal(sequences, llama.generate(ids, max_new_tokens=50))


def test_a_draft_that_is_always_right(llama, monkeypatch):
    draft = make("llama")
    draft.generation_config.num_assistant_tokens = 9
    draft.generation_config.assistant_confidence_threshold = 0.0
    calls = count_calls(llama, monkeypatch)
    llama.generate(prompts(1)[0], max_new_tokens=40, assistant_model=draft)
    assert len(calls) == 4  # of 9 + 1 tokens each


@pytest.mark.parametrize(
    ("schedule", "right", "after"),
    [("constant", 9, 9), ("heuristic", 15, 15), ("heuristic_transient", 15, 9)],
)
def test_schedules(llama, schedule, right, after):
    draft = make("llama")
    config = draft.generation_config
    config.num_assistant_tokens, config.num_assistant_tokens_schedule = 9, schedule
    config.assistant_confidence_threshold = 0.0
    llama.generate(prompts(1)[0], max_new_tokens=10 + 12 + 14, assistant_model=draft)
    assert config.num_assistant_tokens == after


def test_settings_of_the_draft_given_to_the_model_are_noted(llama, caplog):
    note_once.cache_clear()
    ids = prompts(1)[0]
    llama.generate(ids, max_new_tokens=2, assistant_model=llama, num_assistant_tokens=3)
    assert "num_assistant_tokens=3 has no effect here" in caplog.text


def test_confidence():
    criterion = ConfidenceCriteria(0.4)
    scores = np.log([[0.3, 0.7]])
    assert criterion(np.array([[0]]), [scores])
    assert not criterion(np.array([[1]]), [scores])


# ---- candidates from the text --------------------------------------------------------------------


def look_up(ids, *, banned=None, **settings):
    settings = {
        "num_output_tokens": 3,
        "max_matching_ngram_size": 2,
        "max_length": 50,
        "eos_token_id": None,
        "logits_processor": [],
        "vocab_size": 20,
        **settings,
    }
    generator = PromptLookupCandidateGenerator(**settings)
    candidate_ids, scores = generator.get_candidates(np.array([ids]))
    assert scores is None
    assert candidate_ids[0, : len(ids)].tolist() == ids
    return candidate_ids[0, len(ids) :].tolist()


def test_what_followed_the_last_tokens_before():
    assert look_up([1, 2, 3, 4, 5, 1, 2]) == [3, 4, 5]
    assert look_up([1, 2, 3, 9, 2, 4, 1, 2]) == [3, 9, 2]  # two tokens before one
    assert look_up([9, 2, 3, 7, 2, 4, 1, 2]) == [3, 7, 2]  # the first match
    assert look_up([1, 2, 3, 4]) == []
    assert look_up([1]) == []
    assert look_up([7, 7]) == [7]


def test_no_candidates_beyond_the_end():
    assert look_up([1, 2, 3, 4, 5, 1, 2], eos_token_id=[4]) == [3]
    assert look_up([1, 2, 3, 4, 5, 1, 2], eos_token_id=[3]) == []
    assert look_up([1, 2, 3, 4, 5, 1, 2], max_length=8) == []


def test_no_candidates_that_a_processor_bans():
    class Ban(list):
        def __call__(self, input_ids, scores):
            scores = scores.copy()
            scores[:, self] = -np.inf
            return scores

    assert look_up([1, 2, 3, 4, 5, 1, 2], logits_processor=Ban([4])) == [3]
    assert look_up([1, 2, 3, 1, 2, 4, 1, 2], logits_processor=Ban([3])) == [4, 1, 2]


# ---- sampling ------------------------------------------------------------------------------------


def test_each_token_has_the_probability_that_the_model_gives_it():
    p, q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.3, 0.5])
    generator = TorchGenerator(0)
    counts = np.zeros(3)
    for candidate in generator.multinomial(np.tile(q, (4000, 1)).astype(np.float32))[:, 0]:
        tokens = speculative_sampling(
            np.array([candidate]),
            np.log(q[None]).astype(np.float32),
            np.log([p, p]).astype(np.float32),
            generator,
        )
        counts[tokens[0]] += 1
    np.testing.assert_allclose(counts / 4000, p, atol=0.025)


def test_a_draft_equal_to_the_model_is_accepted():
    scores = np.random.default_rng(0).normal(size=(4, 9)).astype(np.float32)
    candidates = np.array([3, 1, 4])
    tokens = speculative_sampling(candidates, scores[:3], scores, TorchGenerator(0))
    assert tokens[:3].tolist() == [3, 1, 4]
    assert len(tokens) == 4


def test_sampling_repeats_with_its_seed(models):
    ids = prompts(1)[0]
    for helper in helpers(models):
        settings = {"do_sample": True, "max_new_tokens": 15, **helper}
        first = models[0].generate(ids, **settings, seed=1)
        np.testing.assert_array_equal(first, models[0].generate(ids, **settings, seed=1))
        assert (first != models[0].generate(ids, **settings, seed=2)).any()


# ---- what comes back -----------------------------------------------------------------------------


def test_every_field_is_that_of_plain_generation(models):
    settings = {
        "max_new_tokens": 12,
        "return_dict_in_generate": True,
        "output_scores": True,
        "output_logits": True,
        "output_attentions": True,
        "output_hidden_states": True,
        "repetition_penalty": 1.2,
    }
    ids = prompts(1)[0]
    plain = models[0].generate(ids, **settings)
    for helper in helpers(models):
        output = models[0].generate(ids, **settings, **helper)
        assert output.keys() == plain.keys()
        np.testing.assert_array_equal(output.sequences, plain.sequences)
        for name in set(plain.keys()) - {"sequences", "past_key_values"}:
            for step, wanted in zip(output[name], plain[name], strict=True):
                for value, right in zip(step, wanted, strict=True):
                    np.testing.assert_allclose(value, right, atol=1e-4)
        lengths = [each.past_key_values.get_seq_length() for each in (output, plain)]
        assert lengths[0] == lengths[1]


def test_the_cache_can_be_used_again(llama):
    ids = prompts(1)[0]
    settings = {"max_new_tokens": 10, "prompt_lookup_num_tokens": 4}
    first = llama.generate(ids, **settings, return_dict_in_generate=True)
    cache = first.past_key_values
    again = llama.generate(first.sequences, **settings, past_key_values=cache)
    np.testing.assert_array_equal(again, llama.generate(ids, max_new_tokens=20))


@pytest.mark.parametrize("kind", [DynamicCache, EncoderDecoderCache])
def test_caches_forget(kind):
    cache, states = kind(), np.arange(5.0).reshape(1, 1, 5, 1)
    cache.update(states, states, 0)
    for max_length, kept in [(9, 5), (0, 5), (4, 4), (-1, 3), (-9, 0)]:
        cache.crop(max_length)
        assert cache.get_seq_length() == kept
    keys, _ = cache.update(states + 7, states, 0)
    assert keys[0, 0, :, 0].tolist() == [7, 8, 9, 10, 11]


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"assistant_model": "gpt2"}, "assistant_model: wrong type .*a model that gen.* 'str'"),
        ({"num_beams": 2, "prompt_lookup_num_tokens": 3}, "num_beams: .* needs one beam .*got 2"),
        ({"use_cache": False, "prompt_lookup_num_tokens": 3}, "needs use_cache=True"),
        ({"prompt_lookup_num_tokens": 0}, "prompt_lookup_num_tokens: not allowed .*1 or more"),
        (
            {"guidance_scale": 2, "prompt_lookup_num_tokens": 3},
            "guidance_scale and prompt_lookup_num_tokens: cannot go together",
        ),
        (
            {"num_return_sequences": 2, "do_sample": True, "prompt_lookup_num_tokens": 3},
            "prompt_lookup_num_tokens: needs a batch of one .*got 2",
        ),
        ({"prompt_lookup_num_tokens": 3, "record_steps": True}, "record_steps: "),
    ],
    ids=str,
)
def test_settings_that_do_not_go_together(llama, settings, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        llama.generate([[1, 2]], max_new_tokens=2, **settings)


def test_assistants_that_do_not_fit(llama):
    for assistant, sentence in [
        (make("llama", vocab_size=60), "another vocabulary .*vocab_size 61, got 60"),
        (make("bart"), "only one of the two models is an encoder–decoder"),
    ]:
        with pytest.raises(ArgumentError, match=f"assistant_model: .*{sentence}"):
            llama.generate([[1, 2]], assistant_model=assistant)
    with pytest.raises(ArgumentError, match="assistant_model: needs a batch of one"):
        llama.generate([[1, 2], [3, 4]], assistant_model=llama)
    with pytest.raises(ArgumentError, match="give one of them"):
        llama.generate([[1, 2]], assistant_model=llama, prompt_lookup_num_tokens=3)


def test_scores_that_are_none(llama):
    class Banned(MinLengthLogitsProcessor):
        def __init__(self):
            super().__init__(99, list(range(61)))

    with pytest.raises(NumericsError, match=r"row 0, token 2: .*banned every token"):
        llama.generate([[1, 2]], logits_processor=[Banned()], prompt_lookup_num_tokens=3)
