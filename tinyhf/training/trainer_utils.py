"""Floor 6 · Small things that training returns or needs.

Mirrors transformers/trainer_utils.py.
"""

import re
import time
from pathlib import Path
from typing import Any, NamedTuple

from tinyhf.errors import ArgumentError

PREFIX_CHECKPOINT_DIR = "checkpoint"
CHECKPOINT_NAME = re.compile(rf"{PREFIX_CHECKPOINT_DIR}-(\d+)$")


class TrainOutput(NamedTuple):
    """What ``train`` returns."""

    global_step: int
    training_loss: float
    metrics: dict


class PredictionOutput(NamedTuple):
    """What ``predict`` returns."""

    predictions: Any
    label_ids: Any
    metrics: dict


class EvalPrediction(NamedTuple):
    """What ``compute_metrics`` is called with: arrays over the whole dataset."""

    predictions: Any
    label_ids: Any


def get_last_checkpoint(folder):
    """The path of the checkpoint with the highest step in ``folder``; None if there is none."""
    checkpoints = sorted_checkpoints(folder)
    return str(checkpoints[-1]) if checkpoints else None


def sorted_checkpoints(folder):
    """The paths of all checkpoints in ``folder``, by step."""
    folder = Path(folder)
    found = (
        [p for p in folder.iterdir() if CHECKPOINT_NAME.match(p.name)] if folder.is_dir() else []
    )
    return sorted(found, key=step_of)


def step_of(path):
    """500 for ``checkpoint-500``."""
    return int(CHECKPOINT_NAME.match(Path(path).name)[1])


def speed_metrics(split, start_time, num_samples, num_steps):
    """How long it took, under the names of transformers."""
    runtime = max(time.time() - start_time, 1e-9)
    return {
        f"{split}_runtime": round(runtime, 4),
        f"{split}_samples_per_second": round(num_samples / runtime, 3),
        f"{split}_steps_per_second": round(num_steps / runtime, 3),
    }


def metric_of(metrics, name):
    """The value of ``metric_for_best_model``, with or without "eval_".

    Raises:
        ArgumentError: there is no such metric.
    """
    name = f"eval_{name.removeprefix('eval_')}"
    if name not in metrics:
        where, wanted = "metric_for_best_model", ", ".join(metrics)
        raise ArgumentError("is not among the metrics", where=where, wanted=wanted, got=name)
    return metrics[name]
