"""The recipe of the little tasks, in small: every stage, stopped and gone on with, and passed over.

Three batches of each task are read, with a checkpoint after each, and the second run is stopped
in the middle of the third.
"""

from itertools import count

import pytest

from tinyhf.recipes import runs
from tinyhf.recipes.little_tasks import card, questions, tags, train
from tinyhf.recipes.little_tasks.rows import question_rows, tag_rows
from tinyhf.recipes.little_tasks.tokenizer import VOCAB_SIZE, find_pieces, train_tokenizer
from tinyhf.training import Trainer, TrainingArguments

pytestmark = pytest.mark.slow

NAMES, STEPS = [train.GAPS, *train.HEADS], 3


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer()


def test_the_same_pieces_in_every_run():
    texts = [row["text"] for row in tags.examples(200)]
    assert find_pieces(texts) == find_pieces(texts)


def test_the_tokenizer_keeps_capitals_and_knows_the_words(tokenizer):
    assert tokenizer.tokenize("Lily was sad.") == ["Lily", "was", "sad", "."]
    assert tokenizer.tokenize("lily")[0] != "Lily"
    assert len(tokenizer) == VOCAB_SIZE


def test_answers_are_where_the_rows_say(tokenizer):
    rows = question_rows(tokenizer, 200)
    for row, example in zip(rows, questions.examples(200), strict=True):
        answer = row["input_ids"][row["start_positions"] : row["end_positions"] + 1]
        wanted = example["answers"]["text"] or ["[CLS]"]
        assert answer == tokenizer(wanted[0], add_special_tokens=False)["input_ids"]


def test_every_piece_of_a_word_is_tagged(tokenizer):
    for row, example in zip(tag_rows(tokenizer, 50), tags.examples(50), strict=True):
        names = [tags.LABELS[label] for label in row["labels"][1:-1]]  # without [CLS] and [SEP]
        begins = [tag for tag in names if tag[0] == "B"]
        assert begins == [tag for tag in example["tags"] if tag[0] == "B"]
        assert row["labels"][0] == row["labels"][-1] == -100


class Stopped(Exception):
    """As a user stops a command."""


@pytest.fixture(scope="module")
def in_small():
    with pytest.MonkeyPatch.context() as patch:
        few = STEPS * train.BATCH_SIZE
        patch.setattr(train, "GAP_EXAMPLES", few)
        for name, head in train.HEADS.items():
            patch.setitem(train.HEADS, name, head._replace(examples=few))
        patch.setattr(card, "EXAMPLES", 20)
        patch.setattr(
            runs,
            "TrainingArguments",
            lambda **settings: TrainingArguments(**{**settings, "save_steps": 1}),
        )
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory, in_small):
    """A folder with all four, made in one go."""
    folder = tmp_path_factory.mktemp("whole")
    for name in NAMES:
        train.make(name, folder, seed=0)
    return folder


def stop_in_step(number, patch):
    """Let the next run get into this step, and no further."""
    real, steps = Trainer.training_step, count(1)

    def step(*arguments, **options):
        if next(steps) == number:
            raise Stopped
        return real(*arguments, **options)

    patch.setattr(Trainer, "training_step", step)


@pytest.mark.parametrize("name", NAMES)
def test_stopped_and_gone_on_with(name, whole, tmp_path):
    if name != train.GAPS:
        (tmp_path / "little-tales-gaps").symlink_to(whole / "little-tales-gaps")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
        stop_in_step(STEPS, patch)
        train.make(name, tmp_path, seed=0)
    folder = tmp_path / f"little-tales-{name}"
    assert [path.name for path in folder.glob("checkpoints/*")] == [f"checkpoint-{STEPS - 1}"]
    train.make(name, tmp_path, seed=0)
    other = whole / folder.name
    assert {path.name for path in folder.iterdir()} == {path.name for path in other.iterdir()}
    for file in ("model.safetensors", "tokenizer.json", "config.json"):
        assert (folder / file).read_bytes() == (other / file).read_bytes(), file


@pytest.mark.parametrize("name", train.HEADS)
def test_another_seed_gives_other_weights(name, whole, tmp_path):
    (tmp_path / "little-tales-gaps").symlink_to(whole / "little-tales-gaps")
    train.make(name, tmp_path, seed=1)
    file = f"little-tales-{name}/model.safetensors"
    assert (tmp_path / file).read_bytes() != (whole / file).read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_finished_model_is_passed_over(name, whole, capsys):
    folder = whole / f"little-tales-{name}"
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    train.make(name, whole, seed=0)
    assert f"{folder} is finished" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == before
