"""``tinyhf run``: what the pipelines say, for people and for machines."""

import io
import json

import numpy as np
import pytest

from tests.cli.tiny_folder import make_tiny_bert
from tinyhf import pipeline
from tinyhf.cli.answers import print_answers

TEXT = "the dog is happy ."
LABELS = {0: "contradiction", 1: "entailment"}
HEADS = {
    "text-classification": ("ForSequenceClassification", {"id2label": {0: "NO", 1: "YES"}}),
    "token-classification": ("ForTokenClassification", {"id2label": {0: "O", 1: "I-PET"}}),
    "fill-mask": ("ForMaskedLM", {}),
    "feature-extraction": ("Model", {}),
    "question-answering": ("ForQuestionAnswering", {}),
    "zero-shot-classification": ("ForSequenceClassification", {"id2label": LABELS}),
}


@pytest.fixture(scope="module")
def berts(tmp_path_factory):
    """Task → the folder of a random BERT for it."""
    return {
        task: str(make_tiny_bert(tmp_path_factory.mktemp(task), head, **fields))
        for task, (head, fields) in HEADS.items()
    }


#: Task → the texts and options typed, and the call they stand for.
CALLS = {
    "text-classification": ([TEXT, "--top-k", "2"], lambda pipe: pipe(TEXT, top_k=2)),
    "token-classification": (
        [TEXT, "--aggregation-strategy", "simple"],
        lambda pipe: pipe(TEXT, aggregation_strategy="simple"),
    ),
    "fill-mask": (
        ["the [MASK] is sad", "--set", 'targets=["dog", "cat"]'],
        lambda pipe: pipe("the [MASK] is sad", targets=["dog", "cat"]),
    ),
    "feature-extraction": ([TEXT], lambda pipe: pipe(TEXT)),
    "question-answering": (
        ["--question", "is the dog sad", "--context", TEXT, "--set", "max_answer_len=2"],
        lambda pipe: pipe(question="is the dog sad", context=TEXT, max_answer_len=2),
    ),
    "zero-shot-classification": (
        [TEXT, "--candidate_labels", "happy, sad", "--set", "hypothesis_template=this is {} ."],
        lambda pipe: pipe(
            TEXT, candidate_labels=["happy", "sad"], hypothesis_template="this is {} ."
        ),
    ),
}


@pytest.mark.parametrize("task", CALLS)
def test_json_is_what_the_pipeline_answers(tinyhf, berts, task):
    typed, call = CALLS[task]
    code, out, err = tinyhf("run", task, *typed, "--model", berts[task], "--json")
    assert code == 0, err
    wanted = call(pipeline(task, berts[task]))
    assert json.loads(out) == json.loads(json.dumps(wanted, default=float))


def test_a_table_for_people(tinyhf, berts):
    task = "text-classification"
    options = ("--model", berts[task], "--top-k", 2)
    _, out, _ = tinyhf("run", "sentiment-analysis", TEXT, "the cat", *options)
    head, *rows = out.splitlines()
    assert head.split() == ["text", "label", "score"]
    assert [bool(row[0].strip()) for row in rows] == [True, False, True, False]
    assert {len(row.rstrip()) for row in rows} == {len(head.rstrip())}  # numbers end together
    best = pipeline(task, berts[task])("the cat")[0]
    assert rows[2].split() == ["the", "cat", best["label"], f"{best['score']:.4f}"]


@pytest.mark.parametrize("argument", [[], ["-"]])
def test_a_pipe_gives_a_text_a_line_and_json_a_list(tinyhf, tiny, monkeypatch, argument):
    options = ["--model", tiny, "--set", "max_new_tokens=3", "--set", "do_sample=false"]
    for lines in (["Once"], ["Once", "A fox"]):
        monkeypatch.setattr("sys.stdin", io.StringIO("\n\n".join(lines) + "\n"))
        _, out, _ = tinyhf("run", "text-generation", *argument, *options, "--json")
        texts = [answer[0]["generated_text"] for answer in json.loads(out)]
        assert [text[: len(line)] for text, line in zip(texts, lines, strict=True)] == lines
    _, plain, _ = tinyhf("run", "text-generation", *lines, *options)
    assert plain == "".join(f"{text}\n" for text in texts)  # one field: no table


def shown(capsys, *answers):
    print_answers([f"text {number}" for number in range(len(answers))], list(answers))
    return [line.split() for line in capsys.readouterr().out.splitlines()]


def test_answers_of_every_shape(capsys):
    records = [{"word": "Tom", "start": 0, "score": 0.25}, {"word": "a [b]", "start": 5}]
    assert shown(capsys, records) == [
        ["word", "start", "score"],
        ["Tom", "0", "0.2500"],
        ["a", "[b]", "5"],
    ]
    assert shown(capsys, [records[:1], records[:1]])[1:] == [["Tom", "0", "0.2500"]] * 2
    ranked = {"sequence": "x", "labels": ["a", "b"], "scores": [0.75, 0.25]}
    assert shown(capsys, ranked) == [["label", "score"], ["a", "0.7500"], ["b", "0.2500"]]
    numbers = [["shape", "first"], ["1", "×", "2", "×", "3", "0.0000", "1.0000", "2.0000", "…"]]
    assert shown(capsys, np.arange(6.0).reshape(1, 2, 3)) == numbers
    assert shown(capsys, np.arange(6.0).reshape(1, 2, 3).tolist()) == numbers


def test_nothing_found_is_said_or_an_empty_row(capsys):
    print_answers(["x"], [[]])
    assert capsys.readouterr() == ("", "tinyhf: note: Nothing was found.\n")
    rows = shown(capsys, [{"word": "Tom", "score": 0.5}], [])
    assert rows[1:] == [["text", "0", "Tom", "0.5000"], ["text", "1"]]


REFUSED = {
    "text-clasification hi": "there is no such task",
    "text-generation hi --question what": "--question: it is for question-answering only",
    "text-generation hi --candidate-labels a": "it is for zero-shot-classification only",
    "question-answering hi": "--question: question-answering needs it",
    "zero-shot-classification hi": "--candidate-labels: zero-shot-classification needs it",
    "text-generation hi --context there": "--context: there is no question about it",
    "text-generation hi --set x": "--set: not a setting (wanted NAME=VALUE, got 'x')",
    "text-generation hi --set max_new_tokens=-1": "max_new_tokens: not allowed",
    "text-generation hi --set max_new_token=1": "max_new_token",
    "text-generation hi --aggregation-strategy simple": "aggregation_strategy",
    "text-generation hi --top-k many": "invalid int value: 'many'",
    "fill-mask hi": "AutoModelForMaskedLM has no class for LlamaConfig",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_cannot_be_run(refused, tiny, arguments):
    assert REFUSED[arguments] in refused("run", *arguments.split(), "--model", tiny)


@pytest.mark.parametrize("texts", [[], ["-"], [""]])
def test_nothing_to_read(refused, tiny, monkeypatch, texts):
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    sentence = refused("run", "text-generation", *texts, "--model", tiny)
    assert "TEXT: there is nothing to read" in sentence
