"""ChatGLM's chat: prompts, answers while they grow, masks that grow with them."""

import inspect

import numpy
import pytest

from tests.tiny_chatglms import (
    REFERENCE,
    SIZES,
    needs_reference,
    our_chat_model,
    our_chatglm,
    our_tokenizer,
    prompt,
    reference_json,
)
from tinyhf import AutoTokenizer, ChatGLMConfig, ChatGLMForConditionalGeneration
from tinyhf.errors import ArgumentError
from tinyhf.generation import InvalidScoreLogitsProcessor
from tinyhf.generation.chatglm import build_prompt, process_response

HISTORY = [("你好", "hello")]


@pytest.fixture(scope="module")
def tokenizer():
    return our_tokenizer()


@pytest.fixture(scope="module")
def model():
    return our_chat_model()


# ---- the reference's cases -----------------------------------------------------------------------


@needs_reference
def test_greedy_chat_of_the_reference():
    folder = REFERENCE / "small_tokenizer" / "tiny_chat"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    config = ChatGLMConfig.from_pretrained(folder)
    weights = REFERENCE / "model_fp16_bin"
    model = ChatGLMForConditionalGeneration.from_pretrained(weights, config=config)
    for case in reference_json("small_tokenizer/tiny_chat/golden_tiny_chat.json")["chat_greedy"]:
        query, history = case["query"], [tuple(turn) for turn in case["history"]]
        settings = {"max_length": case["max_length"], "do_sample": False}
        ids = tokenizer(build_prompt(query, history), return_tensors="np")["input_ids"]
        assert ids[0].tolist() == case["input_ids"]
        written = model.generate(ids, max_length=case["max_length"])[0, ids.shape[1] :]
        assert written.tolist() == case["new_ids"]
        response, turns = model.chat(tokenizer, query, history, **settings)
        assert response == case["response"]
        assert turns == [*history, (query, response)]
        steps = list(model.stream_chat(tokenizer, query, history, **settings))
        assert (len(steps), steps[-1][0]) == (case["stream_n"], case["stream_last"])


@needs_reference
def test_responses_of_the_reference():
    for case in reference_json("tokenizer/golden_tokenizer_slim.json")["process_response"]:
        assert process_response(case["inp"]) == case["out"]


# ---- what must hold ------------------------------------------------------------------------------


def test_prompts():
    assert build_prompt("e", []) == "e"
    text = "[Round 0]\n问：a\n答：b\n[Round 1]\n问：c\n答：d\n[Round 2]\n问：e\n答："
    assert build_prompt("e", [("a", "b"), ("c", "d")]) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  好 \n", "好"),
        ("好,a!好?", "好，a！好？"),
        ("1:2;", "1:2;"),
        ("[[训练时间]]", "2023年"),
    ],
)
def test_responses(text, expected):
    assert process_response(text) == expected


@pytest.mark.parametrize("settings", [{"do_sample": False}, {"seed": 7}])
def test_the_stream_is_the_answer_growing(model, tokenizer, settings):
    ids = tokenizer(build_prompt("a b", HISTORY), return_tensors="np")["input_ids"]
    written = model.generate(ids, max_new_tokens=8, **sampling(settings))
    steps = list(model.stream_generate(ids, max_new_tokens=8, **sampling(settings)))
    assert [step.shape[1] for step in steps] == list(range(ids.shape[1] + 1, written.shape[1]))
    for step in steps:
        numpy.testing.assert_array_equal(step, written[:, : step.shape[1]])
    length = ids.shape[1] + 8
    answer, history = model.chat(tokenizer, "a b", HISTORY, max_length=length, **settings)
    *_, (last, grown) = model.stream_chat(tokenizer, "a b", HISTORY, max_length=length, **settings)
    assert process_response(tokenizer.decode(written[0, ids.shape[1] :])) == answer
    assert history == [*HISTORY, ("a b", answer)]
    assert grown == [*HISTORY, ("a b", last)]
    assert answer.startswith(last.rstrip("\ufffd"))
    assert HISTORY == [("你好", "hello")]


