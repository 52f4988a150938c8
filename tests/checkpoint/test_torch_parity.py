"""Files that torch.save makes now, and models in ``.bin`` files, against torch and transformers."""

import shutil

import numpy
import pytest

from tests.checkpoint.stored_tensors import expected, with_torch
from tests.tiny_llamas import assert_close, inputs, their_llama
from tinyhf import AutoModelForCausalLM
from tinyhf.checkpoint import load_state_dict

pytestmark = pytest.mark.parity

CONTAINERS = {"zip": True, "legacy": False}
PROTOCOLS = (2, 3, 4, 5)


def raw_bytes(tensor):
    import torch

    tensor = tensor.detach().contiguous()
    return tensor.flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("container", CONTAINERS)
def test_what_torch_saves_now(tmp_path, container, protocol):
    """Compared with what went in: torch.load itself does not read all of these files."""
    import torch

    tensors = with_torch()
    torch.save(
        tensors,
        tmp_path / "a.bin",
        pickle_protocol=protocol,
        _use_new_zipfile_serialization=CONTAINERS[container],
    )
    shard = load_state_dict(tmp_path / "a.bin")
    assert list(shard) == list(tensors) == list(expected())
    for name, array in shard.items():
        assert array.dtype == expected()[name].dtype
        assert array.shape == tuple(tensors[name].shape)
        assert array.tobytes() == raw_bytes(tensors[name]), name


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_the_state_dict_of_a_module(tmp_path, container, dtype):
    """With the ``_metadata`` that state dicts carry, buffers, and parameters outside of a dict."""
    import torch

    module = torch.nn.Sequential(
        torch.nn.Linear(7, 5), torch.nn.BatchNorm1d(5), torch.nn.Conv2d(2, 3, 1)
    )
    state_dict = module.to(getattr(torch, dtype)).state_dict()
    state_dict["weight_norm"] = torch.nn.Parameter(torch.randn(3, 2))
    path = tmp_path / "a.bin"
    torch.save(state_dict, path, _use_new_zipfile_serialization=CONTAINERS[container])
    shard = load_state_dict(path)
    assert list(shard) == list(state_dict)
    for name, tensor in state_dict.items():
        assert shard[name].tobytes() == raw_bytes(tensor)


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 1), (2, 0, 3)])
def test_every_order_of_axes(tmp_path, shape):
    import itertools

    import torch

    base = torch.arange(numpy.prod(shape)).reshape(shape)
    views = {str(axes): base.permute(axes) for axes in itertools.permutations(range(len(shape)))}
    torch.save(views, tmp_path / "a.bin")
    for name, array in load_state_dict(tmp_path / "a.bin").items():
        numpy.testing.assert_array_equal(array, views[name].numpy())


def save_bin(model, folder, shards=1, variant=None, container="zip"):
    """As save_pretrained(safe_serialization=False) of earlier transformers."""
    import json

    import torch

    model.config.save_pretrained(folder)
    infix = f".{variant}" if variant else ""
    weights = list(model.state_dict().items())
    files = [f"pytorch_model-{i + 1:05d}-of-{shards:05d}{infix}.bin" for i in range(shards)]
    files = [f"pytorch_model{infix}.bin"] if shards == 1 else files
    for number, file in enumerate(files):
        part = dict(weights[number::shards])
        options = {"_use_new_zipfile_serialization": CONTAINERS[container]}
        torch.save(part, folder / file, **options)
    if shards > 1:
        names = {name: files[i % shards] for i, (name, _) in enumerate(weights)}
        index = folder / f"pytorch_model.bin.index{infix}.json"
        index.write_text(json.dumps({"metadata": {}, "weight_map": names}))


@pytest.mark.parametrize(
    ("variant", "options"),
    [
        ("gqa", {}),
        ("gqa", {"shards": 3}),
        ("tied", {"container": "legacy"}),
        ("biases", {"shards": 2, "container": "legacy"}),
        ("mha", {"variant": "fp16"}),
        ("mha", {"variant": "fp16", "shards": 2}),
    ],
)
def test_models(tmp_path, variant, options):
    import torch
    import transformers

    model = their_llama(variant)
    save_bin(model, tmp_path, **options)
    arguments = {"variant": options["variant"]} if "variant" in options else {}
    ours = AutoModelForCausalLM.from_pretrained(tmp_path, **arguments)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, **arguments, attn_implementation="eager", dtype="float32"
    )
    batch = inputs(2, 9)
    with torch.no_grad():
        logits = theirs(**{name: torch.from_numpy(a) for name, a in batch.items()}).logits
    assert_close(ours(**batch).logits, logits.numpy())
    assert (ours.lm_head.weight is ours.model.embed_tokens.weight) == (variant == "tied")


@pytest.mark.parametrize("use_safetensors", [None, True, False])
@pytest.mark.parametrize("variant", [None, "v"])
@pytest.mark.parametrize("there", ["safetensors", "bin", "both", "neither"])
def test_the_choice_of_files_is_theirs(tmp_path, use_safetensors, variant, there):
    """Two different models in one folder: which of them is loaded, or is it refused?"""
    import transformers

    infix = f".{variant}" if variant else ""
    if there in ("safetensors", "both"):
        their_llama(seed=1).save_pretrained(tmp_path, variant=variant)
    if there in ("bin", "both"):
        save_bin(their_llama(seed=2), tmp_path, variant=variant)
    if there == "neither":  # only one with another variant
        other = f"model{'' if variant else '.other'}.safetensors"
        their_llama(seed=3).save_pretrained(tmp_path)
        shutil.move(tmp_path / "model.safetensors", tmp_path / other)
    options = {"variant": variant, "use_safetensors": use_safetensors}
    try:
        theirs = transformers.LlamaForCausalLM.from_pretrained(tmp_path, **options)
    except OSError:
        with pytest.raises(OSError, match=rf"there are no weights \(wanted .*model{infix}\."):
            AutoModelForCausalLM.from_pretrained(tmp_path, **options)
        return
    ours = AutoModelForCausalLM.from_pretrained(tmp_path, **options)
    weight = theirs.lm_head.weight.detach().numpy()
    numpy.testing.assert_array_equal(ours.lm_head.weight, weight)
