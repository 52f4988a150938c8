"""Recipe · What all recipes share: a run that may be stopped at any moment, and what it tells.

The learning rate climbs, stays, and goes straight down to zero at the end: most of what a small
model learns it learns on the plateau, and the way down then takes the noise out.
"""

import json
import math
import shutil
import sys

from tinyhf.training import Trainer, TrainingArguments

TRAINING, CHECKPOINTS = "training.json", "checkpoints"


def stop_if_made(folder):
    """Leave with a sentence if the model is there already."""
    if (folder / TRAINING).exists():
        sys.exit(f"{folder} holds a model that is finished; name another folder, or remove it.")


def run(model, dataset, data_collator, folder, *, cool_down, **settings):
    """Train, or go on from the last checkpoint in ``folder``.

    Args:
        cool_down: the share of all steps on which the learning rate goes down.
        settings: of TrainingArguments.

    Returns:
        Trainer: ``trainer.state.log_history`` holds the loss curve.
    """
    epochs = settings.setdefault("num_train_epochs", 1)
    steps = math.ceil(len(dataset) / settings["per_device_train_batch_size"]) * epochs
    arguments = TrainingArguments(
        output_dir=str(folder / CHECKPOINTS),
        lr_scheduler_type="warmup_stable_decay",
        lr_scheduler_kwargs={"num_decay_steps": round(cool_down * steps), "decay_type": "linear"},
        adam_beta2=0.98,
        weight_decay=0.01,
        logging_first_step=True,
        logging_steps=max(1, steps // 12),
        save_steps=200,
        save_total_limit=1,
        report_to="none",
        **settings,
    )
    trainer = Trainer(model, arguments, data_collator, train_dataset=dataset)
    trainer.train(resume_from_checkpoint=any((folder / CHECKPOINTS).glob("checkpoint-*")))
    return trainer


def save_rounded(model, dtype, folder, **settings):
    """``save_pretrained``, with the weights in ``dtype``, a type of half the size."""
    model.requires_grad_(False)
    for name, array in model.state_dict().items():  # buffers as well, as torch's half() does it
        model.set_parameter(name, array.astype(dtype))
    model.tie_weights()
    model.save_pretrained(folder, **settings)


def facts_about(trainer, **facts):
    """What is told about a run; ``seconds`` as if it had never been stopped."""
    history = trainer.state.log_history
    curve = [(entry["step"], round(entry["loss"], 4)) for entry in history if "loss" in entry]
    a_second = history[-1]["train_steps_per_second"]  # 0 if nothing was left to do
    return {
        "steps": trainer.state.max_steps,
        "seconds": round(trainer.state.max_steps / a_second) if a_second else None,
        "parameters": trainer.model.num_parameters(),
        **facts,
        "loss_curve": curve,
    }


def finish(folder, facts):
    """The facts are written last: they say that the model is complete."""
    shutil.rmtree(folder / CHECKPOINTS)
    tell(folder, facts)


def tell(folder, facts):
    """Write ``training.json``."""
    (folder / TRAINING).write_text(json.dumps(facts, indent=1) + "\n")


def curve_table(curve):
    """The loss curve as a table for a model card."""
    steps, losses = zip(*curve, strict=True)
    rows = [["step", *(f"{step:,}" for step in steps)], ["---"] * (len(steps) + 1)]
    rows.append(["loss", *(f"{loss:.3g}" for loss in losses)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
