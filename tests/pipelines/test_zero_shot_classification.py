"""zero-shot-classification: labels named in the call."""

import pytest

from tests.tiny_pipelines import NLI_LABELS, TEXTS, labelled, tiny_folder
from tinyhf import pipeline
from tinyhf.errors import ArgumentError
from tinyhf.functional import softmax

TASK = "zero-shot-classification"
LABELS = ["animals", "people", "bad text"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    name = "BertForSequenceClassification"
    return tiny_folder(tmp_path_factory.mktemp("model"), name, **labelled(NLI_LABELS))


@pytest.fixture(scope="module")
def pipe(folder):
    return pipeline(TASK, folder)


def logits(pipe, label, template="This example is {}."):
    inputs = pipe.tokenizer(TEXTS[0], template.format(label), return_tensors="np")
    return pipe.model(**inputs).logits[0]


def test_one_label_is_right(pipe):
    answer = pipe(TEXTS[0], candidate_labels=LABELS)
    assert list(answer) == ["sequence", "labels", "scores"]
    assert answer["sequence"] == TEXTS[0]
    assert sum(answer["scores"]) == pytest.approx(1)
    ranked = sorted(LABELS, key=lambda label: -logits(pipe, label)[2])
    assert answer["labels"] == ranked
    assert answer["scores"] == sorted(answer["scores"], reverse=True)


def test_each_label_by_itself(pipe):
    answer = pipe(TEXTS[0], LABELS, multi_label=True, hypothesis_template="About {}")
    expected = {label: softmax(logits(pipe, label, "About {}")[[0, 2]])[1] for label in LABELS}
    found = dict(zip(answer["labels"], answer["scores"], strict=True))
    assert found == pytest.approx(expected, rel=1e-6)
    assert pipe(TEXTS[0], ["people"])["scores"] != [1.0]


def test_forms_of_input(pipe, folder):
    expected = pipe(TEXTS, LABELS)
    assert [pipe(text, ", ".join(LABELS)) for text in TEXTS] == expected
    assert pipe(sequences=TEXTS, candidate_labels=tuple(LABELS)) == expected
    assert pipeline(TASK, folder, candidate_labels=LABELS)(TEXTS) == expected
    for batched, one in zip(pipe(TEXTS, LABELS, batch_size=5), expected, strict=True):
        assert batched["labels"] == one["labels"]
        assert batched["scores"] == pytest.approx(one["scores"], rel=1e-5)


def test_the_text_is_cut_and_not_the_label(pipe):
    (pair,) = pipe.preprocess(TEXTS[2], ["z" * 28])
    assert pair["input_ids"].shape == (1, 40)
    assert pipe.tokenizer.decode(pair["input_ids"][0]).endswith(f"{'z' * 28}. [SEP]")


def test_a_model_of_something_else_is_noted(tmp_path, monkeypatch):
    notes = []
    monkeypatch.setattr("tinyhf.pipelines.zero_shot_classification.note_once", notes.append)
    pipe = pipeline(TASK, tiny_folder(tmp_path, "BertForSequenceClassification"))
    assert pipe.entailment_id == -1
    assert "None of the model's labels starts with 'entail'" in notes[0]


@pytest.mark.parametrize(
    ("inputs", "kwargs", "sentence"),
    [
        ("", {}, r"^sequences: the text is empty"),
        ([], {}, r"^sequences: the list is empty"),
        (3, {}, r"^sequences: not a text"),
        (None, {}, r"^sequences: there is nothing to work on"),
        ("Tim", {"candidate_labels": None}, r"^candidate_labels: there are no labels"),
        ("Tim", {"candidate_labels": []}, r"^candidate_labels: no labels"),
        ("Tim", {"candidate_labels": " , "}, r"^candidate_labels: no labels"),
        ("Tim", {"candidate_labels": [3]}, r"^candidate_labels: no labels .*got \[3\]"),
        ("Tim", {"hypothesis_template": "no place"}, r"^hypothesis_template: the label has no"),
        ("Tim", {"hypothesis_template": "{} {}"}, r"^hypothesis_template: the label has no place"),
        ("Tim", {"hypothesis_template": 3}, r"^hypothesis_template: the label has no place"),
        ("Tim", {"multi_labels": True}, r"^multi_labels: .*Did you mean multi_label\?"),
    ],
)
def test_bad_input(pipe, inputs, kwargs, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        pipe(inputs, **{"candidate_labels": LABELS, **kwargs})
