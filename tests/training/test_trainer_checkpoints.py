"""Checkpoints: whole whenever a run is killed, and a resumed run ends where it would have ended."""

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

from tests.training.tiny_trainers import llama, losses, same_weights, sentences, trainer, weights
from tinyhf import AutoTokenizer, LlamaForCausalLM
from tinyhf.errors import CheckpointError
from tinyhf.training import (
    DataCollatorForLanguageModeling,
    TrainerCallback,
    checkpoints,
    get_last_checkpoint,
)

ROOT = Path(__file__).resolve().parents[2]
SAVING = {"save_strategy": "steps", "save_steps": 2, "max_steps": 9, "lr_scheduler_type": "cosine"}


def names(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def numbers_of(run):
    """The log without what a clock says."""
    return [
        {name: value for name, value in entry.items() if "time" not in name and "_per_" not in name}
        for entry in run.state.log_history
    ]


def test_files(tmp_path):
    run = trainer(tmp_path, **SAVING, save_total_limit=2)
    run.train()
    assert names(tmp_path) == ["checkpoint-8", "checkpoint-9"]
    assert get_last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-9")
    last = tmp_path / "checkpoint-9"
    assert names(last) == [
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "optimizer.json",
        "optimizer.safetensors",
        "rng_state.safetensors",
        "run_state.json",
        "trainer_state.json",
        "training_args.json",
    ]
    assert same_weights(LlamaForCausalLM.from_pretrained(last), run.model)
    state = json.loads((last / "trainer_state.json").read_text())
    assert state["global_step"] == 9 and len(state["log_history"]) == 9


@pytest.mark.parametrize("step", [2, 3, 4, 6])  # 3 and 6 are ends of epochs
def test_a_resumed_run_ends_where_it_would_have_ended(tmp_path, step):
    """Bit for bit, with dropout, accumulation, and a log that is between two lines."""
    options = {
        **SAVING,
        "save_steps": step,
        "logging_steps": 4,
        "gradient_accumulation_steps": 2,
        "per_device_train_batch_size": 2,
        "eval_dataset": sentences(4),
        "eval_strategy": "epoch",
    }
    whole = trainer(tmp_path / "whole", **options)
    whole.train()
    resumed = trainer(tmp_path / "other", model=llama(), **options)
    resumed.train(resume_from_checkpoint=str(tmp_path / "whole" / f"checkpoint-{step}"))
    assert same_weights(whole.model, resumed.model)
    assert numbers_of(whole) == numbers_of(resumed)


def test_resuming_a_finished_run(tmp_path):
    """Nothing is left to do, unless it is made longer."""
    run = trainer(tmp_path, **SAVING)
    run.train()
    again = trainer(tmp_path, model=llama(), **SAVING)
    again.train(resume_from_checkpoint=True)
    assert again.state.global_step == 9 and same_weights(run.model, again.model)
    longer = trainer(tmp_path, model=llama(), **{**SAVING, "max_steps": 11, "save_steps": 100})
    longer.train(resume_from_checkpoint=True)
    assert longer.state.global_step == 11 and names(tmp_path)[0] == "checkpoint-11"


def test_resuming_with_a_collator_that_draws(tmp_path):
    tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales-gaps")
    rows = [{"input_ids": row["input_ids"]} for row in sentences()]
    runs = []
    for folder in ("whole", "other"):
        collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=0.5)
        options = {"data_collator": collator, "train_dataset": rows, **SAVING}
        model = llama(vocab_size=len(tokenizer))
        runs.append(trainer(tmp_path / folder, model=model, **options))
    runs[0].train()
    runs[1].train(resume_from_checkpoint=tmp_path / "whole" / "checkpoint-4")
    assert same_weights(runs[0].model, runs[1].model)


@pytest.mark.parametrize(
    ("saving", "step"),
    [({"save_strategy": "steps", "save_steps": 8}, 8), ({"save_strategy": "epoch"}, 6)],
)
def test_resuming_where_the_order_is_drawn_from_the_same_stream(tmp_path, saving, step):
    """Rows grouped by length, and dropout: in the middle of the second epoch, and before it."""
    rows = [{"input_ids": [5, 6] * length, "labels": [5, 6] * length} for length in range(1, 7)]
    options = {
        "train_dataset": rows,
        "train_sampling_strategy": "group_by_length",
        "per_device_train_batch_size": 1,
        "max_steps": 15,
        **saving,
    }
    whole = trainer(tmp_path / "whole", **options)
    whole.train()
    resumed = trainer(tmp_path / "other", model=llama(), **options)
    resumed.train(resume_from_checkpoint=tmp_path / "whole" / f"checkpoint-{step}")
    assert same_weights(whole.model, resumed.model)
    assert numbers_of(whole) == numbers_of(resumed)


