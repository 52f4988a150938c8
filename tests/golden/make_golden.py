"""Makes the files of this folder with torch and transformers: python -m tests.golden.make_golden

Every folder holds a tiny random Llama and what transformers computes with it. The rope types have a
config of their own and the weights of ``gqa``.
"""

import numpy
import torch
import transformers

from tests.tiny_llamas import GOLDEN, SHAPES, VARIANTS, inputs, their_llama

STORED_AS = {"mha": "bfloat16", "biases": "bfloat16", "head_dim": "float16"}  # others: float32
ROWS, SEQ, NEW_TOKENS = 2, 20, 8
SMALLEST_MARGIN = 1e-4  # greedy ids must not hang on rounding


def make(name):
    """One folder: config, weights where it has its own, and expected.npz."""
    model, folder = their_llama(name), GOLDEN / name
    stored = getattr(torch, STORED_AS.get(name, "float32"))
    model.to(stored)
    if name in SHAPES:
        model.save_pretrained(folder)
    else:
        model.config.save_pretrained(folder)
    # float32 again, with the rounded weights; anew, since .to() has rounded inv_freq as well
    widened = transformers.LlamaForCausalLM(model.config).eval().to(torch.float32)
    widened.load_state_dict({key: value.float() for key, value in model.state_dict().items()})
    numpy.savez_compressed(folder / "expected.npz", **expected(widened))


@torch.no_grad()
def expected(model):
    """The inputs, and every array that tests compare."""
    arrays = inputs(ROWS, SEQ)
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    output = model(**tensors, output_hidden_states=True, output_attentions=True)
    del tensors["labels"]
    greedy = model.generate(
        **tensors,
        do_sample=False,
        max_new_tokens=NEW_TOKENS,
        output_logits=True,
        return_dict_in_generate=True,
    )
    best = torch.stack(greedy.logits).topk(2).values
    assert (best[..., 0] - best[..., 1]).min() > SMALLEST_MARGIN
    return {
        **arrays,
        "names": numpy.array(list(model.state_dict())),
        "loss": output.loss.numpy(),
        "logits": output.logits.numpy(),
        "hidden_states": torch.stack(output.hidden_states).numpy(),
        "attentions": torch.stack(output.attentions).numpy(),
        "greedy_ids": greedy.sequences.numpy(),
    }


if __name__ == "__main__":
    for name in VARIANTS:
        make(name)
