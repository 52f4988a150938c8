"""Floor 6 · What a Trainer does besides training: set up, log, evaluate, predict, save, plot.

Mirrors the methods of these names of transformers/trainer.py.
"""

from pathlib import Path

from tinyhf.training import checkpoints, evaluation, preparation
from tinyhf.training.choosing_optimizer import make_optimizer
from tinyhf.training.plotting import plot_loss
from tinyhf.training.schedules import get_scheduler
from tinyhf.training.trainer_utils import metric_of


class TrainerServices:
    """The base of ``Trainer``."""

    # ---- what is made for it; subclasses may make others -----------------------------------------

    def get_train_dataloader(self):
        """The batches of ``train_dataset``."""
        return preparation.train_dataloader(self)

    def get_eval_dataloader(self, eval_dataset=None):
        """The batches of ``eval_dataset``."""
        return preparation.eval_dataloader(self, eval_dataset)

    def get_test_dataloader(self, test_dataset):
        """The batches of a dataset to predict, in order."""
        return preparation.test_dataloader(self, test_dataset)

    def create_optimizer(self):
        """The optimizer of ``args.optim``, unless one was given."""
        self.optimizer = self.optimizer or make_optimizer(self.model, self.args)
        return self.optimizer

    def create_scheduler(self, num_training_steps):
        """The schedule of ``args.lr_scheduler_type``, unless one was given."""
        for group in self.optimizer.param_groups:  # an earlier train() may have ended at 0
            group["lr"] = group.get("initial_lr", group["lr"])
        self.lr_scheduler = self.given_scheduler or get_scheduler(
            self.args.lr_scheduler_type,
            self.optimizer,
            self.args.get_warmup_steps(num_training_steps),
            num_training_steps,
            self.args.lr_scheduler_kwargs,
        )
        return self.lr_scheduler

    # ---- between steps ---------------------------------------------------------------------------

    def _log_evaluate_save(self):
        """Do what ``control`` asks for."""
        step = self.state.global_step
        if self.control.should_log and step > self.loss_log.last_logged_step:
            self.log(self.loss_log.line(step))
        if self.control.should_evaluate:
            is_best = self._remember_best(self.evaluate())
            if self.args.save_strategy == "best":
                self.control.should_save = is_best
        if self.control.should_save:
            checkpoints.save_checkpoint(self)
            self.callback_handler.on_save()

    def log(self, logs):
        """Add a line to ``state.log_history`` and show it.

        Args:
            logs: name → number.
        """
        logs["epoch"] = self.state.epoch
        self.state.log_history.append({**logs, "step": self.state.global_step})
        self.callback_handler.on_log(logs=logs)

    def _remember_best(self, metrics):
        """Whether this evaluation is the best one so far."""
        if self.args.metric_for_best_model is None:
            return False
        value, best = metric_of(metrics, self.args.metric_for_best_model), self.state.best_metric
        is_best = best is None or (value > best if self.args.greater_is_better else value < best)
        if is_best:
            self.state.best_metric = value
            self.state.best_global_step = self.state.global_step
        return is_best

    # ---- evaluation ------------------------------------------------------------------------------

    def evaluate(self, eval_dataset=None, ignore_keys=None, metric_key_prefix="eval"):
        """Loss and metrics over a dataset.

        Args:
            eval_dataset: None is the Trainer's own; a dict of datasets gives metrics of each.
            ignore_keys: outputs of the model that are no predictions.

        Returns:
            A dict: "eval_loss", what ``compute_metrics`` gave with "eval_" before it, and speed.

        Raises:
            ArgumentError: there is no dataset.
        """
        dataset = self.eval_dataset if eval_dataset is None else eval_dataset
        if isinstance(dataset, dict):
            metrics = {}
            for name, part in dataset.items():
                metrics |= self.evaluate(part, ignore_keys, f"{metric_key_prefix}_{name}")
            return metrics
        output = evaluation.evaluation_loop(
            self,
            self.get_eval_dataloader(dataset),
            metric_key_prefix,
            prediction_loss_only=None if self.compute_metrics else True,
            ignore_keys=ignore_keys,
        )
        self.log(dict(output.metrics))
        self.callback_handler.on_evaluate(metrics=output.metrics)
        return output.metrics

    def predict(self, test_dataset, ignore_keys=None, metric_key_prefix="test"):
        """What the model answers to every item.

        Returns:
            PredictionOutput: predictions and label_ids as host arrays (items, …), and metrics;
            rows of different lengths are filled with -100 on the right.
        """
        loader = self.get_test_dataloader(test_dataset)
        output = evaluation.evaluation_loop(
            self, loader, metric_key_prefix, ignore_keys=ignore_keys
        )
        self.callback_handler.on_predict(metrics=output.metrics)
        return output

    def prediction_step(self, model, inputs, prediction_loss_only, ignore_keys=None):
        """(loss, logits, labels) of one batch; a subclass may compute others."""
        return evaluation.prediction_step(self, model, inputs, prediction_loss_only, ignore_keys)

    # ---- saving ----------------------------------------------------------------------------------

    def save_model(self, output_dir=None):
        """Write model, tokenizer and arguments; ``from_pretrained`` reads the folder.

        Args:
            output_dir: None is ``args.output_dir``.

        Raises:
            CheckpointError: the disk is full, for instance; the model is still in memory.
        """
        folder = Path(output_dir or self.args.output_dir)
        with checkpoints.errors_of_writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self.write_model(folder)

    def write_model(self, folder):
        """The files of ``save_model``."""
        self.model.save_pretrained(folder)
        if self.processing_class is not None:
            self.processing_class.save_pretrained(folder)
        text = self.args.to_json_string()
        (Path(folder) / "training_args.json").write_text(text, encoding="utf-8")

    # ---- watching --------------------------------------------------------------------------------

    def plot_loss(self, ax=None):
        """Draw the losses that were logged; see ``plotting.plot_loss``."""
        return plot_loss(self.state.log_history, ax)

    def add_callback(self, callback):
        """Add a TrainerCallback, given as object or class."""
        self.callback_handler.add_callback(callback)

    def pop_callback(self, callback):
        """Take out a callback, given as object or class, and return it."""
        return self.callback_handler.pop_callback(callback)

    def remove_callback(self, callback):
        """Take out a callback, given as object or class."""
        self.callback_handler.pop_callback(callback)
