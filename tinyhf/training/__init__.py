"""Floor 6 · Training: batches, gradients, steps.

Reading order: trainer → trainer_services → preparation → data_loader → collating → data_collator →
evaluation → checkpoints, and for the step clipping → mixed → optimizer → optimizers → adafactor →
optimizer_files → schedules.
"""

from tinyhf.training.adafactor import Adafactor
from tinyhf.training.clipping import clip_grad_norm_
from tinyhf.training.data_collator import (
    DataCollatorForLanguageModeling,
    DataCollatorForSeq2Seq,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    DefaultDataCollator,
    default_data_collator,
)
from tinyhf.training.mixed import GradScaler
from tinyhf.training.optimizer import Optimizer
from tinyhf.training.optimizer_files import load_optimizer, save_optimizer
from tinyhf.training.optimizers import SGD, Adam, AdamW
from tinyhf.training.progress import PrinterCallback, ProgressCallback
from tinyhf.training.schedules import (
    SCHEDULES,
    LambdaLR,
    get_constant_schedule,
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_cosine_with_hard_restarts_schedule_with_warmup,
    get_inverse_sqrt_schedule,
    get_linear_schedule_with_warmup,
    get_polynomial_decay_schedule_with_warmup,
    get_scheduler,
    get_wsd_schedule,
)
from tinyhf.training.trainer import Trainer
from tinyhf.training.trainer_callback import (
    EarlyStoppingCallback,
    TrainerCallback,
)
from tinyhf.training.trainer_state import TrainerControl, TrainerState
from tinyhf.training.trainer_utils import EvalPrediction, get_last_checkpoint
from tinyhf.training.training_args import TrainingArguments

__all__ = [
    "SCHEDULES",
    "SGD",
    "Adafactor",
    "Adam",
    "AdamW",
    "DataCollatorForLanguageModeling",
    "DataCollatorForSeq2Seq",
    "DataCollatorForTokenClassification",
    "DataCollatorWithPadding",
    "DefaultDataCollator",
    "EarlyStoppingCallback",
    "EvalPrediction",
    "GradScaler",
    "LambdaLR",
    "Optimizer",
    "PrinterCallback",
    "ProgressCallback",
    "Trainer",
    "TrainerCallback",
    "TrainerControl",
    "TrainerState",
    "TrainingArguments",
    "clip_grad_norm_",
    "default_data_collator",
    "get_constant_schedule",
    "get_constant_schedule_with_warmup",
    "get_cosine_schedule_with_warmup",
    "get_cosine_with_hard_restarts_schedule_with_warmup",
    "get_inverse_sqrt_schedule",
    "get_last_checkpoint",
    "get_linear_schedule_with_warmup",
    "get_polynomial_decay_schedule_with_warmup",
    "get_scheduler",
    "get_wsd_schedule",
    "load_optimizer",
    "save_optimizer",
]
