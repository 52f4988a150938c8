"""Makes the T5, BART and Marian folders: python -m tests.golden.make_golden_encoder_decoders"""

import numpy
import torch

from tests.tiny_encoder_decoders import GOLDEN, STORED, arrays_of, inputs, labels, their_model

SIZES = {"rows": 2, "source": 9, "seq": 7}


@torch.no_grad()
def make(variant):
    """One folder: config, weights in float16, and expected.npz of the rounded weights."""
    folder = GOLDEN / variant.replace(" ", "_")
    model = their_model(variant)
    names = numpy.array(list(model.state_dict()))
    model.half().save_pretrained(folder)
    model = type(model).from_pretrained(folder, dtype="float32", attn_implementation="eager")
    batch = {**inputs(variant, **SIZES), "labels": labels(variant, **SIZES)}
    tensors = {key: torch.from_numpy(array) for key, array in batch.items()}
    output = model(**tensors, output_hidden_states=True, output_attentions=True)
    given = {f"input.{key}": array for key, array in batch.items()}
    numpy.savez_compressed(folder / "expected.npz", names=names, **given, **arrays_of(output))


if __name__ == "__main__":
    for variant in STORED:
        make(variant)
