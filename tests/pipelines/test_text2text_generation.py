"""text2text-generation, summarization, translation: forms of a call, prefixes, lengths, errors."""

import logging

import pytest

from tests.tiny_tasks import writer
from tinyhf import (
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    T5Model,
    errors,
    pipeline,
)
from tinyhf.errors import ArgumentError
from tinyhf.pipelines.text2text_generation import Text2TextGenerationPipeline
from tinyhf.pipelines.translation import TranslationPipeline

TASKS = {
    "translation_en_to_fr": {"prefix": "translate English to French: ", "max_length": 9},
    "translation_en_to_de": {"prefix": "translate English to German: ", "max_length": 7},
    "summarization": {"prefix": "summarize: ", "num_beams": 2, "max_length": 8, "min_length": 2},
}
SHORT = {"max_new_tokens": 6, "num_beams": 1}


@pytest.fixture(scope="module")
def t5(tmp_path_factory):
    """A folder whose config tells what the tasks need, as t5-small's does."""
    return str(writer(tmp_path_factory.mktemp("t5"), task_specific_params=TASKS))


@pytest.fixture(scope="module")
def marian(tmp_path_factory):
    return str(writer(tmp_path_factory.mktemp("marian"), "marian"))


@pytest.fixture(scope="module")
def pipe(t5):
    return pipeline("text2text-generation", model=t5)


@pytest.fixture
def told(monkeypatch):
    """``told(pipe)``: a list that gets what ``generate`` is told, beside the text that it reads."""

    def told(pipe):
        calls, generate = [], pipe.model.generate

        def listen(input_ids, attention_mask, **settings):
            calls.append((pipe.tokenizer.decode(input_ids[0], skip_special_tokens=True), settings))
            return generate(input_ids=input_ids, attention_mask=attention_mask, **settings)

        monkeypatch.setattr(pipe.model, "generate", listen)
        return calls

    return told


@pytest.fixture
def notes(caplog):
    errors.note_once.cache_clear()
    caplog.set_level(logging.WARNING, "tinyhf")
    return lambda: [record.message for record in caplog.records]


# ---- forms of a call -----------------------------------------------------------------------------


def test_forms_of_a_call(pipe):
    one, two = pipe("hello world", **SHORT), pipe("the fox", **SHORT)
    assert [list(record) for record in one] == [["generated_text"]]
    assert pipe(["hello world", "the fox"], **SHORT) == [*one, *two]
    assert pipe(["hello world"], **SHORT) == one
    assert list(pipe((text for text in ("hello world", "the fox")), **SHORT)) == [one, two]


def test_batches_change_nothing(pipe):
    texts = ["hello", "once upon a time there was a little fox", "the quick brown fox"]
    options = {**SHORT, "return_tensors": True}
    assert pipe(texts, batch_size=3, **options) == pipe(texts, **options)


def test_several_answers(pipe):
    options = {"max_new_tokens": 5, "num_beams": 3, "num_return_sequences": 2}
    records = pipe("hello world", **options)
    assert [list(record) for record in records] == [["generated_text"]] * 2
    both = pipe(["hello world", "the fox"], batch_size=2, **options)
    assert both[0] == records
    assert len(both[1]) == 2
    drawn = pipe(
        "hello", do_sample=True, num_beams=1, num_return_sequences=3, max_new_tokens=4, seed=0
    )
    assert len(drawn) == 3


@pytest.mark.parametrize(
    "task, name",
    [
        ("text2text-generation", "generated"),
        ("summarization", "summary"),
        ("translation", "translation"),
    ],
)
def test_names_of_the_records(t5, task, name):
    pipe = pipeline(task, model=t5)
    ids = pipe("hello", return_tensors=True, **SHORT)[0]
    text = pipe("hello", **SHORT)[0]
    assert list(ids) == [f"{name}_token_ids"]
    assert text == {f"{name}_text": pipe.tokenizer.decode(*ids.values(), skip_special_tokens=True)}
    both = pipe("hello", return_tensors=True, return_text=True, **SHORT)[0]
    assert both == {**text, **ids}
    assert pipe("hello", return_text=False, **SHORT) == [ids]
    assert pipe("hello", return_tensors=False, **SHORT) == [text]


def test_the_model_by_hand(pipe):
    """The same three steps, written out."""
    inputs = pipe.tokenizer("hello world", return_tensors="np")
    ids = pipe.model.generate(**inputs, **SHORT)[0].tolist()
    assert pipe("hello world", return_tensors=True, **SHORT)[0]["generated_token_ids"] == ids


