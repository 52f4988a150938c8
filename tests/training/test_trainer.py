"""The Trainer: what it learns, logs, evaluates and refuses."""

import json
import re

import numpy
import pytest

from tests.training.tiny_trainers import (
    arguments,
    classifier,
    labelled,
    llama,
    losses,
    same_weights,
    sentences,
    trainer,
)
from tinyhf.autograd import Tensor
from tinyhf.errors import ArgumentError, NumericsError
from tinyhf.training import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    default_data_collator,
)


def test_it_learns(tmp_path):
    run = trainer(tmp_path, max_steps=40, learning_rate=3e-2)
    output = run.train()
    assert losses(run)[-1] < 0.5 * losses(run)[0]
    assert output.global_step == run.state.global_step == 40
    assert output.training_loss == pytest.approx(numpy.mean(losses(run)))
    last = run.state.log_history[-1]
    assert last["train_loss"] == output.training_loss and last["epoch"] == 40 / 3
    assert not run.model.training


def test_the_same_seed_is_the_same_run(tmp_path):
    runs = [trainer(tmp_path, seed=seed) for seed in (1, 1, 2)]
    for run in runs:
        run.model.init_weights(seed=0)
        run.__init__(run.model, run.args, train_dataset=sentences())
        run.train()
    assert losses(runs[0]) == losses(runs[1]) != losses(runs[2])
    assert same_weights(runs[0].model, runs[1].model)


def test_accumulating_is_one_large_batch(tmp_path):
    """For heads of the next token; items of different lengths have their share of tokens."""
    rows = [{"input_ids": i["input_ids"], "labels": i["labels"]} for i in sentences(8)]
    for row in rows[::3]:
        row["labels"] = [-100, -100, *row["labels"][2:]]
    one = trainer(tmp_path, model=llama(attention_dropout=0.0), train_dataset=rows, max_steps=4)
    two = trainer(
        tmp_path,
        model=llama(attention_dropout=0.0),
        train_dataset=rows,
        max_steps=4,
        per_device_train_batch_size=2,
        gradient_accumulation_steps=2,
    )
    one.train(), two.train()
    assert losses(one) == pytest.approx(losses(two), rel=1e-5)


def test_lines_of_the_log(tmp_path):
    run = trainer(tmp_path, max_steps=5, logging_steps=2, warmup_steps=2)
    run.train()
    lines = [entry for entry in run.state.log_history if "loss" in entry]
    assert [entry["step"] for entry in lines] == [2, 4]
    assert [entry["epoch"] for entry in lines] == pytest.approx([2 / 3, 4 / 3])
    assert [entry["learning_rate"] for entry in lines] == pytest.approx([5e-3, 1e-2 * 2 / 3])
    assert all(entry["grad_norm"] > 0 for entry in lines)


def test_evaluate_and_predict(tmp_path):
    items = labelled(10)

    def compute_metrics(prediction):
        assert prediction.predictions.shape == (10, 3)
        right = prediction.predictions.argmax(-1) == prediction.label_ids
        return {"accuracy": right.mean()}

    run = trainer(
        tmp_path,
        model=classifier(),
        train_dataset=items,
        eval_dataset=items,
        compute_metrics=compute_metrics,
        max_steps=60,
        eval_strategy="steps",
        eval_steps=30,
        logging_steps=30,
    )
    run.train()
    evaluations = [entry for entry in run.state.log_history if "eval_loss" in entry]
    assert [entry["step"] for entry in evaluations] == [30, 60]
    assert evaluations[-1]["eval_accuracy"] == 1.0
    output = run.predict(items)
    assert output.metrics["test_accuracy"] == 1.0
    assert output.predictions.dtype == numpy.float32 and type(output.predictions) is numpy.ndarray
    assert run.evaluate({"a": items, "b": items})["eval_b_accuracy"] == 1.0


def test_predictions_of_different_lengths_are_filled(tmp_path):
    rows = sentences(5, 4) + sentences(4, 6)
    run = trainer(tmp_path, per_device_eval_batch_size=5)
    predictions, label_ids, _ = run.predict(rows)
    assert predictions.shape == (9, 6, 24) and label_ids.shape == (9, 6)
    assert (predictions[:5, 4:] == -100).all() and (label_ids[:5, 4:] == -100).all()


def test_early_stopping_and_the_best_model(tmp_path):
    run = trainer(
        tmp_path,
        eval_dataset=sentences(),
        max_steps=20,
        learning_rate=0.0,  # so the first evaluation stays the best
        eval_strategy="steps",
        eval_steps=2,
        save_strategy="steps",
        save_steps=2,
        save_total_limit=1,
        load_best_model_at_end=True,
        callbacks=[EarlyStoppingCallback(early_stopping_patience=3)],
    )
    run.train()
    assert run.state.global_step == 8
    assert run.state.best_model_checkpoint.endswith("checkpoint-2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-2", "checkpoint-8"]


