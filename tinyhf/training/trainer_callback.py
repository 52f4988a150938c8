"""Floor 6 · Callbacks: whoever wants to watch a training run, or to say what it does next.

Mirrors transformers/trainer_callback.py. The run calls one method an event; when to log, evaluate
and save is itself decided by a callback, ``DefaultFlowCallback``.
"""

import dataclasses
import functools

from tinyhf.errors import ArgumentError, logger


class TrainerCallback:
    """Subclass it and write the methods of the events you want.

    Every one is called with ``(args, state, control, **kwargs)``; kwargs holds model,
    processing_class, optimizer, lr_scheduler, train_dataloader, eval_dataloader, and ``logs`` or
    ``metrics`` where there are any. Change ``control`` to stop, log, evaluate or save.
    """

    def on_init_end(self, args, state, control, **kwargs):
        """The Trainer was made."""

    def on_train_begin(self, args, state, control, **kwargs):
        """``train`` begins."""

    def on_train_end(self, args, state, control, **kwargs):
        """``train`` ends."""

    def on_epoch_begin(self, args, state, control, **kwargs):
        """The items will be seen once more."""

    def on_epoch_end(self, args, state, control, **kwargs):
        """All items were seen."""

    def on_step_begin(self, args, state, control, **kwargs):
        """The batches of one step follow."""

    def on_substep_end(self, args, state, control, **kwargs):
        """A batch was added to the gradients, and more follow in this step."""

    def on_pre_optimizer_step(self, args, state, control, **kwargs):
        """Gradients are complete and clipped; the weights are still the old ones."""

    def on_optimizer_step(self, args, state, control, **kwargs):
        """The weights are new; the gradients are still there."""

    def on_step_end(self, args, state, control, **kwargs):
        """A step is over."""

    def on_evaluate(self, args, state, control, **kwargs):
        """``evaluate`` is over; kwargs has ``metrics``."""

    def on_predict(self, args, state, control, metrics, **kwargs):
        """``predict`` is over."""

    def on_prediction_step(self, args, state, control, **kwargs):
        """A batch was evaluated."""

    def on_save(self, args, state, control, **kwargs):
        """A checkpoint was written."""

    def on_log(self, args, state, control, **kwargs):
        """A line was logged; kwargs has ``logs``."""


class CallbackHandler:
    """Passes every event on to all callbacks, in the order in which they were added."""

    #: Event → the wishes of ``control`` that it fulfils.
    FULFILS = {
        "on_train_begin": ("should_training_stop",),
        "on_epoch_begin": ("should_epoch_stop",),
        "on_step_begin": ("should_log", "should_evaluate", "should_save"),
        "on_evaluate": ("should_evaluate",),
        "on_save": ("should_save",),
        "on_log": ("should_log",),
    }

    def __init__(self, trainer, callbacks):
        self.trainer, self.callbacks = trainer, []
        for callback in callbacks:
            self.add_callback(callback)

    def add_callback(self, callback):
        """Add one more, given as an object or as a class."""
        callback = callback() if isinstance(callback, type) else callback
        missing = [event for event in ("on_step_end", "on_log") if not hasattr(callback, event)]
        if missing:
            wanted = "a TrainerCallback"
            raise ArgumentError("is no callback", where="callbacks", wanted=wanted, got=callback)
        if type(callback) in map(type, self.callbacks):
            logger.warning("There are two callbacks of the class %s now.", type(callback).__name__)
        self.callbacks.append(callback)

    def pop_callback(self, callback):
        """Take out one given as object or class, and return it; None if there is none."""
        for found in self.callbacks:
            if found is callback or (isinstance(callback, type) and isinstance(found, callback)):
                self.callbacks.remove(found)
                return found
        return None

    def call_event(self, event, **kwargs):
        """Call the method ``event`` of every callback; one that returns a control replaces it."""
        trainer = self.trainer
        for wish in self.FULFILS.get(event, ()):
            setattr(trainer.control, wish, False)
        for callback in self.callbacks:
            changed = getattr(callback, event)(
                trainer.args,
                trainer.state,
                trainer.control,
                model=trainer.model,
                processing_class=trainer.processing_class,
                optimizer=trainer.optimizer,
                lr_scheduler=trainer.lr_scheduler,
                train_dataloader=trainer.train_dataloader,
                eval_dataloader=trainer.eval_dataloader,
                **kwargs,
            )
            trainer.control = trainer.control if changed is None else changed

    def __getattr__(self, event):
        if not event.startswith("on_"):
            raise AttributeError(event)
        return functools.partial(self.call_event, event)

    def states(self):
        """What the callbacks that have a ``state()`` remember, by class name."""
        remembering = [callback for callback in self.callbacks if hasattr(callback, "state")]
        states = {type(callback).__name__: callback.state() for callback in remembering}
        control = {"args": dataclasses.asdict(self.trainer.control), "attributes": {}}
        return {**states, "TrainerControl": control}

    def load_states(self, states):
        """Give the callbacks back what they remembered."""
        for callback in self.callbacks:
            for name, value in (
                states.get(type(callback).__name__, {}).get("attributes", {}).items()
            ):
                setattr(callback, name, value)


