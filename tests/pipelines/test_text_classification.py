"""text-classification: a text, a pair or several; scores as the config asks for them."""

import pytest

from tests.tiny_pipelines import TEXTS, labelled, tiny_folder
from tinyhf import pipeline
from tinyhf.errors import ArgumentError
from tinyhf.functional import softmax


@pytest.fixture(scope="module")
def pipe(tmp_path_factory):
    fields = labelled(["BAD", "SO-SO", "GOOD"])
    folder = tmp_path_factory.mktemp("model")
    return pipeline(
        "sentiment-analysis", tiny_folder(folder, "BertForSequenceClassification", **fields)
    )


def logits(pipe, *texts):
    return pipe.model(**pipe.tokenizer(*texts, return_tensors="np")).logits[0]


def test_the_best_label(pipe):
    ((answer,), scores) = pipe(TEXTS[0]), softmax(logits(pipe, TEXTS[0]))
    assert answer == {"label": pipe.model.config.id2label[scores.argmax()], "score": scores.max()}
    assert pipe(TEXTS) == [pipe(text)[0] for text in TEXTS]


def test_several_labels(pipe):
    answers = pipe(TEXTS[0], top_k=None)
    assert [answer["score"] for answer in answers] == sorted(
        softmax(logits(pipe, TEXTS[0])).tolist(), reverse=True
    )
    assert pipe(TEXTS[0], top_k=2) == answers[:2]
    assert pipe(TEXTS[0], top_k=1) == pipe(TEXTS[0])
    assert pipe(TEXTS[:1], top_k=2) == [answers[:2]]


def test_words_of_transformers_4(pipe):
    ((*answers,),) = pipe(TEXTS[0], return_all_scores=True)
    assert [answer["label"] for answer in answers] == ["BAD", "SO-SO", "GOOD"]
    assert sorted(map(str, answers)) == sorted(map(str, pipe(TEXTS[0], top_k=None)))
    assert pipe(TEXTS[0], return_all_scores=False) == pipe(TEXTS[0])


def test_functions(pipe):
    scores = logits(pipe, TEXTS[0])
    (raw,) = pipe(TEXTS[0], function_to_apply="none")
    (chance,) = pipe(TEXTS[0], function_to_apply="SIGMOID")
    assert raw["score"] == scores.max()
    assert chance["score"] == pytest.approx(1 / (1 + 2.718281828 ** -float(scores.max())), rel=1e-6)


def test_pairs(pipe):
    pair = {"text": TEXTS[0], "text_pair": TEXTS[1]}
    scores = softmax(logits(pipe, TEXTS[0], TEXTS[1]))
    assert pipe(pair)["score"] == scores.max()
    assert pipe([pair, pair]) == [pipe(pair)] * 2
    assert pipe({"text": TEXTS[0]}) == pipe(TEXTS[0])[0]


def test_options_for_the_tokenizer(pipe):
    long = " ".join(TEXTS * 4)
    with pytest.raises(ArgumentError, match="longer than the model has positions"):
        pipe(long)
    cut = pipe.tokenizer.decode(pipe.tokenizer(long, max_length=9)["input_ids"][1:-1])
    assert pipe(long, truncation=True, max_length=9) == pipe(cut)


@pytest.mark.parametrize(
    ("inputs", "kwargs", "sentence"),
    [
        ("", {}, r"^inputs: the text is empty"),
        (["good", "  "], {}, r"^inputs: the text is empty"),
        (3, {}, r"^inputs: not a text \(wanted a string, or {"),
        (["good", None], {}, r"^inputs: not a text .* got None"),
        ([["good", "bad"]], {}, r"^inputs: not a text"),
        ({"txt": "good"}, {}, r"^inputs: not a text .* got {'txt': 'good'}"),
        ({"text": "good", "text_pair": 3}, {}, r"^inputs: not a text \(wanted a string, got 3"),
        ("good", {"top_k": 0}, r"^top_k: .*from 1 on, got 0"),
        ("good", {"top_k": "all"}, r"^top_k: .*got 'all'"),
        ("good", {"topk": 1}, r"^topk: .*Did you mean top_k\?"),
        ("good", {"trunkation": 1}, r"^trunkation: .*Did you mean truncation\?"),
        ("good", {"function_to_apply": "softmx"}, r"^function_to_apply: .*'softmax' or 'sigmoid'"),
    ],
)
def test_bad_input(pipe, inputs, kwargs, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        pipe(inputs, **kwargs)
    if kwargs:
        with pytest.raises(ArgumentError, match=sentence):
            type(pipe)(pipe.model, pipe.tokenizer, **kwargs)