KILLED = """
import os, signal, sys
from tests.training.tiny_trainers import trainer
from tinyhf.training import checkpoints

def kill(*args):
    os.kill(os.getpid(), signal.SIGKILL)

run = trainer(sys.argv[1], save_strategy="steps", save_steps=2, max_steps=9)
where = sys.argv[2]
if where != "never":
    target = {"optimizer": "save_optimizer", "random": "save_file"}[where]
    original, calls = getattr(checkpoints, target), []
    def at_third(*args, **kwargs):
        calls.append(1)
        original(*args, **kwargs)
        if len(calls) == 3:
            kill()
    setattr(checkpoints, target, at_third)
run.train(resume_from_checkpoint=len(sys.argv) > 3)
run.save_model(sys.argv[1] + "/final")
"""


def run_killed(folder, where, *more):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", KILLED, str(folder), where, *more]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True).returncode


@pytest.mark.parametrize("where", ["optimizer", pytest.param("random", marks=pytest.mark.slow)])
def test_killed_while_writing(tmp_path, where):
    """The third checkpoint is half written; the run goes on from the second."""
    assert run_killed(tmp_path / "a", where) == -signal.SIGKILL
    assert names(tmp_path / "a") == ["checkpoint-2", "checkpoint-4", "unfinished-checkpoint-6"]
    assert run_killed(tmp_path / "a", "never", "resume") == 0
    assert run_killed(tmp_path / "b", "never") == 0
    final = [tmp_path / folder / "final" / "model.safetensors" for folder in "ab"]
    assert final[0].read_bytes() == final[1].read_bytes()
    assert "unfinished-checkpoint-6" not in names(tmp_path / "a")


def test_a_full_disk_is_a_sentence_and_nothing_is_lost(tmp_path):
    """The system refuses files above a size: the second checkpoint does not fit."""

    class FillDisk(TrainerCallback):
        def on_save(self, args, state, control, **kwargs):
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    run = trainer(tmp_path, **SAVING, callbacks=[FillDisk()])
    try:
        with pytest.raises(CheckpointError, match=r"checkpoint-4: cannot be written.*make room"):
            run.train()
        with pytest.raises(CheckpointError, match=r"cannot be written"):
            run.save_model(tmp_path / "model")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [name for name in names(tmp_path) if "checkpoint" in name] == ["checkpoint-2"]
    run.save_model(tmp_path / "model")
    assert same_weights(LlamaForCausalLM.from_pretrained(tmp_path / "model"), run.model)
    again = trainer(tmp_path, model=llama(), **SAVING)
    again.train(resume_from_checkpoint=True)
    assert again.state.global_step == 9


def test_nothing_to_resume_from(tmp_path):
    with pytest.raises(CheckpointError, match=r"there is no checkpoint to resume from"):
        trainer(tmp_path).train(resume_from_checkpoint=True)
    with pytest.raises(CheckpointError, match=r"no run can be resumed from this folder"):
        trainer(tmp_path).train(resume_from_checkpoint=str(tmp_path))
    run = trainer(tmp_path, **SAVING)
    run.train()
    (tmp_path / "checkpoint-9" / "trainer_state.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"trainer_state.json: the state of the training"):
        trainer(tmp_path, **SAVING).train(resume_from_checkpoint=True)


def test_the_best_model_is_loaded_and_kept(tmp_path):
    class Spoil(TrainerCallback):
        def on_step_end(self, args, state, control, model, **kwargs):
            if state.global_step == 6:
                model.lm_head.weight.array[:] = 9.0

    run = trainer(
        tmp_path,
        **SAVING,
        eval_dataset=sentences(),
        eval_strategy="steps",
        eval_steps=2,
        save_total_limit=2,
        load_best_model_at_end=True,
        callbacks=[Spoil()],
    )
    run.train()
    assert run.state.best_global_step == 4
    assert names(tmp_path) == ["checkpoint-4", "checkpoint-9"]
    best = LlamaForCausalLM.from_pretrained(tmp_path / "checkpoint-4")
    assert same_weights(best, run.model)
    assert not numpy.array_equal(weights(best)["lm_head.weight"], 9.0)
    assert checkpoints.find_resumable(True, tmp_path).name == "checkpoint-9"
    assert len(losses(run)) == 9
