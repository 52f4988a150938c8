"""Floor 6 · Before the first step: what the model reads, the batches, and how many steps there are.

Mirrors set_initial_training_values, get_train_dataloader and their like of transformers/trainer.py.
"""

import inspect
import math
from dataclasses import dataclass

from tinyhf.autograd import Tensor
from tinyhf.backend.random import TorchGenerator
from tinyhf.errors import ArgumentError
from tinyhf.training import sampling
from tinyhf.training.data_collator import DataCollatorWithPadding, default_data_collator
from tinyhf.training.data_loader import DataLoader
from tinyhf.training.loss_log import LossLog
from tinyhf.training.trainer_state import TrainerState

#: Class names of heads whose logits are for the next token end so.
NEXT_TOKEN_HEADS = ("ForCausalLM", "LMHeadModel")
#: Those for which transformers knows that the first label of a row is no one's next token. For
#: GPT2LMHeadModel it does not: there the first ones are counted too, and losses are a bit smaller.
COUNTED_WITHOUT_FIRST = "ForCausalLM"

# ---- the model ----------------------------------------------------------------------------------


def base_model_of(model):
    """The model inside a PeftModel; any other is itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def find_labels(model):
    """The names of what ``forward`` takes as labels."""
    model = base_model_of(model)
    places = ("start_positions", "end_positions")
    is_answering = "QuestionAnswering" in type(model).__name__
    return [
        name
        for name in inspect.signature(model.forward).parameters
        if "label" in name or (is_answering and name in places)
    ]


def shifts_labels(model):
    """Whether each token's logits are for the next label."""
    return type(base_model_of(model)).__name__.endswith(NEXT_TOKEN_HEADS)


def counts_without_first(model):
    """Whether transformers leaves the first label of each row out when it counts labels."""
    return type(base_model_of(model)).__name__.endswith(COUNTED_WITHOUT_FIRST)


def count_counted(labels, without_first):
    """How many labels are not -100."""
    return int((labels[..., without_first:] != -100).sum())


def is_mean_of_items(trainer, smoothed_labels):
    """Whether each batch of a step counts by its labels, as if they were one large batch.

    In transformers only the heads for the next token do that, and label smoothing; other heads
    add up the means of their batches, so that gradients grow with gradient_accumulation_steps.
    """
    is_own = trainer.loss_shifts_labels or smoothed_labels is not None
    return is_own and trainer.compute_loss_func is None


def loss_of(outputs, inputs):
    """The loss in the model's outputs.

    Raises:
        ArgumentError: there is none.
    """
    if "loss" in outputs.keys():  # noqa: SIM118  (a ModelOutput iterates over names as well)
        return outputs["loss"]
    raise ArgumentError(
        "the model computed no loss, because its batch has no labels",
        where="train_dataset",
        wanted="'labels' in every item",
        got=list(inputs),
        fix="For a language model pass data_collator=DataCollatorForLanguageModeling(tokenizer, "
        "mlm=False), which makes labels from input_ids",
    )


def count_tokens(inputs):
    """How many ids a batch has, padding included."""
    ids = inputs.get("input_ids")
    return 0 if ids is None else int(ids.size)


# ---- the batches --------------------------------------------------------------------------------


def choose_collator(processing_class):
    """Pad if there is something to pad with."""
    if hasattr(processing_class, "pad"):
        return DataCollatorWithPadding(processing_class)
    return default_data_collator


def columns_read(trainer):
    """The columns of an item that the model reads; None keeps all."""
    if not trainer.args.remove_unused_columns:
        return None
    read = inspect.signature(base_model_of(trainer.model).forward).parameters
    return [*read, *trainer.label_names, "label", "label_ids"]


