"""Floor 6 · Evaluation: the loss of a dataset, and what the model answers to it.

Mirrors evaluation_loop and prediction_step of transformers/trainer.py.
"""

import math
import time

import numpy

from tinyhf.autograd import no_grad
from tinyhf.backend import to_host
from tinyhf.training.trainer_utils import EvalPrediction, PredictionOutput, speed_metrics

PADDING = -100


def evaluation_loop(trainer, loader, prefix, prediction_loss_only=None, ignore_keys=None):
    """Run the model over all batches of ``loader``, without gradients and without dropout.

    Args:
        prefix: what the names of the metrics begin with, "eval" or "test".
        prediction_loss_only: whether to keep only the loss; None asks the arguments.
        ignore_keys: outputs of the model that are no predictions.

    Returns:
        PredictionOutput: host arrays over all items, and the metrics.
    """
    if prediction_loss_only is None:
        prediction_loss_only = trainer.args.prediction_loss_only
    start_time, trainer.eval_dataloader = time.time(), loader
    losses, counts, predictions, labels = [], [], [], []
    trainer.model.eval()
    for inputs in loader:
        loss, logits, label = trainer.prediction_step(
            trainer.model, inputs, prediction_loss_only, ignore_keys
        )
        if loss is not None:
            losses.append(loss)
            counts.append(rows_of(inputs))
        predictions, labels = append(predictions, logits), append(labels, label)
        trainer.callback_handler.on_prediction_step()
    predictions, labels = concatenate(predictions), concatenate(labels)
    metrics = {}
    if trainer.compute_metrics and predictions is not None and labels is not None:
        metrics = dict(trainer.compute_metrics(EvalPrediction(predictions, labels)))
    if losses:
        metrics["loss"] = mean_loss(losses, counts, trainer.args.logging_nan_inf_filter)
    named = {
        name if name.startswith(f"{prefix}_") else f"{prefix}_{name}": plain_number(value)
        for name, value in metrics.items()
    }
    named |= speed_metrics(prefix, start_time, len(loader.dataset), len(loader))
    return PredictionOutput(predictions, labels, named)


def prediction_step(trainer, model, inputs, prediction_loss_only, ignore_keys=None):
    """One batch: (loss or None, host logits or None, host labels or None)."""
    names = trainer.label_names
    has_labels = bool(names) and all(inputs.get(name) is not None for name in names)
    labels = [to_host(inputs[name]) for name in names] if has_labels else None
    ignored = ignore_keys or getattr(model.config, "keys_to_ignore_at_inference", None)
    ignored = {*(ignored or ["past_key_values"]), "loss"}
    inputs, loss = trainer.prepare_inputs(inputs), None
    with no_grad():
        if has_labels:
            items = trainer.count_items([inputs])
            loss, outputs = trainer.compute_loss(
                model, inputs, return_outputs=True, num_items_in_batch=items
            )
        else:
            outputs = trainer.call_model(model, inputs)
    if prediction_loss_only:
        return loss, None, None
    kept = tuple(on_host(value) for name, value in outputs.items() if name not in ignored)
    return loss, one_or_all(kept), labels and one_or_all(tuple(labels))


def one_or_all(values):
    return values[0] if len(values) == 1 else values


def on_host(value):
    """A copy on the host, of tuples of arrays too."""
    return tuple(map(on_host, value)) if isinstance(value, tuple) else to_host(value)


def append(collected, value):
    return collected if value is None else [*collected, value]


def rows_of(inputs):
    """How many items a batch has."""
    return next(len(value) for value in inputs.values() if getattr(value, "ndim", 0))


def concatenate(batches):
    """All batches as one array: (items, …); shorter rows are filled with -100 on the right."""
    if not batches:
        return None
    if isinstance(batches[0], tuple):
        return tuple(concatenate(list(parts)) for parts in zip(*batches, strict=True))
    if batches[0].ndim > 1:
        longest = max(batch.shape[1] for batch in batches)
        batches = [fill(batch, longest) for batch in batches]
    return numpy.concatenate([numpy.atleast_1d(batch) for batch in batches])


def fill(batch, length):
    missing = [(0, 0), (0, length - batch.shape[1]), *[(0, 0)] * (batch.ndim - 2)]
    return numpy.pad(batch, missing, constant_values=PADDING)


def mean_loss(losses, counts, only_finite):
    """The mean over items of the loss of their batch."""
    pairs = [(float(loss), count) for loss, count in zip(losses, counts, strict=True)]
    finite = [pair for pair in pairs if math.isfinite(pair[0])]
    pairs = finite if only_finite and finite else pairs
    return sum(loss * count for loss, count in pairs) / sum(count for _, count in pairs)


def plain_number(value):
    return value.item() if hasattr(value, "item") else value
