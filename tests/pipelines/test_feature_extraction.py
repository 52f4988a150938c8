"""feature-extraction: the vectors of a text."""

import numpy
import pytest

from tests.tiny_pipelines import TEXTS, tiny_folder
from tinyhf import pipeline
from tinyhf.errors import ArgumentError


@pytest.fixture(scope="module")
def pipe(tmp_path_factory):
    return pipeline(model=tiny_folder(tmp_path_factory.mktemp("model"), "DistilBertModel"))


def test_vectors(pipe):
    inputs = pipe.tokenizer(TEXTS[0], return_tensors="np")
    expected = pipe.model(**inputs).last_hidden_state
    assert pipe(TEXTS[0]) == expected.tolist()
    numpy.testing.assert_array_equal(pipe(TEXTS[0], return_tensors=True), expected)
    assert [len(one[0]) for one in pipe(TEXTS)] == [len(row) for row in lengths(pipe)]


def test_no_vectors_of_padding(pipe):
    assert [len(one[0]) for one in pipe(TEXTS, batch_size=4)] == list(map(len, lengths(pipe)))


def lengths(pipe):
    return pipe.tokenizer(TEXTS)["input_ids"]


def test_options_for_the_tokenizer(pipe):
    (vectors,) = pipe(TEXTS[2] * 4, truncation=True)
    assert len(vectors) == 40
    (vectors,) = pipe(TEXTS[2], tokenize_kwargs={"truncation": True, "max_length": 9})
    assert len(vectors) == 9


@pytest.mark.parametrize(
    ("inputs", "kwargs", "sentence"),
    [
        ("", {}, r"^inputs: the text is empty"),
        ([], {}, r"^inputs: the list is empty"),
        (3, {}, r"^inputs: not a text"),
        ("a", {"return_tensor": True}, r"Did you mean return_tensors\?"),
        ("a", {"tokenize_kwargs": {"trunkation": 1}}, r"Did you mean truncation\?"),
        ("a", {"truncation": True, "tokenize_kwargs": {"truncation": True}}, r"^truncation: given"),
    ],
)
def test_bad_input(pipe, inputs, kwargs, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        pipe(inputs, **kwargs)
