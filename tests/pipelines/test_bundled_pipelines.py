"""Every task that has a bundled model runs without naming one, without a network."""

import pytest

from tinyhf import pipeline
from tinyhf.hub.bundled import BUNDLED
from tinyhf.pipelines import SUPPORTED_TASKS
from tinyhf.pipelines.registry import default_model

#: task → the input, and what the answer has.
CALLS = {
    "text-generation": (["Once upon a time"], "generated_text"),
    "text-classification": (["The little dog was happy."], "label"),
    "sentiment-analysis": (["Tim lost his ball and cried."], "score"),
    "token-classification": (["Tim found a ball in the garden."], "entity"),
    "fill-mask": (["Once upon a {mask}."], "token_str"),
    "translation": (["The dog is happy."], "translation_text"),
    "translation_en_to_fr": (["The dog is happy."], "translation_text"),
    "text2text-generation": (["The dog is happy."], "generated_text"),
}


@pytest.mark.parametrize("task", CALLS)
def test_without_a_model(task, caplog):
    name = task.split("_")[0].replace("sentiment-analysis", "text-classification")
    bundled, _ = default_model(task, SUPPORTED_TASKS[name], None)
    if bundled not in BUNDLED:
        pytest.skip(f"{bundled} is not bundled yet")
    pipe = pipeline(task)
    (text,), key = CALLS[task]
    if task == "fill-mask":
        text = text.format(mask=pipe.tokenizer.mask_token)
    options = {"max_new_tokens": 4} if key.endswith("_text") else {}
    assert all(key in record for record in pipe(text, **options))
