"""Mistral, Qwen2 and Qwen3 against transformers, on fresh random checkpoints."""

import numpy
import pytest

from tinyhf import AutoConfig, AutoModel, AutoModelForCausalLM

pytestmark = pytest.mark.parity

#: Largest difference, relative to the largest number of the array: float32's rounding, summed up.
TOLERANCE = 1e-4

SIZES = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
VARIANTS = {
    "mistral, window": ("Mistral", {"sliding_window": 5}),
    "mistral, no window": ("Mistral", {"sliding_window": None, "head_dim": 16}),
    "qwen2": ("Qwen2", {"tie_word_embeddings": True}),
    "qwen2, window": (
        "Qwen2",
        {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1},
    ),
    "qwen3": ("Qwen3", {"head_dim": 16}),
    "qwen3, window": (
        "Qwen3",
        {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 2, "head_dim": 8},
    ),
}


@pytest.fixture(params=VARIANTS, ids=list(VARIANTS))
def pair(request, tmp_path):
    """(theirs, ours, folder): a random checkpoint, loaded by both."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    family, fields = VARIANTS[request.param]
    config = getattr(transformers, f"{family}Config")(**SIZES, **fields)
    torch.manual_seed(len(request.param))
    theirs = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    with torch.no_grad():
        for parameter in theirs.parameters():  # biases and norms that are not 0 and 1
            parameter.add_(torch.randn_like(parameter) * 0.1)
    theirs.save_pretrained(tmp_path)
    theirs.set_attn_implementation("eager")
    return theirs, AutoModelForCausalLM.from_pretrained(tmp_path), tmp_path


def assert_close(ours, theirs, rows=Ellipsis):
    theirs = theirs.detach().numpy()[rows]
    assert abs(ours[rows] - theirs).max() <= TOLERANCE * abs(theirs).max()


def test_everything_a_forward_gives(pair):
    import torch

    theirs, ours, _ = pair
    ids = numpy.random.RandomState(0).randint(0, 96, (2, 13))
    mask = numpy.ones_like(ids)
    mask[1, :4] = 0
    inputs = {"input_ids": ids, "attention_mask": mask, "labels": numpy.where(mask, ids, -100)}
    mine = ours(**inputs, output_hidden_states=True, output_attentions=True)
    with torch.no_grad():
        tensors = {name: torch.tensor(array) for name, array in inputs.items()}
        other = theirs(**tensors, output_hidden_states=True, output_attentions=True)
    rows = mask.astype(bool)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)
    assert_close(mine.logits, other.logits, rows)
    assert_close(mine.loss, other.loss)
    for a, b in zip(mine.hidden_states, other.hidden_states, strict=True):
        assert_close(a, b, rows)
    for a, b in zip(mine.attentions, other.attentions, strict=True):
        assert_close(a.swapaxes(1, 2), b.swapaxes(1, 2), rows)


def test_cached_equals_uncached_and_tokens_agree(pair):
    import torch

    theirs, ours, _ = pair
    ids = numpy.random.RandomState(1).randint(0, 96, (1, 9))
    whole = ours(ids).logits
    first = ours(ids[:, :6])
    rest = ours(ids[:, 6:], past_key_values=first.past_key_values)
    assert abs(rest.logits - whole[:, 6:]).max() <= TOLERANCE * abs(whole).max()
    settings = {"max_new_tokens": 20, "eos_token_id": None, "pad_token_id": 0}
    for sampling in ({"do_sample": False}, {"do_sample": True, "temperature": 0.9, "top_p": 0.9}):
        torch.manual_seed(3)
        other = theirs.generate(torch.tensor(ids), **settings, **sampling)
        assert ours.generate(ids, **settings, **sampling, seed=3).tolist() == other.tolist()


def test_saved_by_one_read_by_the_other(pair, tmp_path):
    import transformers

    theirs, ours, folder = pair
    ours.save_pretrained(tmp_path / "ours")
    again = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "ours")
    for (name, a), b in zip(theirs.state_dict().items(), again.state_dict().values(), strict=True):
        assert (a == b).all(), name
    assert type(AutoModel.from_pretrained(folder)).__name__ == type(theirs.model).__name__
    known = transformers.AutoConfig.from_pretrained(folder).to_dict()
    mine = AutoConfig.from_pretrained(folder).to_dict()
    for name in ("sliding_window", "layer_types", "num_key_value_heads", "rope_parameters"):
        assert mine.get(name) == known.get(name), name
