"""Floor 6 · What every decoding loop does in a step: inputs to the device, errors, records.

Mirrors the middle of the loops in transformers/generation/utils.py.
"""

import numpy as np

from tinyhf.backend import to_device
from tinyhf.errors import ArgumentError, NumericsError


def on_device(model_inputs, device):
    """The arrays among the inputs, from the host to the model's device."""
    return {
        name: to_device(value, device) if isinstance(value, np.ndarray) else value
        for name, value in model_inputs.items()
    }


def cannot_draw(probs, input_ids):
    """The error that says which row and token have no probabilities."""
    row = np.isnan(probs[:, 0]).argmax()
    return NumericsError(
        "the probabilities contain NaN",
        where=f"generate(), row {row}, token {input_ids.shape[1]}",
        fix="A score is NaN or infinite, or a processor banned every token.",
    )


def begin_stream(streamer, input_ids):
    """Give the streamer the prompt.

    Raises:
        ArgumentError: it is none.
    """
    for name in ("put", "end"):
        if not callable(getattr(streamer, name, None)):
            wanted, got = "methods put(value) and end()", type(streamer).__name__
            raise ArgumentError("is no streamer", where="streamer", wanted=wanted, got=got)
    streamer.put(input_ids)


def what_to_record(generation_config, recordable):
    """An empty list for each field whose ``output_…`` was asked for."""
    if not generation_config.return_dict_in_generate:
        return {}
    return {name: [] for name, asked in recordable.items() if getattr(generation_config, asked)}


def record_step(recorded, next_token_scores, next_token_logits, outputs):
    """Keep what one step had to say."""
    step = {**outputs, "scores": next_token_scores, "logits": next_token_logits}
    for name, values in recorded.items():
        values.append(step[name])