def train_dataloader(trainer):
    """The batches of ``train_dataset``, in another random order at each epoch."""
    args, dataset = trainer.args, trainer.train_dataset
    if dataset is None:
        raise ArgumentError("there is nothing to train on", where="train_dataset", got=None)
    size = args.train_batch_size * args.gradient_accumulation_steps

    def order(epoch):
        if args.train_sampling_strategy == "random":
            return sampling.random_order(len(dataset), data_seed(args), epoch)
        if args.train_sampling_strategy == "group_by_length":
            lengths = sampling.lengths_of(dataset, args.length_column_name)
            return sampling.length_grouped_order(lengths, size)
        return sampling.sequential_order(len(dataset))

    return make_dataloader(trainer, dataset, args.train_batch_size, order, "train_dataset")


def eval_dataloader(trainer, dataset):
    """The batches of a dataset to evaluate: in its own order, or grouped by length as well."""
    args, dataset = trainer.args, trainer.eval_dataset if dataset is None else dataset
    if dataset is None:
        fix = "Pass eval_dataset= to the Trainer, or a dataset to evaluate()"
        problem = "there is nothing to evaluate on"
        raise ArgumentError(problem, where="eval_dataset", got=None, fix=fix)

    def order(epoch):
        if args.train_sampling_strategy == "group_by_length":
            lengths = sampling.lengths_of(dataset, args.length_column_name)
            generator = TorchGenerator(data_seed(args))
            return sampling.length_grouped_order(lengths, args.eval_batch_size, generator)
        return sampling.sequential_order(len(dataset))

    return make_dataloader(trainer, dataset, args.eval_batch_size, order, "eval_dataset")


def test_dataloader(trainer, dataset):
    """The batches of a dataset to predict, in its own order."""

    def order(epoch):
        return sampling.sequential_order(len(dataset))

    size = trainer.args.eval_batch_size
    return make_dataloader(trainer, dataset, size, order, "test_dataset")


def data_seed(args):
    """The seed of the order of items."""
    return args.seed if args.data_seed is None else args.data_seed


def make_dataloader(trainer, dataset, batch_size, order, name):
    """A DataLoader with what all of a Trainer's have in common."""
    columns, drop_last = columns_read(trainer), trainer.args.dataloader_drop_last
    return DataLoader(dataset, batch_size, trainer.data_collator, order, columns, drop_last, name)


# ---- the steps ----------------------------------------------------------------------------------


@dataclass
class Schedule:
    """How long a run is.

    Attributes:
        max_steps, epochs: in all.
        steps_in_epoch: steps until all items were seen.
        batches_in_step: gradient accumulation.
        items_in_step: items of a full step.
    """

    max_steps: int
    epochs: int
    steps_in_epoch: int
    batches_in_step: int
    items_in_step: int

    def batches_seen(self, global_step, epoch):
        """How many batches of ``epoch`` are behind a run that is at ``global_step``."""
        return max(0, global_step - epoch * self.steps_in_epoch) * self.batches_in_step

    def steps_left(self, global_step):
        """How many steps are still to be made."""
        return max(0, self.max_steps - global_step)


def make_schedule(args, batches):
    """The Schedule of a run with ``batches`` in an epoch."""
    steps_in_epoch = math.ceil(batches / args.gradient_accumulation_steps)
    max_steps = args.max_steps
    if max_steps <= 0:
        max_steps = math.ceil(args.num_train_epochs * steps_in_epoch)
    return Schedule(
        max_steps,
        math.ceil(max_steps / steps_in_epoch),
        steps_in_epoch,
        args.gradient_accumulation_steps,
        args.train_batch_size * args.gradient_accumulation_steps,
    )


def prepare_to_train(trainer):
    """Batches, gradients, optimizer, schedule and an empty log.

    Returns:
        Schedule.
    """
    args, model = trainer.args, trainer.model
    trainer.train_dataloader = trainer.get_train_dataloader()
    schedule = make_schedule(args, len(trainer.train_dataloader))
    if not any(isinstance(parameter, Tensor) for parameter in model.parameters()):
        model.requires_grad_()
    if args.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    trainer.create_optimizer()
    trainer.create_scheduler(schedule.max_steps)
    trainer.state, trainer.loss_log = TrainerState(), LossLog()
    trainer.state.train_batch_size = args.train_batch_size
    trainer.state.compute_steps(args, schedule.max_steps)
    trainer.epochs_completed = 0
    return schedule
