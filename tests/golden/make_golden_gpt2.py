"""Makes the GPT-2 and GPTBigCode folders here: python -m tests.golden.make_golden_gpt2"""

import numpy
import torch

from tests.golden.make_golden import NEW_TOKENS, ROWS, SMALLEST_MARGIN
from tests.tiny_gpt2s import GOLDEN, STORED, inputs_of, their_model
from tests.tiny_llamas import as_tensors

SEQ = 12
EVERYTHING = {"output_hidden_states": True, "output_attentions": True}


def make(name):
    """One folder: config, weights in float16, and expected.npz of the rounded weights."""
    model = their_model(name).half()
    model.save_pretrained(GOLDEN / name)
    numpy.savez_compressed(GOLDEN / name / "expected.npz", **expected(model.float(), name))


@torch.no_grad()
def expected(model, name):
    """The inputs, and every array that tests compare."""
    arrays = inputs_of(name, ROWS, SEQ)
    tensors = as_tensors(arrays)
    output = model(**tensors, **EVERYTHING)
    del tensors["labels"]
    options = {"do_sample": False, "max_new_tokens": NEW_TOKENS, "output_logits": True}
    greedy = model.generate(**tensors, **options, return_dict_in_generate=True)
    best = torch.stack(greedy.logits).topk(2).values
    assert (best[..., 0] - best[..., 1]).min() > SMALLEST_MARGIN
    layers = ("hidden_states", "attentions", "cross_attentions")
    return {
        **arrays,
        "names": numpy.array(list(model.state_dict())),
        "loss": output.loss.numpy(),
        "logits": output.logits.numpy(),
        **{layer: torch.stack(output[layer]).numpy() for layer in layers if output[layer]},
        "greedy_ids": greedy.sequences.numpy(),
    }


if __name__ == "__main__":
    for name in STORED:
        make(name)
