"""Floor 6 · Checkpoints: a folder from which a run goes on as if it had never stopped.

Mirrors _save_checkpoint and _load_from_checkpoint of transformers/trainer.py. In checkpoint-500:

    model.safetensors, config.json …    the model: from_pretrained reads it, here and there
    optimizer.safetensors, .json        what the optimizer remembers of earlier gradients
    trainer_state.json                  step, epoch, log, best metric: as transformers writes it
    run_state.json                      schedule, loss scale, and the loss since the last log
    rng_state.safetensors               where the random numbers stand
    training_args.json                  the arguments, for people

The folder is written under another name, and gets its own when it is complete: whenever a run is
killed, every folder called checkpoint-… is whole.
"""

import contextlib
import json
import shutil
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tinyhf.autograd import Tensor
from tinyhf.backend import to_device
from tinyhf.backend.random import default_generator
from tinyhf.checkpoint import find_checkpoint, load_state_dict
from tinyhf.errors import CheckpointError
from tinyhf.training.optimizer_files import load_optimizer, save_optimizer
from tinyhf.training.trainer_state import TrainerState
from tinyhf.training.trainer_utils import PREFIX_CHECKPOINT_DIR, sorted_checkpoints

TRAINER_STATE = "trainer_state.json"
RUN_STATE = "run_state.json"
RNG_STATE = "rng_state.safetensors"
UNFINISHED = "unfinished-"


def save_checkpoint(trainer):
    """Write ``checkpoint-<step>`` into the output folder, and remove the ones too many.

    Raises:
        CheckpointError: it could not be written; those of before are whole.
    """
    final = Path(trainer.args.output_dir) / f"{PREFIX_CHECKPOINT_DIR}-{trainer.state.global_step}"
    unfinished = final.with_name(UNFINISHED + final.name)
    for left_by_a_kill in final.parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(left_by_a_kill, ignore_errors=True)
    if trainer.state.best_global_step == trainer.state.global_step:
        trainer.state.best_model_checkpoint = str(final)
    try:
        with errors_of_writing(final):
            unfinished.mkdir(parents=True)
            write_checkpoint(trainer, unfinished)
            shutil.rmtree(final, ignore_errors=True)
            unfinished.rename(final)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    rotate_checkpoints(trainer)


@contextlib.contextmanager
def errors_of_writing(folder):
    """A full disk becomes a sentence."""
    try:
        yield
    except CheckpointError:
        raise
    except (OSError, SafetensorError) as error:
        fix = "Earlier checkpoints are whole, and the model is still in memory: make room first"
        raise CheckpointError(f"cannot be written: {error}", where=str(folder), fix=fix) from error


def write_checkpoint(trainer, folder):
    """All files of a checkpoint."""
    trainer.write_model(folder)
    trainer.state.stateful_callbacks = trainer.callback_handler.states()
    trainer.state.save_to_json(folder / TRAINER_STATE)
    if trainer.args.save_only_model:
        return
    save_optimizer(trainer.optimizer, folder)
    run_state = {
        "lr_scheduler": trainer.lr_scheduler.state_dict(),
        "scaler": trainer.scaler.state_dict(),
        "loss_log": vars(trainer.loss_log),
        "epochs_completed": trainer.epochs_completed,
    }
    (folder / RUN_STATE).write_text(json.dumps(run_state, indent=2), encoding="utf-8")
    now, loader = default_generator().get_state(), trainer.train_dataloader
    states = {"epoch": loader.state_of_epoch, "next_batch": loader.state_of_next_batch, "now": now}
    begun = {name: now if state is None else state for name, state in states.items()}
    save_file(begun, folder / RNG_STATE)


def rotate_checkpoints(trainer):
    """Remove the oldest checkpoints beyond ``save_total_limit``, but never the best one."""
    limit = trainer.args.save_total_limit
    if not limit or limit < 0:
        return
    found = sorted_checkpoints(trainer.args.output_dir)
    best = trainer.state.best_model_checkpoint
    is_best = {path: bool(best) and path.resolve() == Path(best).resolve() for path in found}
    if limit == 1 and any(is_best.values()) and not is_best[found[-1]]:
        limit = 2  # the best one and the last one, to resume from
    removable = [path for path in found[:-1] if not is_best[path]]
    for path in removable[: max(0, len(found) - limit)]:
        shutil.rmtree(path, ignore_errors=True)


# ---- back into a run ----------------------------------------------------------------------------


def find_resumable(folder, output_dir):
    """The checkpoint to resume from: ``folder``, or the last one of ``output_dir`` if True.

    Raises:
        CheckpointError: there is none.
    """
    if folder is True:
        found = sorted_checkpoints(output_dir)
        if not found:
            fix = "Call train() without resume_from_checkpoint to begin"
            wanted = f"{PREFIX_CHECKPOINT_DIR}-<step>"
            problem = "there is no checkpoint to resume from"
            raise CheckpointError(problem, where=str(output_dir), wanted=wanted, fix=fix)
        return found[-1]
    folder = Path(folder)
    missing = [n for n in (TRAINER_STATE, RUN_STATE, RNG_STATE) if not (folder / n).is_file()]
    if missing:
        raise CheckpointError(
            "no run can be resumed from this folder",
            where=str(folder),
            wanted=f"a checkpoint of tinyhf's Trainer, with {', '.join(missing)}",
            fix="Pass True for the last checkpoint in output_dir",
        )
    return folder


def load_weights(model, folder):
    """Put the weights of a checkpoint into the model, in place."""
    if hasattr(model, "load_adapter"):  # a PeftModel saves its adapter only
        name = model.active_adapter
        inner = folder if name == "default" else Path(folder) / name
        model.load_adapter(str(inner), name, is_trainable=True)
        return
    folder = Path(folder)
    files = find_checkpoint(str(folder), lambda name: path_if_there(folder / name)).files
    for file in files:
        for name, array in load_state_dict(file).items():
            array = to_device(array, model.device)
            parameter = model.get_parameter(name)
            if isinstance(parameter, Tensor):
                parameter.array = array
            else:
                model.set_parameter(name, array)
    model.tie_weights()


def path_if_there(path):
    return str(path) if path.is_file() else None


def load_run(trainer, folder):
    """Put optimizer, schedule and log of a checkpoint back.

    Returns:
        Where the random numbers stood: (before the epoch, before the next batch was made, when it
        was saved).
    """
    trainer.state = TrainerState.load_from_json(folder / TRAINER_STATE)
    trainer.callback_handler.load_states(trainer.state.stateful_callbacks)
    load_optimizer(trainer.optimizer, folder)
    try:
        run_state = json.loads((folder / RUN_STATE).read_text(encoding="utf-8"))
        states = load_file(folder / RNG_STATE)
    except (OSError, ValueError, SafetensorError) as error:
        fix = "Resume from another checkpoint"
        raise CheckpointError(f"is damaged: {error}", where=str(folder), fix=fix) from error
    trainer.lr_scheduler.load_state_dict(run_state["lr_scheduler"])
    trainer.scaler.load_state_dict(run_state["scaler"])
    vars(trainer.loss_log).update(run_state["loss_log"])
    trainer.epochs_completed = run_state["epochs_completed"]
    return states["epoch"], states["next_batch"], states["now"]