class DefaultFlowCallback(TrainerCallback):
    """Says when to log, evaluate and save, as the strategies of the arguments want it."""

    def on_step_end(self, args, state, control, **kwargs):
        step, is_last = state.global_step, state.global_step >= state.max_steps
        due = {
            kind: getattr(args, f"{kind}_strategy") == "steps"
            and step % getattr(state, f"{kind}_steps") == 0
            for kind in ("logging", "eval", "save")
        }
        control.should_log |= due["logging"] or (step == 1 and args.logging_first_step)
        if args.eval_delay <= step:
            control.should_evaluate |= due["eval"] or (is_last and args.eval_strategy == "steps")
        control.should_save |= due["save"] or (is_last and args.save_strategy == "steps")
        control.should_training_stop |= is_last

    def on_epoch_end(self, args, state, control, **kwargs):
        control.should_log |= args.logging_strategy == "epoch"
        control.should_evaluate |= args.eval_strategy == "epoch" and args.eval_delay <= state.epoch
        control.should_save |= args.save_strategy == "epoch"


class EarlyStoppingCallback(TrainerCallback):
    """Stops once ``metric_for_best_model`` has not become better for some evaluations.

    Args:
        early_stopping_patience: how many evaluations in a row may bring nothing better.
        early_stopping_threshold: by how much the metric must change to count as better.
    """

    def __init__(self, early_stopping_patience=1, early_stopping_threshold=0.0):
        self.early_stopping_patience = early_stopping_patience
        self.early_stopping_threshold = early_stopping_threshold
        self.early_stopping_patience_counter = 0

    def on_train_begin(self, args, state, control, **kwargs):
        if args.metric_for_best_model is None or args.eval_strategy == "no":
            raise ArgumentError(
                "there is nothing to stop by",
                where="EarlyStoppingCallback",
                wanted="metric_for_best_model=, and eval_strategy= other than 'no'",
                got=(args.metric_for_best_model, args.eval_strategy),
            )

    def on_evaluate(self, args, state, control, metrics, **kwargs):
        name = args.metric_for_best_model.removeprefix("eval_")
        value, best = metrics.get(f"eval_{name}"), state.best_metric
        if value is None:
            logger.warning("early stopping: eval_%s is not among the metrics", name)
            return
        better = best is None or (value > best if args.greater_is_better else value < best)
        is_enough = best is None or abs(value - best) > self.early_stopping_threshold
        patience = self.early_stopping_patience_counter
        self.early_stopping_patience_counter = 0 if better and is_enough else patience + 1
        control.should_training_stop |= (
            self.early_stopping_patience_counter >= self.early_stopping_patience
        )

    def state(self):
        """What a checkpoint keeps of it."""
        return {
            "args": {
                "early_stopping_patience": self.early_stopping_patience,
                "early_stopping_threshold": self.early_stopping_threshold,
            },
            "attributes": {"early_stopping_patience_counter": self.early_stopping_patience_counter},
        }
