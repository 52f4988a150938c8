"""fill-mask: words for one gap and for several, of the whole vocabulary or of some words."""

import numpy
import pytest

from tests.tiny_pipelines import tiny_folder
from tinyhf import pipeline
from tinyhf.errors import ArgumentError
from tinyhf.functional import softmax

TEXT = "The [MASK] sat."


@pytest.fixture(scope="module")
def pipe(tmp_path_factory):
    folder = tiny_folder(tmp_path_factory.mktemp("model"), "BertForMaskedLM")
    return pipeline("fill-mask", folder)


def test_one_gap(pipe):
    inputs = pipe.tokenizer(TEXT, return_tensors="np")
    scores = softmax(pipe.model(**inputs).logits[0, 2])
    records = pipe(TEXT)
    assert [record["token"] for record in records] == numpy.argsort(-scores)[:5].tolist()
    for record in records:
        word = pipe.tokenizer.decode([record["token"]])
        sequence = [5, record["token"], *inputs["input_ids"][0, 3:-1]]
        assert record == {
            "score": scores[record["token"]],
            "token": record["token"],
            "token_str": word,
            "sequence": pipe.tokenizer.decode(sequence, skip_special_tokens=True),
        }
    assert pipe([TEXT]) == records
    assert pipe(TEXT, top_k=2) == records[:2]
    assert len(pipe(TEXT, top_k=10**6)) == len(pipe.tokenizer)


def test_several_gaps(pipe):
    first, second = pipe("The [MASK] sat in [MASK].", top_k=3)
    assert len(first) == len(second) == 3
    assert all(one["sequence"].endswith("sat in [MASK]. [SEP]") for one in first)
    assert all(one["sequence"].startswith("[CLS] the [MASK] sat in") for one in second)


def test_targets(pipe, caplog):
    everything = {record["token_str"]: record["score"] for record in pipe(TEXT, top_k=10**6)}
    records = pipe(TEXT, targets=["dog", "cat", "dog", "house"])
    assert {record["token_str"]: record["score"] for record in records} == {
        word: everything[word] for word in ("dog", "cat", "house")
    }
    assert records == sorted(records, key=lambda record: -record["score"])
    assert [record["token_str"] for record in pipe(TEXT, targets="dog")] == ["dog"]
    assert pipe(TEXT, targets="catx")[0]["token_str"] == "cat"
    assert "no 'catx', so targets uses its first piece, 'cat'" in caplog.text


def test_options_for_the_tokenizer(pipe):
    long = TEXT + " good" * 60
    (best, *_) = pipe(long, tokenizer_kwargs={"truncation": True, "max_length": 6})
    assert best["sequence"].endswith("sat.")


@pytest.mark.parametrize(
    ("inputs", "kwargs", "sentence"),
    [
        ("The cat.", {}, r"^inputs: there is no gap to fill .*Put \[MASK\] where"),
        ([TEXT, "The cat."], {}, r"^inputs: there is no gap to fill \(got 'The cat.'"),
        ("", {}, r"^inputs: the text is empty"),
        ([], {}, r"^inputs: the list is empty"),
        (3, {}, r"^inputs: not a text"),
        (TEXT, {"top_k": 0}, r"^top_k: "),
        (TEXT, {"topk": 1}, r"Did you mean top_k\?"),
        (TEXT, {"targets": []}, r"^targets: no words"),
        (TEXT, {"targets": ["cat", 3]}, r"^targets: no words .*\['cat', 3\]"),
        (TEXT, {"targets": ""}, r"^targets: there is nothing in this word"),
        (TEXT, {"tokenizer_kwargs": {"trunkation": 1}}, r"Did you mean truncation\?"),
    ],
)
def test_bad_input(pipe, inputs, kwargs, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        pipe(inputs, **kwargs)


def test_a_tokenizer_without_gaps(pipe):
    tokenizer = pipeline("text-generation", "tinyhf/little-tales").tokenizer
    with pytest.raises(ArgumentError, match=r"^tokenizer: there is no mask token"):
        type(pipe)(pipe.model, tokenizer)
