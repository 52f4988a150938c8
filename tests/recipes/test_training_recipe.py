"""The recipe of little-tales, in small: a few lessons, stopped and gone on with, and saved."""

from itertools import count, islice

import numpy as np
import pytest

from tinyhf import AutoModelForCausalLM, AutoTokenizer
from tinyhf.autograd import plain
from tinyhf.recipes import runs
from tinyhf.recipes.little_tales import corpus
from tinyhf.recipes.little_tales.lessons import PAD, VOCAB_SIZE, lessons, train_tokenizer
from tinyhf.recipes.little_tales.train import held_out_loss, new_model, save, train
from tinyhf.training import Trainer, TrainingArguments

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(corpus(2000))


@pytest.fixture(scope="module")
def batches(tokenizer):
    return [
        {name: array[:6] for name, array in batch.items()}
        for batch in islice(lessons(tokenizer, corpus(24)), 12)
    ]


def test_lessons(batches, tokenizer):
    assert tokenizer.get_vocab_size() == VOCAB_SIZE
    for batch in batches:
        ids, labels = batch["input_ids"], batch["labels"]
        np.testing.assert_array_equal(labels == -100, ids == PAD)


def test_stopped_and_gone_on_with(tmp_path, batches, monkeypatch):
    monkeypatch.setattr(runs, "TrainingArguments", saving_every_step)
    whole = train(new_model(0), batches, tmp_path / "whole")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Trainer, "update_weights", stopping_at_step(8))
        train(new_model(0), batches, tmp_path / "in_two")
    (checkpoint,) = (tmp_path / "in_two" / "checkpoints").iterdir()
    assert checkpoint.name == "checkpoint-7"
    in_two = train(new_model(1), batches, tmp_path / "in_two")
    for (name, array), (_, other) in zip(
        whole.model.named_parameters(), in_two.model.named_parameters(), strict=True
    ):
        assert plain(array).tobytes() == plain(other).tobytes(), name


def saving_every_step(**settings):
    return TrainingArguments(**{**settings, "save_steps": 1})


def stopping_at_step(number):
    """``Trainer.update_weights``, until somebody presses Ctrl-C in this step."""
    real, steps = Trainer.update_weights, count(1)

    def update_weights(trainer):
        if next(steps) == number:
            raise KeyboardInterrupt
        real(trainer)

    return update_weights


def test_a_short_run(tmp_path, batches, tokenizer):
    trainer = train(new_model(0), batches, tmp_path)
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert len(losses) == len(batches) and losses[-1] < losses[0]
    before = held_out_loss(trainer.model, batches[:2])
    save(trainer.model, tokenizer, tmp_path)
    model = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert held_out_loss(model, batches[:2]) == pytest.approx(before, rel=1e-2)  # bfloat16
    assert AutoTokenizer.from_pretrained(tmp_path)("Tom was sad.")["input_ids"][0] == 1
    assert model.generation_config.temperature == 0.7
