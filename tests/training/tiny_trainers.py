"""Tiny models and datasets that train in a second."""

import numpy

from tinyhf import (
    BertConfig,
    BertForSequenceClassification,
    LlamaConfig,
    LlamaForCausalLM,
)
from tinyhf.training import Trainer, TrainingArguments

LLAMA = {
    "vocab_size": 24,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 16,
    "attention_dropout": 0.1,
}
BERT = {
    "vocab_size": 24,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 16,
    "num_labels": 3,
}


def llama(**fields):
    return LlamaForCausalLM(LlamaConfig(**{**LLAMA, **fields})).init_weights(seed=0)


def classifier(**fields):
    return BertForSequenceClassification(BertConfig(**{**BERT, **fields})).init_weights(seed=0)


def sentences(count=12, length=6):
    """Ids that count upwards, so that the next one can be learnt."""
    rows = [[(start + i) % 20 + 2 for i in range(length)] for start in range(count)]
    return [{"input_ids": row, "labels": row} for row in rows]


def labelled(count=12):
    """Ids whose first one says the label."""
    rng = numpy.random.default_rng(0)
    rows = rng.integers(2, 24, (count, 6)).tolist()
    return [{"input_ids": row, "label": row[0] % 3} for row in rows]


def arguments(folder, **changes):
    quiet = {"save_strategy": "no", "disable_tqdm": True, "report_to": "none"}
    short = {"max_steps": 6, "logging_steps": 1, "per_device_train_batch_size": 4}
    return TrainingArguments(str(folder), **{**quiet, **short, "learning_rate": 1e-2, **changes})


def trainer(folder, model=None, train_dataset=None, eval_dataset=None, **changes):
    """A Trainer of a tiny Llama; what is no argument of the Trainer is one of its arguments."""
    names = ("callbacks", "compute_metrics", "data_collator", "processing_class", "optimizers")
    options = {name: changes.pop(name) for name in names if name in changes}
    return Trainer(
        model=model or llama(),
        args=arguments(folder, **changes),
        train_dataset=sentences() if train_dataset is None else train_dataset,
        eval_dataset=eval_dataset,
        **options,
    )


def losses(trainer):
    return [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]


def weights(model):
    return {name: getattr(x, "array", x) for name, x in model.state_dict().items()}


def same_weights(one, other):
    one, other = weights(one), weights(other)
    return all(numpy.array_equal(one[name], other[name]) for name in one)
