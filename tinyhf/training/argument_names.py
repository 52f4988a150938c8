"""Floor 6 · The names a TrainingArguments takes: its own, older spellings, and those without use.

A script written for transformers should run or say in one sentence why it cannot.
"""

import difflib
import functools
import inspect

from tinyhf.errors import ArgumentError

#: What an argument was called once → (what it is called now, how its value is said now).
OLDER = {
    "evaluation_strategy": ("eval_strategy", lambda value: value),
    "warmup_ratio": ("warmup_steps", lambda value: value),
    "activation_checkpointing": ("gradient_checkpointing", bool),
    "no_cuda": ("use_cpu", bool),
    "group_by_length": (
        "train_sampling_strategy",
        lambda value: "group_by_length" if value else "random",
    ),
}

#: Accepted as in transformers, and without effect: there is one process, and one log.
WITHOUT_EFFECT = {
    "activation_checkpointing_kwargs",
    "average_tokens_across_devices",
    "dataloader_in_order",
    "dataloader_multiprocessing_context",
    "dataloader_num_workers",
    "dataloader_persistent_workers",
    "dataloader_pin_memory",
    "dataloader_prefetch_factor",
    "ddp_timeout",
    "debug",
    "eval_accumulation_steps",
    "eval_do_concat_batches",
    "eval_use_gather_object",
    "gradient_checkpointing_kwargs",
    "hub_always_push",
    "hub_model_id",
    "hub_private_repo",
    "hub_revision",
    "hub_strategy",
    "hub_token",
    "include_num_input_tokens_seen",
    "local_rank",
    "log_level",
    "log_level_replica",
    "log_on_each_node",
    "logging_dir",
    "overwrite_output_dir",
    "project",
    "restore_callback_states_from_checkpoint",
    "run_name",
    "save_on_each_node",
    "save_safetensors",
    "skip_memory_metrics",
    "torch_empty_cache_steps",
    "trackio_bucket_id",
    "trackio_space_id",
    "trackio_static_space_id",
    "use_cache",
}

#: Beginnings of names whose machinery is not here; they may be passed as long as they are off.
REFUSED = {
    "deepspeed": "training here runs in one process on one device",
    "fsdp": "training here runs in one process on one device",
    "ddp_": "training here runs in one process on one device",
    "parallelism_config": "training here runs in one process on one device",
    "accelerator_config": "training here runs without accelerate",
    "torch_compile": "there is no torch here to compile with",
    "tf32": "there is no torch here; NumPy and CuPy decide how they multiply",
    "use_liger_kernel": "formulas here are plain NumPy, so that they can be read",
    "push_to_hub": "nothing is uploaded from here; use huggingface_hub on the saved folder",
    "liger_kernel_config": "formulas here are plain NumPy, so that they can be read",
    "optim_target_modules": "its optimizers (GaLore and their like) are not built in",
    "include_for_metrics": "compute_metrics gets predictions and labels only",
    "enable_jit_checkpoint": "choose save_steps small enough instead",
    "neftune_noise_alpha": "noise on the embeddings is not built in",
    "auto_find_batch_size": "choose per_device_train_batch_size by hand",
    "full_determinism": "runs here are deterministic as they are",
    "bf16_full_eval": "load the model with dtype='bfloat16' to evaluate it so",
    "fp16_full_eval": "load the model with dtype='float16' to evaluate it so",
    "batch_eval_metrics": "metrics are computed once, over all batches",
}
REPORT_FIX = "Read trainer.state.log_history, call trainer.plot_loss(), or add a TrainerCallback"


def understand_names(arguments_class):
    """The decorator: ``__init__`` translates older names and refuses unknown ones."""
    plain_init = arguments_class.__init__
    known = list(inspect.signature(plain_init).parameters)[1:]

    @functools.wraps(plain_init)
    def __init__(self, *args, **kwargs):
        understood = {}
        for name, value in kwargs.items():
            if name in known:
                understood[name] = value
            elif name in OLDER:
                new, translate = OLDER[name]
                if value is not None:
                    understood.setdefault(new, translate(value))
            elif name == "report_to":
                _refuse_reports(value)
            elif name not in WITHOUT_EFFECT:
                _refuse(name, value, known)
        plain_init(self, *args, **understood)

    arguments_class.__init__ = __init__
    return arguments_class


def _refuse(name, value, known):
    for beginning, reason in REFUSED.items():
        if name.startswith(beginning):
            if value in (None, False, "", [], {}):
                return
            raise ArgumentError("is not supported", where=name, got=value, fix=reason.capitalize())
    nearest = difflib.get_close_matches(name, [*known, *OLDER], n=1)
    raise ArgumentError(
        "TrainingArguments has no such argument",
        where=name,
        fix=f"Did you mean {nearest[0]!r}?" if nearest else None,
    )


def _refuse_reports(value):
    wanted = [value] if isinstance(value, str) else value or []
    others = [name for name in wanted if name not in ("none", "all")]
    if others:
        raise ArgumentError("cannot report to it", where="report_to", got=others, fix=REPORT_FIX)
