"""token-classification: labels of tokens, and what is made of them, on labels chosen by hand."""

import numpy
import pytest

from tests.tiny_pipelines import TOKEN_LABELS, tiny_folder
from tinyhf import pipeline
from tinyhf.errors import ArgumentError
from tinyhf.pipelines.entities import aggregate_overlapping_entities

TEXT = "Tim played in New York Paris"
#: Token → its label, and how sure of it the stand-in is.
LABELS = {
    "tim": ("B-PER", 0.9),
    "play": ("B-LOC", 0.55),
    "##ed": ("I-LOC", 0.8),
    "new": ("B-LOC", 0.7),
    "york": ("I-LOC", 0.9),
    "paris": ("B-LOC", 0.6),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_folder(tmp_path_factory.mktemp("model"), "BertForTokenClassification")


@pytest.fixture
def pipe(folder, monkeypatch):
    """A pipeline whose model labels tokens as LABELS says; the rest of a label's chance is O's."""
    pipe = pipeline("ner", folder)

    def forward(input_ids, **_):
        chances = numpy.full((*input_ids.shape, len(TOKEN_LABELS)), 1e-9, "float32")
        chances[..., 0] = 1.0
        for place, token_id in numpy.ndenumerate(input_ids):
            label, chance = LABELS.get(
                pipe.tokenizer.convert_ids_to_tokens(int(token_id)), ("O", 1)
            )
            chances[place][0] = 1 - chance + 1e-9
            chances[place][TOKEN_LABELS.index(label)] = chance
        return type("Output", (), {"logits": numpy.log(chances)})

    monkeypatch.setattr(pipe.model, "forward", forward)
    return pipe


def short(entities):
    """(label, score, word, the characters it stands on)."""
    return [
        (
            one.get("entity", one.get("entity_group")),
            round(one["score"], 3),
            one["word"],
            TEXT[one["start"] : one["end"]],
        )
        for one in entities
    ]


def test_each_token(pipe):
    entities = pipe(TEXT)
    assert list(entities[0]) == ["entity", "score", "index", "word", "start", "end"]
    assert [entity["index"] for entity in entities] == [1, 2, 3, 5, 6, 7]
    assert short(entities) == [
        ("B-PER", 0.9, "tim", "Tim"),
        ("B-LOC", 0.55, "play", "play"),
        ("I-LOC", 0.8, "##ed", "ed"),
        ("B-LOC", 0.7, "new", "New"),
        ("I-LOC", 0.9, "york", "York"),
        ("B-LOC", 0.6, "paris", "Paris"),
    ]


@pytest.mark.parametrize(
    ("strategy", "played"),
    [
        ("simple", [("LOC", 0.675, "played", "played")]),
        ("first", [("LOC", 0.55, "played", "played")]),
        ("max", [("LOC", 0.8, "played", "played")]),
        ("average", [("LOC", 0.4, "played", "played")]),
    ],
)
def test_strategies(pipe, strategy, played):
    entities = pipe(TEXT, aggregation_strategy=strategy)
    assert list(entities[0]) == ["entity_group", "score", "word", "start", "end"]
    assert short(entities) == [
        ("PER", 0.9, "tim", "Tim"),
        *played,
        ("LOC", 0.8, "new york", "New York"),
        ("LOC", 0.6, "paris", "Paris"),
    ]


def test_words_of_transformers_4(pipe):
    simple, first = (pipe(TEXT, aggregation_strategy=name) for name in ("simple", "first"))
    assert pipe(TEXT, grouped_entities=True) == simple
    assert pipe(TEXT, grouped_entities=True, ignore_subwords=True) == first
    assert pipe(TEXT, grouped_entities=False) == pipe(TEXT)


def test_ignored_labels(pipe):
    assert [one["entity"] for one in pipe(TEXT, ignore_labels=["B-LOC", "I-LOC"])] == ["B-PER", "O"]
    groups = pipe(TEXT, aggregation_strategy="simple", ignore_labels=["LOC"])
    assert [one["entity_group"] for one in groups] == ["PER", "O"]


def test_words(pipe):
    words = TEXT.split()
    assert pipe(words, is_split_into_words=True) == [pipe(TEXT)]
    assert pipe([words, words[:1]], is_split_into_words=True) == pipe([TEXT, words[0]])
    (entities,) = pipe(words[:2], is_split_into_words=True, delimiter="--")
    assert [(one["start"], one["end"]) for one in entities] == [(0, 3), (5, 9), (9, 11)]


@pytest.mark.parametrize("stride", [4, 30])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_a_long_text(pipe, stride, batch_size):
    text = " and ".join([TEXT] * 20)
    assert len(pipe(text, aggregation_strategy="first")) < 30  # it is cut
    options = {"aggregation_strategy": "first", "stride": stride, "batch_size": batch_size}
    found = pipe(text, **options)
    names = [one["word"] for one in found if one["word"] in ("tim", "paris")]
    assert names == ["tim", "paris"] * 20
    assert all(text[one["start"] : one["end"]].lower() == one["word"] for one in found)
    assert pipe([text, TEXT], **options) == [found, pipe(TEXT, aggregation_strategy="first")]


def test_finds_of_two_windows():
    def found(start, end, score):
        return {"start": start, "end": end, "score": score}

    longer, surer = found(0, 8, 0.1), found(8, 12, 0.9)
    twice = [found(0, 3, 0.9), longer, found(8, 12, 0.5), surer, found(12, 14, 0.2)]
    assert aggregate_overlapping_entities(twice[::-1]) == [longer, surer, found(12, 14, 0.2)]
    assert aggregate_overlapping_entities([]) == []


@pytest.mark.parametrize(
    ("inputs", "kwargs", "sentence"),
    [
        ("", {}, r"^sequences: the text is empty"),
        (3, {}, r"^sequences: not a text"),
        (["Tim", 3], {}, r"^sequences: not a text .*got 3"),
        ([["Tim"]], {}, r"^sequences: not a text"),
        ("Tim", {"is_split_into_words": True}, r"^inputs: no words \(wanted a list of words"),
        ([["Tim"], []], {"is_split_into_words": True}, r"^inputs: no words"),
        ([["Tim", 3]], {"is_split_into_words": True}, r"^sequences: not a text .*got 3"),
        (
            "Tim",
            {"aggregation_strategy": "frist"},
            r"^aggregation_strategy: .*'first' .*'frist'",
        ),
        ("Tim", {"agregation_strategy": 1}, r"Did you mean aggregation_strategy\?"),
        ("Tim", {"ignore_labels": "O"}, r"^ignore_labels: not a list \(wanted .*\['O'\]"),
        ("Tim", {"stride": 38}, r"^stride: .*wanted 0 to 37,.* 38 tokens .*got 38"),
        ("Tim", {"stride": -1}, r"^stride: .*got -1"),
        (
            "Tim",
            {"stride": 2, "aggregation_strategy": "none"},
            r"^aggregation_strategy: with",
        ),
    ],
)
def test_bad_input(pipe, inputs, kwargs, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        pipe(inputs, **kwargs)
