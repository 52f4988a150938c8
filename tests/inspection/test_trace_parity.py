"""What torch's forward hooks see in transformers, a trace has: names, order, values."""

import numpy as np
import pytest

import tinyhf
from tests.inspection.pairs import NAMES, make_pair
from tests.tiny_llamas import as_tensors
from tinyhf.inspection.measuring import line_up

pytestmark = pytest.mark.parity

#: Largest difference, as a share of the largest number. Measured: 4e-6.
TOLERANCE = 1e-4
#: T5 computes its bias before the first block here, inside of it there; Qwen3 norms its queries and
#: keys right before they are turned here, before it maps the next of them there.
ELSEWHERE = ("relative_attention_bias", "q_norm", "k_norm")


def hooked(model, text):
    """path → main value, in the order of torch's hooks."""
    import torch

    seen = {}

    def note(path, output):
        while isinstance(output, tuple | list) and output:
            output = output[0]
        if hasattr(output, "keys"):
            output = next(iter(output.values()))
        if hasattr(output, "detach"):
            seen.pop(path, None)  # a module called twice stands where it was last
            seen[path] = output.detach().numpy()

    for path, module in model.named_modules():
        if path:
            module.register_forward_hook(lambda _, args, output, path=path: note(path, output))
    with torch.no_grad():
        model(**as_tensors(text))
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_every_hook(name):
    pytest.importorskip("transformers")
    ours, theirs, text = make_pair(name)
    if hasattr(theirs, "set_attn_implementation"):
        theirs.set_attn_implementation("eager")
    seen = hooked(theirs, text)
    with tinyhf.trace(ours) as t:
        ours(**text)
    assert [path for path in seen if path not in t] == []
    for path, value in seen.items():
        a, b = line_up(path, t[path], value)
        assert abs(a - b).max() <= TOLERANCE * abs(b).max(), path
    order = [path for path in seen if not path.endswith(ELSEWHERE)]
    assert [path for path in t if path in order] == order


def test_as_in_torch_the_main_value_is_kept():
    """Of (cos, sin) the cos, of (hidden, weights) the hidden states."""
    pytest.importorskip("transformers")
    ours, theirs, text = make_pair("llama gqa")
    with tinyhf.trace(ours) as t:
        ours(**text)
    theirs = hooked(theirs, text)["model.rotary_emb"]
    np.testing.assert_allclose(t["model.rotary_emb"], theirs, atol=1e-6)
