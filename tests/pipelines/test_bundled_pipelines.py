"""Every task that has a bundled model gives a meaningful answer when no model is named."""

import pytest

from tinyhf import pipeline

#: task → the input, a field of the answer, and what it is.
CALLS = {
    "text-classification": ("Lily found her kite and smiled.", "label", "POSITIVE"),
    "sentiment-analysis": ("Tom lost his ball and cried.", "label", "NEGATIVE"),
    "token-classification": ("Tim found a ball in the garden.", "entity", "B-PER"),
    "ner": ("Tim found a ball in the garden.", "word", "Tim"),
    "fill-mask": ("Once upon a [MASK], there was a little girl.", "token_str", "time"),
    "translation": ("The dog is happy.", "translation_text", "Le chien est heureux."),
    "translation_en_to_fr": (
        "The white cat is in the garden.",
        "translation_text",
        "Le chat blanc est dans le jardin.",
    ),
    "text2text-generation": ("The dog is happy.", "generated_text", "Le chien est heureux."),
}


@pytest.mark.parametrize("task", CALLS)
def test_without_a_model(task, caplog):
    text, field, answer = CALLS[task]
    assert pipeline(task)(text)[0][field] == answer
    (note,) = [record for record in caplog.messages if "No model was named" in record]
    assert f"for {task}, so the bundled tinyhf/little-tales-" in note


def test_vectors_of_tokens():
    (vectors,) = pipeline("feature-extraction")("Tom was sad.")
    assert len({len(vector) for vector in vectors}) == 1 and len(vectors) >= 6


def test_a_story():
    (story,) = pipeline("text-generation")("Once upon a time", max_new_tokens=20, seed=1)
    assert story["generated_text"].startswith("Once upon a time") and "." in story["generated_text"]
