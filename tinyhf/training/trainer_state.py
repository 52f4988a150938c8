"""Floor 6 · TrainerState: how far a training run is; TrainerControl: what it does next.

Mirrors TrainerState and TrainerControl of transformers/trainer_callback.py; ``trainer_state.json``
of a checkpoint is the one, and reads there as here.
"""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from tinyhf.errors import CheckpointError


@dataclass
class TrainerState:
    """How far the run is.

    Attributes:
        epoch: how often all items were seen, as a fraction: 1.5 is the middle of the second time.
        global_step: how many times the weights were changed.
        log_history: every line that was logged, as a dict with its step.
        best_metric, best_global_step, best_model_checkpoint: the best evaluation so far.
        stateful_callbacks: what callbacks with a ``state()`` remember.
    """

    epoch: float = 0
    global_step: int = 0
    max_steps: int = 0
    logging_steps: int = 500
    eval_steps: int = 500
    save_steps: int = 500
    train_batch_size: int | None = None
    num_train_epochs: int = 0
    num_input_tokens_seen: int = 0
    total_flos: float = 0
    log_history: list = field(default_factory=list)
    best_metric: float | None = None
    best_global_step: int | None = None
    best_model_checkpoint: str | None = None
    is_local_process_zero: bool = True
    is_world_process_zero: bool = True
    is_hyper_param_search: bool = False
    trial_name: str | None = None
    trial_params: dict | None = None
    stateful_callbacks: dict = field(default_factory=dict)

    def compute_steps(self, args, max_steps):
        """Turn the intervals of ``args`` into steps; below 1 they are shares of all steps."""
        for name in ("logging_steps", "eval_steps", "save_steps"):
            if (steps := getattr(args, name)) is not None:
                setattr(self, name, math.ceil(max_steps * steps) if steps < 1 else int(steps))

    def save_to_json(self, json_path):
        """Write ``trainer_state.json``."""
        text = json.dumps(dataclasses.asdict(self), indent=2, sort_keys=True) + "\n"
        Path(json_path).write_text(text, encoding="utf-8")

    @classmethod
    def load_from_json(cls, json_path):
        """Read ``trainer_state.json``, one of transformers as well.

        Raises:
            CheckpointError: it is missing or no such file.
        """
        try:
            return cls(**json.loads(Path(json_path).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            fix = "Resume from a folder that the Trainer wrote, checkpoint-<step>"
            problem = f"the state of the training cannot be read: {error}"
            raise CheckpointError(problem, where=str(json_path), fix=fix) from error


@dataclass
class TrainerControl:
    """What the run does next; callbacks change it."""

    should_training_stop: bool = False
    should_epoch_stop: bool = False
    should_save: bool = False
    should_evaluate: bool = False
    should_log: bool = False
