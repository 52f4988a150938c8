"""Data collators: shapes, padding, what is hidden; and, with parity, what transformers gives."""

import numpy
import pytest

from tinyhf import AutoTokenizer
from tinyhf.backend.random import set_seed
from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.training import (
    DataCollatorForLanguageModeling,
    DataCollatorForSeq2Seq,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    DefaultDataCollator,
    default_data_collator,
)

MASKED = "tinyhf/little-tales-gaps"
TEXTS = ["the cat sat", "a dog and a very small cat ran away", "yes"]


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(MASKED)


@pytest.fixture(scope="module")
def rows(tokenizer):
    return [dict(tokenizer(text)) for text in TEXTS]


def test_default_stacks():
    items = [{"input_ids": [1, 2], "label": 1, "text": "a"}, {"input_ids": [3, 4], "label": 0}]
    batch = default_data_collator(items)
    assert list(batch) == ["labels", "input_ids"]
    assert batch["labels"].tolist() == [1, 0] and batch["labels"].dtype == "int64"
    assert DefaultDataCollator()(items)["input_ids"].tolist() == [[1, 2], [3, 4]]
    floats = default_data_collator([{"label": 0.5}, {"label": 1}])["labels"]
    assert floats.dtype == "float32"
    assert default_data_collator([{"label_ids": [1.0, 0.0]}])["labels"].dtype == "float32"


def test_padding_follows_the_tokenizer(tokenizer, rows):
    items = [{**row, "label": number} for number, row in enumerate(rows)]
    batch = DataCollatorWithPadding(tokenizer, pad_to_multiple_of=8)(items)
    lengths = [len(row["input_ids"]) for row in rows]
    assert batch["input_ids"].shape[1] == -(-max(lengths) // 8) * 8
    assert batch["attention_mask"].sum(1).tolist() == lengths
    assert batch["labels"].tolist() == [0, 1, 2] and "label" not in batch


def test_labels_of_tokens_and_targets(tokenizer, rows):
    items = [{**row, "labels": row["input_ids"]} for row in rows]
    batch = DataCollatorForTokenClassification(tokenizer)(items)
    assert ((batch["labels"] == -100) == (batch["attention_mask"] == 0)).all()
    items = [{**row, "labels": row["input_ids"][:2]} for row in rows]
    batch = DataCollatorForSeq2Seq(tokenizer)(items)
    assert batch["labels"].shape == (3, 2)


def test_hidden_tokens(tokenizer, rows):
    set_seed(0)
    batch = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.5)(rows * 20)
    chosen, ids = batch["labels"] != -100, batch["input_ids"]
    assert (batch["labels"][chosen] != tokenizer.pad_token_id).all()
    hidden = (ids == tokenizer.mask_token_id) & chosen
    assert 0.7 < hidden.sum() / chosen.sum() < 0.9
    again = DataCollatorForLanguageModeling(tokenizer, seed=3)
    same = DataCollatorForLanguageModeling(tokenizer, seed=3)
    assert numpy.array_equal(again(rows)["labels"], same(rows)["labels"])


def test_next_tokens(tokenizer, rows):
    batch = DataCollatorForLanguageModeling(tokenizer, mlm=False)(rows)
    assert ((batch["labels"] == -100) == (batch["input_ids"] == tokenizer.pad_token_id)).all()


def test_refusals(tokenizer):
    with pytest.raises(TokenizerError, match="mlm: the tokenizer has no mask token"):
        DataCollatorForLanguageModeling(AutoTokenizer.from_pretrained("tinyhf/little-tales"))
    with pytest.raises(ArgumentError, match="mask_replace_prob: out of range"):
        DataCollatorForLanguageModeling(tokenizer, mask_replace_prob=2)
    with pytest.raises(ArgumentError, match="at most 1"):
        DataCollatorForLanguageModeling(tokenizer, mask_replace_prob=0.8, random_replace_prob=0.3)
    with pytest.raises(ArgumentError, match=r"item 1 of the batch: .*wanted 'labels'"):
        items = [{"input_ids": [1], "labels": [1]}, {"input_ids": [1]}]
        DataCollatorForSeq2Seq(tokenizer)(items)


# ---- the very arrays of transformers -----------------------------------------------------------


def theirs(tokenizer, tmp_path):
    transformers = pytest.importorskip("transformers")
    tokenizer.save_pretrained(tmp_path)
    return transformers, transformers.AutoTokenizer.from_pretrained(tmp_path)


def assert_equal(ours, theirs):
    assert set(ours) == set(theirs)
    for name, array in ours.items():
        other = theirs[name].numpy()
        assert array.dtype == other.dtype and numpy.array_equal(array, other), name


@pytest.mark.parity
@pytest.mark.parametrize("side", ["right", "left"])
def test_padding_as_transformers(tokenizer, rows, tmp_path, side):
    transformers, other = theirs(tokenizer, tmp_path)
    tokenizer.padding_side = other.padding_side = side
    cases = {
        "DataCollatorWithPadding": [{**row, "label": i} for i, row in enumerate(rows)],
        "DataCollatorForTokenClassification": [{**row, "labels": row["input_ids"]} for row in rows],
        "DataCollatorForSeq2Seq": [{**row, "labels": row["input_ids"][1:]} for row in rows],
    }
    try:
        for name, items in cases.items():
            for options in ({}, {"pad_to_multiple_of": 8}):
                ours = globals()[name](tokenizer, **options)([dict(item) for item in items])
                assert_equal(ours, getattr(transformers, name)(other, **options)(items))
    finally:
        tokenizer.padding_side = "right"


@pytest.mark.parity
def test_default_as_transformers():
    transformers = pytest.importorskip("transformers")
    items = [
        [{"input_ids": [1, 2], "label": 1}, {"input_ids": [3, 4], "label": 0}],
        [{"x": [0.5, 1.0], "label": 0.5}, {"x": [2.0, 1.0], "label": 1.0}],
        [{"x": numpy.ones(3, "float32"), "label_ids": [1, 2]}],
    ]
    for case in items:
        assert_equal(default_data_collator(case), transformers.default_data_collator(case))


@pytest.mark.parity
@pytest.mark.parametrize(
    "options",
    [{}, {"mlm": False}, {"seed": 5}, {"mask_replace_prob": 1.0, "random_replace_prob": 0.0}],
)
def test_masks_as_transformers(tokenizer, rows, tmp_path, options):
    """Several batches in a row from the same seed: every draw is the same."""
    transformers, other = theirs(tokenizer, tmp_path)
    set_seed(7), transformers.set_seed(7)
    ours = DataCollatorForLanguageModeling(tokenizer, **options)
    their = transformers.DataCollatorForLanguageModeling(other, **options)
    for count in (3, 9, 30):
        items = (rows * 10)[:count]
        assert_equal(ours([dict(item) for item in items]), their([dict(item) for item in items]))
