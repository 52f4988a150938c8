"""Makes the BERT, DistilBERT and RoBERTa folders: python -m tests.golden.make_golden_encoders"""

import numpy
import torch

from tests.tiny_encoders import GOLDEN, STORED, arrays_of, inputs, labels, their_encoder

ROWS, SEQ = 2, 9


@torch.no_grad()
def make(name):
    """One folder: config, weights in float16, and expected.npz of the rounded weights."""
    model = their_encoder(name).half()
    model.save_pretrained(GOLDEN / name)
    batch = inputs(name, ROWS, SEQ)
    batch |= labels(name, batch)
    tensors = {key: torch.from_numpy(array) for key, array in batch.items()}
    output = model.float()(**tensors, output_hidden_states=True, output_attentions=True)
    given = {f"input.{key}": array for key, array in batch.items()}
    names = numpy.array(list(model.state_dict()))
    numpy.savez_compressed(
        GOLDEN / name / "expected.npz", names=names, **given, **arrays_of(output)
    )


if __name__ == "__main__":
    for name in STORED:
        make(name)
