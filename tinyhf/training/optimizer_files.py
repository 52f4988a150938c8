"""Floor 6 · The state of an optimizer, as two files: numbers that were learnt, and settings.

Stands in for optimizer.pt of transformers/trainer.py, which is a pickle and so may run code when it
is read. ``optimizer.safetensors`` holds the arrays ("3.exp_avg" is of parameter 3), and
``optimizer.json`` everything else.
"""

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from tinyhf.backend import is_array, to_host
from tinyhf.errors import CheckpointError

ARRAYS, SETTINGS = "optimizer.safetensors", "optimizer.json"


def save_optimizer(optimizer, folder):
    """Write the two files into ``folder``, which exists."""
    state_dict = optimizer.state_dict()
    arrays, numbers = {}, {}
    for number, state in state_dict["state"].items():
        numbers[number] = {k: v for k, v in state.items() if not is_array(v)}
        arrays |= {f"{number}.{k}": to_host(v) for k, v in state.items() if is_array(v)}
    save_file(arrays, Path(folder) / ARRAYS)
    settings = {"state": numbers, "param_groups": state_dict["param_groups"]}
    (Path(folder) / SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf-8")


def load_optimizer(optimizer, folder):
    """Read them back: the optimizer goes on bit for bit where it was saved.

    Raises:
        CheckpointError: a file is missing or damaged.
        ArgumentError: it is the state of other parameters.
    """
    try:
        settings = json.loads((Path(folder) / SETTINGS).read_text(encoding="utf-8"))
        arrays = load_file(Path(folder) / ARRAYS)
        state = {int(number): values for number, values in settings["state"].items()}
        for name, array in arrays.items():
            number, _, key = name.partition(".")
            state[int(number)][key] = array
        state_dict = {"state": state, "param_groups": settings["param_groups"]}
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        problem = f"the optimizer's state cannot be read: {error}"
        fix = "Resume from another checkpoint"
        raise CheckpointError(problem, where=str(folder), fix=fix) from error
    optimizer.load_state_dict(state_dict)