def test_on_a_device(pipe, t5, strict_library):
    on_device = pipeline("text2text-generation", model=t5, device="strict")
    texts = ["hello world", "the fox"]
    assert on_device.device == "strict:0"
    assert on_device(texts, batch_size=2, **SHORT) == pipe(texts, **SHORT)


def test_article_004_word_for_word(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    writer("Helsinki-NLP/opus-mt-en-fr", "marian")
    translator = pipeline("translation_en_to_fr", model="Helsinki-NLP/opus-mt-en-fr")
    print(translator("Hello, how are you?"))
    assert capsys.readouterr().out.startswith("[{'translation_text': '")


def test_the_bundled_translator():
    """What a user sees who names no model."""
    translator = pipeline("translation_en_to_fr")
    sentences = ["The dog is in the garden.", "Tom is happy."]
    texts = ["Le chien est dans le jardin.", "Tom est heureux."]
    for options in ({}, {"batch_size": 2}, {"num_beams": 3}):
        answers = [record["translation_text"] for record in translator(sentences, **options)]
        assert answers == texts
    assert translator(sentences[0], src_lang="en", tgt_lang="fr")[0]["translation_text"] == texts[0]


# ---- prefixes and settings -----------------------------------------------------------------------


def test_the_task_brings_prefix_and_settings(t5, told):
    pipe = pipeline("translation_en_to_fr", model=t5)
    calls = told(pipe)
    ids = pipe("hello", return_tensors=True)[0]["translation_token_ids"]
    (text, settings), *_ = calls
    assert text == "translate English to French: hello"
    assert settings == {"num_beams": 4, "max_length": 9}
    assert len(ids) <= 9
    pipe("hello", src_lang="en", tgt_lang="de")
    text, settings = calls[1]
    assert text == "translate English to German: hello"
    assert settings == {"num_beams": 4, "max_length": 7}


def test_summaries(t5, told):
    pipe = pipeline("summarization", model=t5)
    calls = told(pipe)
    pipe("a long story", no_repeat_ngram_size=2)
    text, settings = calls[0]
    assert text == "summarize: a long story"
    own = {"num_beams": 2, "max_length": 8, "min_length": 2}
    assert settings == {**own, "no_repeat_ngram_size": 2}


def test_whose_settings_count(t5, told):
    """The caller's > generation_config= > the task's > the checkpoint's > the pipeline's."""
    model = AutoModelForSeq2SeqLM.from_pretrained(t5)
    tokenizer = AutoTokenizer.from_pretrained(t5)
    pipe = pipeline("summarization", model=model, tokenizer=tokenizer, num_beams=3)
    calls = told(pipe)
    pipe("hello")
    pipe("hello", num_beams=1, max_new_tokens=3)
    assert calls[0][1] == {"num_beams": 3, "max_length": 8, "min_length": 2}
    assert calls[1][1] == {"num_beams": 1, "max_new_tokens": 3, "min_length": 2}
    pipe = pipeline("text2text-generation", model=model, tokenizer=tokenizer)
    pipe("hello")
    pipe("hello", generation_config=GenerationConfig(num_beams=1, max_new_tokens=4))
    assert calls[2][1] == {"num_beams": 4, "max_new_tokens": 256}
    assert list(calls[3][1]) == ["generation_config"]
    model.generation_config.max_length = 5
    pipe("hello")
    assert calls[4][1] == {"num_beams": 4}


def test_prefix_of_the_config(tmp_path, told):
    pipe = pipeline("text2text-generation", model=str(writer(tmp_path, prefix="say: ")))
    calls = told(pipe)
    pipe("hello", **SHORT)
    assert calls[0][0] == "say: hello"


def test_no_longer_than_the_decoder_counts(tmp_path):
    pipe = pipeline("text2text-generation", model=str(writer(tmp_path, "bart", eos_token_id=None)))
    assert len(pipe("hello", return_tensors=True)[0]["generated_token_ids"]) == 64


def test_truncation(pipe, told):
    calls = told(pipe)
    pipe("hello " * 80, truncation=True, **SHORT)
    pipe("hello " * 20, **SHORT)
    words = [len(pipe.tokenizer(text)["input_ids"]) for text, _ in calls]
    assert words[0] == pipe.tokenizer.model_max_length == 64
    assert calls[1][0] == "hello " * 20


def test_stop_sequence(pipe):
    ids = pipe("hello", return_tensors=True, **SHORT)[0]["generated_token_ids"]
    token = pipe.tokenizer.decode(ids[1])
    stopped = pipe("hello", stop_sequence=token, return_tensors=True, **SHORT)
    assert stopped[0]["generated_token_ids"] == ids[:2]


# ---- languages -----------------------------------------------------------------------------------


def test_one_pair(marian):
    for task in ("translation", "translation_en_to_qya"):
        pipe = pipeline(task, model=marian)
        plain = pipe("hello world", **SHORT)
        assert list(plain[0]) == ["translation_text"]
        assert pipe("hello world", src_lang="en", **SHORT)


def test_a_code_for_the_target(marian, told):
    pipe = pipeline("translation", model=marian)
    calls = told(pipe)
    for options in ({}, {"tgt_lang": "qya"}, {"src_lang": "en", "tgt_lang": "qya"}):
        pipe("hello", **SHORT, **options)
    codes = [">>qya<<" in text for text, _ in calls]
    assert codes == [False, True, True]


PLAIN = "translation names no languages: translation_en_to_de is used, the config's first."


def test_plain_translation_is_the_first_one(t5, told, notes):
    pipe = pipeline("translation", model=t5)
    calls = told(pipe)
    pipe("hello")
    assert calls[0][0] == "translate English to German: hello"
    assert notes()[0] == PLAIN


def test_unknown_pairs(t5, marian, notes):
    for folder, known in ((t5, "en → de or en → fr"), (marian, "en → qya")):
        pipe = pipeline("translation", model=folder)
        for pair in ({"src_lang": "en", "tgt_lang": "xx"}, {"src_lang": "fr", "tgt_lang": "qya"}):
            with pytest.raises(ArgumentError, match=f"src_lang, tgt_lang: .*{known}"):
                pipe("hello", **pair)
    assert notes() == [PLAIN]
    pipeline("translation_en_to_ro", model=t5)
    assert notes() == [
        PLAIN,
        "translation_en_to_ro: the model's files speak of en → de, en → fr only.",
    ]


@pytest.mark.parametrize("task", ["translation_en_fr", "translation_", "translation_en_to_"])
def test_wrong_names_of_tasks(t5, task):
    with pytest.raises(ArgumentError, match=r"task: .*translation_XX_to_YY"):
        pipeline(task, model=t5)


# ---- lengths and wrong input ---------------------------------------------------------------------


def test_notes_about_lengths(t5, marian, notes):
    summarizer = pipeline("summarization", model=t5)
    summarizer("hello world hello world", max_length=60, num_beams=1, min_length=0)
    assert "Pass max_length=" in notes()[0]
    summarizer("hello world hello world", max_length=3, min_length=5, num_beams=1)
    assert any("5 tokens at least and 3 at most" in note for note in notes())
    translator = pipeline("translation", model=marian)
    before = len(notes())
    translator("hello world", max_length=4, num_beams=1)  # three tokens
    assert len(notes()) == before
    translator("hello world", max_length=3, num_beams=1)
    assert "may be cut off" in notes()[-1]


@pytest.mark.parametrize("text", [7, None, "", ["hello", 7], [["hello", "world"]], [], {"a": "b"}])
def test_wrong_inputs(pipe, text):
    with pytest.raises(ArgumentError, match="inputs: "):
        pipe(text, **SHORT)


@pytest.mark.parametrize(
    "options, sentence",
    [
        ({"return_text": False, "return_tensors": False}, "return_text and return_tensors"),
        ({"num_beam": 2}, "Did you mean num_beams"),
        ({"max_new_tokens": -1}, "max_new_tokens"),
        ({"src_lang": "en"}, "src_lang"),
        ({"truncation": "sometimes"}, "truncation: "),
    ],
)
def test_wrong_options(pipe, options, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        pipe("hello", **{**SHORT, **options})


@pytest.mark.parametrize("task", ["translation", "summarization", "text2text-generation"])
def test_wrong_models(t5, task):
    tokenizer = AutoTokenizer.from_pretrained(t5)
    sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "vocab_size": 9}
    llama = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2)).init_weights(0)
    with pytest.raises(ArgumentError, match="model: "):
        pipeline(task, model=llama, tokenizer=tokenizer)
    for pipeline_class in (Text2TextGenerationPipeline, TranslationPipeline):
        for model in (llama, T5Model.from_pretrained(t5)):
            with pytest.raises(ArgumentError, match=r"model: .*AutoModelForSeq2SeqLM"):
                pipeline_class(model, tokenizer)
