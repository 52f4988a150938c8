"""Floor 6 · Trainer: batches in, a trained model out.

Mirrors transformers/trainer.py. ``Trainer._run`` is the whole of training: for each epoch, for each
step, for each batch: forward and backward; then the step, and what was asked for in between. What a
Trainer does besides is in trainer_services, and how a run is set up in preparation.
"""

import inspect
import itertools
import time

from tinyhf.backend import is_array, to_device
from tinyhf.backend.random import set_seed
from tinyhf.errors import ArgumentError
from tinyhf.training import checkpoints, preparation
from tinyhf.training.clipping import clip_grad_norm_
from tinyhf.training.finding_nan import check_grad_norm, check_loss
from tinyhf.training.label_smoothing import label_smoothed_loss
from tinyhf.training.loss_log import LossLog
from tinyhf.training.mixed import GradScaler
from tinyhf.training.progress import PrinterCallback, ProgressCallback
from tinyhf.training.trainer_callback import CallbackHandler, DefaultFlowCallback
from tinyhf.training.trainer_services import TrainerServices
from tinyhf.training.trainer_state import TrainerControl, TrainerState
from tinyhf.training.trainer_utils import TrainOutput, speed_metrics
from tinyhf.training.training_args import TrainingArguments


class Trainer(TrainerServices):
    """Trains and evaluates a model; for the same seed with the numbers of transformers.

    Args:
        model: a PreTrainedModel or PeftModel; parameters become Tensors, unless some are already.
        args: TrainingArguments.
        data_collator: items → batch; None pads if there is a tokenizer, and stacks if not.
        train_dataset, eval_dataset: objects with len() and [number] whose items are dicts.
        processing_class: the tokenizer, saved with the model (``tokenizer`` means the same).
        model_init: a function that makes the model, in place of ``model``.
        compute_loss_func: (outputs, labels, num_items_in_batch) → loss, in place of the model's.
        compute_metrics: EvalPrediction → dict of numbers.
        callbacks: a list of TrainerCallback.
        optimizers: (optimizer, schedule); None is what the arguments say.

    Attributes:
        state: how far it is; ``state.log_history`` holds every line of the log.
    """

    def __init__(
        self,
        model=None,
        args=None,
        data_collator=None,
        train_dataset=None,
        eval_dataset=None,
        processing_class=None,
        model_init=None,
        compute_loss_func=None,
        compute_metrics=None,
        callbacks=None,
        optimizers=(None, None),
        tokenizer=None,
    ):
        if model is None and model_init is None:
            raise ArgumentError("there is nothing to train", where="model", got=None)
        self.args = args or TrainingArguments()
        set_seed(self.args.seed)
        self.model = model_init() if model is None else model
        self.processing_class = processing_class or tokenizer
        self.data_collator = data_collator or preparation.choose_collator(self.processing_class)
        self.train_dataset, self.eval_dataset = train_dataset, eval_dataset
        self.compute_loss_func, self.compute_metrics = compute_loss_func, compute_metrics
        self.optimizer, self.given_scheduler = optimizers
        self.lr_scheduler = self.given_scheduler
        self.scaler = GradScaler(enabled=self.args.fp16)
        self.train_dataloader = self.eval_dataloader = None
        self.label_names = self.args.label_names or preparation.find_labels(self.model)
        self.loss_shifts_labels = preparation.shifts_labels(self.model)
        self.state, self.control, self.loss_log = TrainerState(), TrainerControl(), LossLog()
        self.epochs_completed = 0
        progress = PrinterCallback if self.args.disable_tqdm else ProgressCallback
        own = [DefaultFlowCallback, *(callbacks or []), progress]
        self.callback_handler = CallbackHandler(self, own)
        self.callback_handler.on_init_end()

    # ---- training --------------------------------------------------------------------------------

    def train(self, resume_from_checkpoint=None):
        """Train from the start, or from a checkpoint on.

        Args:
            resume_from_checkpoint: a folder, or True for the last one in ``args.output_dir``.

        Returns:
            TrainOutput: steps, mean loss, metrics.

        Raises:
            ArgumentError: no train_dataset, or an item that cannot be used.
            CheckpointError: nothing to resume from, or a checkpoint cannot be written.
            NumericsError: the loss is NaN; the weights are those of the step before.
        """
        folder = resume_from_checkpoint or None
        if folder is not None:
            folder = checkpoints.find_resumable(folder, self.args.output_dir)
            checkpoints.load_weights(self.model, folder)
        schedule = preparation.prepare_to_train(self)
        resumed = None
        if folder is not None:
            resumed = checkpoints.load_run(self, folder)
            self.state.compute_steps(self.args, schedule.max_steps)
        self.state.max_steps, self.state.num_train_epochs = schedule.max_steps, schedule.epochs
        start_time, first_step = time.time(), self.state.global_step
        self._run(schedule, resumed)
        metrics = speed_metrics(
            "train",
            start_time,
            (self.state.global_step - first_step) * schedule.items_in_step,
            self.state.global_step - first_step,
        )
        metrics["train_loss"] = self.loss_log.mean(self.state.global_step)
        self.log(metrics)
        if self.args.load_best_model_at_end and self.state.best_model_checkpoint:
            checkpoints.load_weights(self.model, self.state.best_model_checkpoint)
        self.callback_handler.on_train_end()
        self.model.eval()
        return TrainOutput(self.state.global_step, metrics["train_loss"], metrics)

    def _run(self, schedule, resumed=None):
        """for each epoch: for each step: forward, backward, step, log, evaluate, save."""
        self.callback_handler.on_train_begin()
        if self.args.eval_on_start:
            self.evaluate()
        for epoch in range(self.epochs_completed, schedule.epochs):
            self.callback_handler.on_epoch_begin()
            seen = schedule.batches_seen(self.state.global_step, epoch)  # 0 unless resumed
            steps = self.train_dataloader.steps(schedule.batches_in_step, epoch, seen, resumed)
            resumed = None
            for step in itertools.islice(steps, schedule.steps_left(self.state.global_step)):
                self.callback_handler.on_step_begin()
                items = self.count_items(step)
                for inputs in step:
                    self.loss_log.add(self.training_step(self.model, inputs, items, len(step)))
                    self.state.num_input_tokens_seen += preparation.count_tokens(inputs)
                    if inputs is not step[-1]:
                        self.callback_handler.on_substep_end()
                self.update_weights()
                seen += len(step)
                self.state.global_step += 1
                self.state.epoch = epoch + seen / len(self.train_dataloader)
                self.callback_handler.on_step_end()
                self._log_evaluate_save()
                if self.control.should_epoch_stop or self.control.should_training_stop:
                    break
            self.epochs_completed = epoch + 1
            self.callback_handler.on_epoch_end()
            self._log_evaluate_save()
            if self.control.should_training_stop:
                break

    def training_step(self, model, inputs, num_items_in_batch=None, batches_in_step=1):
        """Forward and backward of one batch: gradients are added to those already there.

        Returns:
            The loss, a float.
        """
        model.train()
        inputs = self.prepare_inputs(inputs)
        loss = self.compute_loss(model, inputs, num_items_in_batch=num_items_in_batch)
        if num_items_in_batch is None and batches_in_step > 1:
            loss = loss * (1.0 / batches_in_step)
        check_loss(model, loss, inputs, self.state.global_step + 1)
        self.scaler.scale(loss).backward()
        return loss.item()

    def update_weights(self):
        """The step: gradients are clipped, weights move, the learning rate goes on."""
        self.scaler.unscale_(self.optimizer)
        longest = self.args.max_grad_norm or float("inf")
        self.loss_log.grad_norm = clip_grad_norm_(self.model.parameters(), longest)
        self.loss_log.learning_rate = self.lr_scheduler.get_last_lr()[0]
        if not self.args.fp16:  # where the scaler leaves such steps out
            check_grad_norm(self.model, self.loss_log.grad_norm, self.state.global_step + 1)
        self.callback_handler.on_pre_optimizer_step()
        if self.scaler.step(self.optimizer):
            self.lr_scheduler.step()
        self.scaler.update()
        self.callback_handler.on_optimizer_step()
        self.model.zero_grad()

    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        """The loss of one batch; a subclass may compute another one.

        Args:
            inputs: name → array, on the model's device.
            num_items_in_batch: how many labels count in all batches of this step. Where a loss is a
                mean over tokens, each batch has its share of them, as if it were one large batch.
        """
        epsilon, labels, inputs = self.args.label_smoothing_factor, None, dict(inputs)
        if epsilon or self.compute_loss_func:
            labels = inputs.pop("labels", None)
        outputs = self.call_model(model, inputs)
        if self.compute_loss_func:
            loss = self.compute_loss_func(outputs, labels, num_items_in_batch=num_items_in_batch)
        elif labels is not None:
            loss = label_smoothed_loss(outputs.logits, labels, epsilon, self.loss_shifts_labels)
        else:
            loss = preparation.loss_of(outputs, inputs)
        if num_items_in_batch and preparation.is_mean_of_items(self, labels):
            own = preparation.count_counted(inputs.get("labels", labels), self.loss_shifts_labels)
            loss = loss if own == num_items_in_batch else loss * (own / num_items_in_batch)
        return (loss, outputs) if return_outputs else loss

    def call_model(self, model, inputs):
        """The model's outputs; a cache would only cost memory."""
        accepted = inspect.signature(preparation.base_model_of(model).forward).parameters
        return model(**inputs, **({"use_cache": False} if "use_cache" in accepted else {}))

    def count_items(self, batches):
        """How many labels count in these batches; None if they have none."""
        if batches[0].get("labels") is None:
            return None
        without_first = preparation.counts_without_first(self.model)
        return sum(preparation.count_counted(x["labels"], without_first) for x in batches)

    def prepare_inputs(self, inputs):
        """The batch, on the model's device."""
        device = self.model.device
        return {k: to_device(v, device) if is_array(v) else v for k, v in inputs.items()}