def test_callbacks_see_every_event_in_order(tmp_path):
    seen = []
    events = [name for name in vars(TrainerCallback) if name.startswith("on_")]

    def note(event):
        return lambda self, args, state, control, **kwargs: seen.append(event)

    watcher = type("Watcher", (TrainerCallback,), {event: note(event) for event in events})
    run = trainer(tmp_path, max_steps=1, gradient_accumulation_steps=2, callbacks=[watcher])
    run.train()
    assert seen == [
        "on_init_end",
        "on_train_begin",
        "on_epoch_begin",
        "on_step_begin",
        "on_substep_end",
        "on_pre_optimizer_step",
        "on_optimizer_step",
        "on_step_end",
        "on_log",
        "on_epoch_end",
        "on_log",
        "on_train_end",
    ]


def test_a_callback_can_stop_it(tmp_path):
    class Stop(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            control.should_training_stop = state.global_step == 2

    run = trainer(tmp_path, callbacks=[Stop()])
    run.train()
    assert run.state.global_step == 2
    assert isinstance(run.pop_callback(Stop), Stop)


def test_training_again_goes_on_with_the_weights(tmp_path):
    run = trainer(tmp_path)
    run.train()
    first = losses(run)
    run.train()
    assert len(losses(run)) == 6 and losses(run)[0] < first[0]
    assert run.state.log_history[0]["learning_rate"] == 1e-2


def test_only_tensors_are_trained(tmp_path):
    model = llama()
    model.lm_head.weight = Tensor(model.lm_head.weight)
    before = model.model.layers[0].mlp.up_proj.weight.copy()
    trainer(tmp_path, model=model).train()
    assert numpy.array_equal(before, model.model.layers[0].mlp.up_proj.weight)


def test_bar_and_lines(tmp_path, capsys):
    trainer(tmp_path, disable_tqdm=False, max_steps=2).train()
    bar, lines = capsys.readouterr().err, capsys.readouterr().out
    assert "2/2" in bar and "tokens/s" in bar
    trainer(tmp_path, max_steps=2).train()
    lines = capsys.readouterr().out.splitlines()
    assert re.match(r"loss \d\.\d+ · grad_norm .* · learning_rate 0.01 · epoch 0.3333", lines[0])


def test_plot_loss(tmp_path):
    pyplot = pytest.importorskip("matplotlib.figure")
    run = trainer(tmp_path)
    ax = pyplot.Figure().gca()
    with pytest.raises(ArgumentError, match="no loss was logged"):
        run.plot_loss(ax)
    run.train()
    assert list(run.plot_loss(ax).lines[0].get_ydata()) == losses(run)


def test_group_by_length_and_dropping(tmp_path):
    rows = sentences(5, 4) + sentences(4, 6)
    run = trainer(tmp_path, train_dataset=rows, group_by_length=True, per_device_train_batch_size=1)
    run.train()
    run = trainer(tmp_path, dataloader_drop_last=True, per_device_train_batch_size=5)
    assert len(run.get_train_dataloader()) == 2


def test_label_smoothing(tmp_path):
    run = trainer(tmp_path, label_smoothing_factor=1.0, model=llama(attention_dropout=0.0))
    run.train()
    assert losses(run)[0] > numpy.log(24)  # all classes alike: never below log(classes)


# ---- what is refused, in a sentence ------------------------------------------------------------


def refuses(match, error=ArgumentError):
    return pytest.raises(error, match=match)


def test_items_that_cannot_be_used(tmp_path):
    rows = sentences()
    without = [{"input_ids": row["input_ids"]} for row in rows]
    with refuses(r"train_dataset: the model computed no loss.*DataCollatorForLanguageModeling"):
        trainer(tmp_path, train_dataset=without).train()
    with refuses(r"item \d of the batch: an item of the dataset lacks a column.*'labels'"):
        trainer(tmp_path, train_dataset=rows[:11] + without[:1]).train()
    with refuses(r"input_ids: the rows of a batch have different lengths \(got \[5, 6\]\)"):
        longer = [*rows[:11], {"input_ids": [3] * 5, "labels": [3] * 5}]
        trainer(tmp_path, train_dataset=longer).train()
    with refuses(r"a label is none of the classes \(wanted 0 to 2"):
        items = [{**item, "label": 3} for item in labelled()]
        trainer(tmp_path, model=classifier(), train_dataset=items).train()
    with refuses(r"item 0 of train_dataset|has no column that the model reads"):
        trainer(tmp_path, train_dataset=[{"text": "a"}]).train()


def test_datasets_that_are_none(tmp_path):
    with refuses(r"train_dataset: there are no items"):
        trainer(tmp_path, train_dataset=[]).train()
    with refuses(r"train_dataset: is no dataset .*got 'generator'"):
        trainer(tmp_path, train_dataset=(i for i in [])).train()
    with refuses(r"train_dataset: there is nothing to train on"):
        Trainer(llama(), arguments(tmp_path)).train()
    with refuses(r"eval_dataset: there is nothing to evaluate on"):
        trainer(tmp_path).evaluate()
    with refuses(r"model: there is nothing to train"):
        Trainer(args=arguments(tmp_path))


@pytest.mark.filterwarnings("ignore:invalid value")
def test_nan_says_where_it_begins_and_leaves_the_weights(tmp_path):
    class Spoil(TrainerCallback):
        def on_step_end(self, args, state, control, model, **kwargs):
            if state.global_step == 2:
                model.model.norm.weight.array[3] = numpy.nan

    run = trainer(tmp_path, callbacks=[Spoil()])
    with refuses(r"step 3: the loss is nan, .*finite is model\.norm\.weight", NumericsError):
        run.train()
    assert run.state.global_step == 2
    rows = [{**row, "labels": [-100] * 6} for row in sentences()]
    with refuses(r"step 1: the loss is NaN, because every label .* -100", NumericsError):
        trainer(tmp_path, train_dataset=rows).train()


def test_arguments():
    with refuses(r"learnin_rate: .*no such argument\. Did you mean 'learning_rate'\?"):
        TrainingArguments("x", learnin_rate=1)
    with refuses(r"deepspeed: is not supported .*one process"):
        TrainingArguments("x", deepspeed="config.json")
    with refuses(r"report_to: cannot report to it \(got \['wandb'\]\).*log_history"):
        TrainingArguments("x", report_to="wandb")
    with refuses(r"eval_strategy: is no such choice \(wanted 'no' or 'steps' or 'epoch'"):
        TrainingArguments("x", eval_strategy="sometimes")
    with refuses(r"per_device_train_batch_size: is out of range"):
        TrainingArguments("x", per_device_train_batch_size=0)
    with refuses(r"logging_steps: is no interval"):
        TrainingArguments("x", logging_steps=2.5)
    with refuses(r"load_best_model_at_end: the best model"):
        TrainingArguments("x", load_best_model_at_end=True)
    with refuses(r"save_steps: .*must be a multiple of eval_steps"):
        TrainingArguments(
            "x", load_best_model_at_end=True, eval_strategy="steps", eval_steps=3, save_steps=4
        )
    with refuses(r"optim: there is no such optimizer"):
        Trainer(llama(), TrainingArguments("x", optim="lion"), train_dataset=sentences()).train()
    with refuses(r"metric_for_best_model: is not among the metrics"):
        run = Trainer(llama(), TrainingArguments("x", metric_for_best_model="f1"))
        run._remember_best({"eval_loss": 1.0})


def test_older_names_and_derived_values():
    args = TrainingArguments(
        "x",
        evaluation_strategy="epoch",
        warmup_ratio=0.1,
        push_to_hub=False,
        fsdp="",
        logging_dir="logs",
        metric_for_best_model="accuracy",
    )
    assert args.eval_strategy == "epoch" and args.do_eval
    assert args.get_warmup_steps(25) == 3
    assert args.greater_is_better
    assert TrainingArguments("x", eval_strategy="steps", logging_steps=7).eval_steps == 7
    assert json.loads(args.to_json_string())["output_dir"] == "x"


def test_collator_of_a_user(tmp_path):
    seen = []

    def collate(items):
        seen.append(sorted(items[0]))
        return default_data_collator(items)

    rows = [{**row, "text": "a"} for row in sentences()]
    trainer(tmp_path, train_dataset=rows, data_collator=collate, max_steps=1).train()
    assert seen[0] == ["input_ids", "labels"]


def test_on_another_device(tmp_path, strict_library):
    """A GPU's stand-in, which refuses to mix its arrays with the host's."""
    options = {"eval_dataset": sentences(4), "save_strategy": "steps", "save_steps": 3}
    runs = []
    for device in ("cpu", "strict"):
        runs.append(trainer(tmp_path / device, model=llama().to(device), **options))
        runs[-1].train()
    assert losses(runs[0]) == pytest.approx(losses(runs[1]), rel=1e-5)
    assert runs[0].evaluate()["eval_loss"] == pytest.approx(runs[1].evaluate()["eval_loss"])
    predictions = runs[1].predict(sentences(4)).predictions
    assert type(predictions) is numpy.ndarray
    resumed = trainer(tmp_path / "strict", model=llama().to("strict"), **options)
    resumed.train(resume_from_checkpoint=tmp_path / "strict" / "checkpoint-3")
    assert losses(resumed) == losses(runs[1])


def test_recomputing_and_scaling_change_nothing(tmp_path, caplog):
    plain = trainer(tmp_path)
    plain.train()
    for changes in ({"gradient_checkpointing": True}, {"fp16": True}):
        run = trainer(tmp_path, **changes)
        run.train()
        assert losses(run) == pytest.approx(losses(plain), rel=1e-5)
    assert "there is no autocast here" in caplog.text
