"""Floor 6 · TrainingArguments: everything about a training run that is a number or a word.

Mirrors transformers/training_args.py: the same names and, with them, the same defaults. Names that
this library has no use for are refused by ``argument_names``.
"""

import dataclasses
import json
import math
from dataclasses import dataclass

from tinyhf.errors import ArgumentError, note_once
from tinyhf.training.argument_names import understand_names

INTERVALS = ("no", "steps", "epoch")
CHOICES = {
    "logging_strategy": INTERVALS,
    "eval_strategy": INTERVALS,
    "save_strategy": (*INTERVALS, "best"),
    "train_sampling_strategy": ("random", "sequential", "group_by_length"),
}
AT_LEAST = {
    "per_device_train_batch_size": 1,
    "per_device_eval_batch_size": 1,
    "gradient_accumulation_steps": 1,
    "learning_rate": 0,
    "warmup_steps": 0,
    "weight_decay": 0,
    "num_train_epochs": 0,
    "label_smoothing_factor": 0,
    "max_grad_norm": 0,
}


@understand_names
@dataclass
class TrainingArguments:
    """How to train. A *step* is one change of the weights, whatever number of batches it takes.

    Attributes:
        output_dir: where checkpoints go.
        num_train_epochs, max_steps: how long; max_steps wins where it is above 0.
        gradient_accumulation_steps: batches whose gradients are added up for one step.
        warmup_steps: steps until the full learning rate; below 1 it is a share of all steps.
        max_grad_norm: longer gradients are cut to this length; 0 leaves them.
        …_strategy: "no", "steps" (every …_steps; below 1 a share of all steps) or "epoch".
        save_total_limit: how many checkpoints to keep; the best one is kept besides.
        load_best_model_at_end, metric_for_best_model, greater_is_better: which checkpoint is best.
        seed: of dropout, and of the order of the items unless ``data_seed`` is given.
        bf16, fp16: as in transformers; numbers here stay as the model stores them.

    Raises:
        ArgumentError: an unknown name, a value out of range, or two that contradict each other.
    """

    output_dir: str | None = None
    per_device_train_batch_size: int = 8
    num_train_epochs: float = 3.0
    max_steps: int = -1
    learning_rate: float = 5e-5
    lr_scheduler_type: str = "linear"
    lr_scheduler_kwargs: dict | None = None
    warmup_steps: float = 0
    optim: str = "adamw_torch_fused"
    optim_args: str | None = None
    weight_decay: float = 0.0
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    gradient_accumulation_steps: int = 1
    max_grad_norm: float = 1.0
    label_smoothing_factor: float = 0.0
    bf16: bool = False
    fp16: bool = False
    gradient_checkpointing: bool = False
    logging_strategy: str = "steps"
    logging_steps: float = 500
    logging_first_step: bool = False
    logging_nan_inf_filter: bool = True
    disable_tqdm: bool = False
    eval_strategy: str = "no"
    eval_steps: float | None = None
    eval_delay: float = 0
    per_device_eval_batch_size: int = 8
    prediction_loss_only: bool = False
    eval_on_start: bool = False
    save_only_model: bool = False
    save_strategy: str = "steps"
    save_steps: float = 500
    save_total_limit: int | None = None
    load_best_model_at_end: bool = False
    metric_for_best_model: str | None = None
    greater_is_better: bool | None = None
    ignore_data_skip: bool = False
    seed: int = 42
    data_seed: int | None = None
    use_cpu: bool = False
    dataloader_drop_last: bool = False
    remove_unused_columns: bool = True
    label_names: list | None = None
    train_sampling_strategy: str = "random"
    length_column_name: str = "length"
    do_train: bool = False
    do_eval: bool = False
    do_predict: bool = False
    resume_from_checkpoint: str | None = None

    def __post_init__(self):
        self.output_dir = str(self.output_dir or "trainer_output")
        self._check_ranges()
        if self.eval_strategy == "steps" and not self.eval_steps:
            self.eval_steps = self.logging_steps
        if self.load_best_model_at_end and self.metric_for_best_model is None:
            self.metric_for_best_model = "loss"
        if self.greater_is_better is None and self.metric_for_best_model is not None:
            self.greater_is_better = not self.metric_for_best_model.endswith("loss")
        self.do_eval = self.do_eval or self.eval_strategy != "no"
        for kind in ("logging", "eval", "save"):
            self._check_interval(kind)
        self._check_best_model()
        if self.bf16 or self.fp16:
            note_once(
                "bf16 and fp16: there is no autocast here, every formula computes in the type its "
                "weights are stored in: float32, unless you loaded them with dtype=."
            )

    # ---- what transformers calls a batch ---------------------------------------------------------

    @property
    def train_batch_size(self):
        """Items in a batch: there is one device."""
        return self.per_device_train_batch_size

    @property
    def eval_batch_size(self):
        """Items in a batch of an evaluation."""
        return self.per_device_eval_batch_size

    def get_warmup_steps(self, num_training_steps):
        """``warmup_steps`` as a number of steps."""
        if self.warmup_steps >= 1:
            return int(self.warmup_steps)
        return math.ceil(num_training_steps * self.warmup_steps)

    # ---- in and out -----------------------------------------------------------------------------

    def to_dict(self):
        """All arguments by name."""
        return dataclasses.asdict(self)

    def to_json_string(self):
        """All arguments, as they are written to ``training_args.json``."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    # ---- checks ---------------------------------------------------------------------------------

    def _check_ranges(self):
        for name, choices in CHOICES.items():
            value = getattr(self, name)
            value = getattr(value, "value", value)  # an enumeration's word
            if value not in choices:
                wanted = " or ".join(map(repr, choices))
                raise ArgumentError("is no such choice", where=name, wanted=wanted, got=value)
            setattr(self, name, value)
        for name, least in AT_LEAST.items():
            value = getattr(self, name)
            if not isinstance(value, int | float) or value < least:
                wanted = f"a number from {least} on"
                raise ArgumentError("is out of range", where=name, wanted=wanted, got=value)
        if self.fp16 and self.bf16:
            raise ArgumentError("is either fp16 or bf16", where="fp16, bf16", got=(True, True))

    def _check_interval(self, kind):
        name, steps = f"{kind}_steps", getattr(self, f"{kind}_steps")
        if getattr(self, f"{kind}_strategy") != "steps":
            return
        if not steps > 0 or (steps > 1 and steps != int(steps)):
            wanted = "a whole number of steps, or a share of all of them below 1"
            raise ArgumentError("is no interval", where=name, wanted=wanted, got=steps)

    def _check_best_model(self):
        if not self.load_best_model_at_end or self.save_strategy == "best":
            return
        if self.eval_strategy != self.save_strategy:
            raise ArgumentError(
                "the best model can only be loaded if each checkpoint is evaluated",
                where="load_best_model_at_end",
                wanted="save_strategy as eval_strategy, or save_strategy='best'",
                got=(self.eval_strategy, self.save_strategy),
            )
        if self.eval_strategy != "steps":
            return
        times = self.save_steps / self.eval_steps
        if abs(times - round(times)) > 1e-9 or (self.save_steps < 1) != (self.eval_steps < 1):
            raise ArgumentError(
                "with load_best_model_at_end it must be a multiple of eval_steps",
                where="save_steps",
                wanted=f"a multiple of {self.eval_steps}",
                got=self.save_steps,
            )
