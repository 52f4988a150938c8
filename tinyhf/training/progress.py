"""Floor 6 · What a user sees while a model trains: a bar, and a line for every log.

Mirrors ProgressCallback and PrinterCallback of transformers/trainer_callback.py.
"""

import time

from tqdm.auto import tqdm

from tinyhf.training.trainer_callback import TrainerCallback

HIDDEN = ("total_flos",)


def readable(logs):
    """The numbers of a log in four digits: ``loss 2.31 · learning_rate 5e-05 · epoch 0.5``."""
    shown = {name: value for name, value in logs.items() if name not in HIDDEN}
    return " · ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in shown.items()
    )


class ProgressCallback(TrainerCallback):
    """A bar with the last loss and tokens a second; logs are written above it."""

    def __init__(self):
        self.training_bar, self.prediction_bar = None, None

    def on_train_begin(self, args, state, control, **kwargs):
        self.training_bar = tqdm(total=state.max_steps, initial=state.global_step)
        self.tokens, self.since = state.num_input_tokens_seen, time.monotonic()
        self.shown = {}

    def on_step_end(self, args, state, control, **kwargs):
        seconds = max(time.monotonic() - self.since, 1e-9)
        speed = (state.num_input_tokens_seen - self.tokens) / seconds
        self.training_bar.update(state.global_step - self.training_bar.n)
        self.training_bar.set_postfix({**self.shown, "tokens/s": f"{speed:.0f}"}, refresh=False)

    def on_log(self, args, state, control, logs, **kwargs):
        if "loss" in logs:
            self.shown = {"loss": f"{logs['loss']:.4g}"}
        if self.training_bar is not None:
            self.training_bar.write(readable(logs))

    def on_train_end(self, args, state, control, **kwargs):
        self.training_bar.close()
        self.training_bar = None

    def on_prediction_step(self, args, state, control, eval_dataloader, **kwargs):
        if self.prediction_bar is None:
            is_alone = self.training_bar is None
            self.prediction_bar = tqdm(total=len(eval_dataloader), leave=is_alone, desc="eval")
        self.prediction_bar.update(1)

    def on_evaluate(self, args, state, control, **kwargs):
        self.prediction_bar.close()
        self.prediction_bar = None

    def on_predict(self, args, state, control, metrics, **kwargs):
        self.on_evaluate(args, state, control)


class PrinterCallback(TrainerCallback):
    """A line for every log, and no bar: for ``disable_tqdm=True``."""

    def on_log(self, args, state, control, logs, **kwargs):
        tqdm.write(readable(logs))