def sampling(settings):
    """The same as ``chat`` does, for ``generate``."""
    if settings.get("do_sample") is False:
        return settings
    return {"do_sample": True, "top_p": 0.7, "temperature": 0.95, **settings}


def test_the_stream_ends_at_the_end_token(model, tokenizer):
    ids = tokenizer("a b", return_tensors="np")["input_ids"]
    written = model.generate(ids, max_new_tokens=4)[0, ids.shape[1] :]
    end = int(written[1])
    count = written.tolist().index(end)
    steps = list(model.stream_generate(ids, max_new_tokens=4, eos_token_id=end))
    assert len(steps) == count
    later = list(model.stream_generate(ids, max_new_tokens=9, min_new_tokens=6, eos_token_id=end))
    assert len(later) >= 5


def test_defaults_of_chat():
    parameters = inspect.signature(ChatGLMForConditionalGeneration.chat).parameters
    wanted = {"max_length": 2048, "num_beams": 1, "do_sample": True, "top_p": 0.7}
    wanted |= {"temperature": 0.95, "history": None, "logits_processor": None}
    assert {name: parameters[name].default for name in wanted} == wanted


@pytest.mark.parametrize("use_cache", [True, False])
def test_left_padded_rows_write_what_single_ones_do(model, tokenizer, use_cache):
    texts = ["hello world", "你好，我是 hello", "a"]
    batch = tokenizer(texts, padding=True, return_tensors="np")
    together = model.generate(**batch, max_new_tokens=6, use_cache=use_cache)
    for text, row in zip(texts, together, strict=True):
        alone = model.generate(tokenizer(text, return_tensors="np")["input_ids"], max_new_tokens=6)
        assert row[-6:].tolist() == alone[0, -6:].tolist()


def test_several_answers_for_each_padded_row(model, tokenizer):
    batch = tokenizer(["a b", "c"], padding=True, return_tensors="np")
    settings = {"do_sample": True, "num_return_sequences": 2, "seed": 3, "max_new_tokens": 4}
    assert model.generate(**batch, **settings).shape == (4, batch["input_ids"].shape[1] + 4)


@pytest.mark.parametrize("fields", [{}, {"position_encoding_2d": False}, {"num_layers": 1}])
def test_generate_is_the_plain_loop(fields):
    model, ids = our_chatglm(eos_token_id=None, **fields), prompt()
    written = model.generate(ids, max_new_tokens=6)
    for _ in range(6):
        best = model(ids).logits[:, -1].argmax(axis=-1)
        ids = numpy.concatenate((ids, best[:, None]), axis=1)
    numpy.testing.assert_array_equal(written, ids)


def test_repetition_penalty_with_padding(model, tokenizer):
    batch = tokenizer(["a b", "c"], padding=True, return_tensors="np")
    plain = model.generate(**batch, max_new_tokens=6)
    changed = model.generate(**batch, max_new_tokens=6, repetition_penalty=5.0)
    assert plain.shape == changed.shape
    assert (plain != changed).any()


def test_broken_scores_become_a_space():
    scores = numpy.ones((2, 9), numpy.float32)
    processor = InvalidScoreLogitsProcessor(5)
    assert processor(None, scores) is scores
    scores[1, 2] = numpy.nan
    repaired = processor(None, scores)
    assert repaired.argmax(axis=-1).tolist() == [5, 5]
    assert repaired.sum() == 1e5


def test_a_mask_of_ones_and_zeros():
    """What other tokenizers return says nothing about who sees whom here."""
    model, ids = our_chatglm(), prompt()
    ones = numpy.ones_like(ids)
    written = model.generate(ids, attention_mask=ones, max_new_tokens=2)
    numpy.testing.assert_array_equal(written, model.generate(ids, max_new_tokens=2))
    ones[0, 0] = 0
    with pytest.raises(ArgumentError, match="attention_mask: is not a mask in ChatGLM's form"):
        model.generate(ids, attention_mask=ones, max_new_tokens=2)


def test_a_prompt_of_another_tokenizer():
    ids = numpy.array([[4, 5, SIZES["gmask_token_id"]]])
    with pytest.raises(ArgumentError, match="a row has no <sop>"):
        our_chatglm().generate(ids, max_new_tokens=2)
