"""What ``plan_load`` finds out, for models that are whole, incomplete, damaged or far away."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tinyhf import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from tinyhf.errors import CheckpointError, ConfigError, WeightMismatchError
from tinyhf.hub import cached_file
from tinyhf.inspection import parameter_tree, plan_load


def set_in_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_a_whole_model(tiny):
    plan = plan_load(tiny)
    model = AutoModelForCausalLM.from_pretrained(tiny)
    files = [lookup.filename for lookup in plan.lookups["weights"]]
    assert files[:2] == ["model.safetensors", "model.safetensors.index.json"]
    assert files[2:] == [shard.file for shard in plan.shards]
    assert [shard.state for shard in plan.shards] == ["ready"] * len(files[2:])
    assert all(len(shard.tensors) == shard.expected for shard in plan.shards)
    assert plan.tree.count == model.num_parameters()
    assert plan.tree.nbytes == 4 * model.num_parameters()
    assert plan.config.decided_by == 'model_type "llama"'
    assert (plan.error, plan.differences) == (None, [])
    assert plan.tokenizer.startswith("PreTrainedTokenizerFast, 300 tokens, by tokenizer_class")
    assert plan.free_memory["cpu"] is None or plan.free_memory["cpu"] > 0


def test_no_weights_are_read(tiny, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a tensor is read")

    monkeypatch.setattr("tinyhf.checkpoint.SafetensorsFile.__getitem__", refuse)
    assert plan_load(tiny).error is None


def test_equal_layers_are_one_branch():
    config = LlamaConfig(num_hidden_layers=12, tie_word_embeddings=True)
    model = LlamaForCausalLM(config)
    dtypes = dict.fromkeys(model.state_dict(), np.dtype("float16"))
    tree = parameter_tree(model, dtypes)
    body, head = tree.children
    layers = body.children[1]
    assert (layers.name, layers.repeats, layers.kind) == ("layers.0-11", 12, "LlamaDecoderLayer")
    assert (head.name, head.tied_to) == ("lm_head.weight", "model.embed_tokens.weight")
    assert head.nbytes == 0
    assert tree.count == model.num_parameters()

    dtypes["model.layers.5.mlp.up_proj.weight"] = np.dtype("float32")
    names = [child.name for child in parameter_tree(model, dtypes).children[0].children]
    assert names == ["embed_tokens.weight", "layers.0-4", "layers.5", "layers.6-11", "norm.weight"]


def test_missing_shards_are_named(copy):
    *_, last = sorted(copy.glob("model-*.safetensors"))
    last.unlink()
    plan = plan_load(copy)
    assert plan.shards[-1].state == "missing"
    assert isinstance(plan.error, CheckpointError)
    assert f"1 of {len(plan.shards)} weight files are missing: {last.name}" in str(plan.error)


def test_a_config_alone_is_enough(copy):
    for path in copy.iterdir():
        if path.name != "config.json":
            path.unlink()
    plan = plan_load(copy)
    assert "there are no weights" in str(plan.error)
    assert plan.tokenizer.startswith("none: ")
    assert plan.tree.count == LlamaForCausalLM(plan.config).num_parameters()


def test_a_damaged_shard(copy):
    first = min(copy.glob("model-*.safetensors"))
    first.write_bytes(first.read_bytes()[:-10])
    plan = plan_load(copy)
    assert [shard.state for shard in plan.shards][:2] == ["damaged", "ready"]
    assert plan.error is plan.shards[0].error


def test_names_and_shapes_that_differ(copy):
    set_in_config(copy, num_hidden_layers=2, intermediate_size=20)
    plan = plan_load(copy)
    assert isinstance(plan.error, WeightMismatchError)
    text = "\n".join(plan.differences)
    assert "unexpected  model.layers.2.mlp.up_proj.weight  (24, 16), not used" in text
    assert "mismatched  model.layers.0.mlp.up_proj.weight  (24, 16) in the checkpoint" in text
    assert "num_hidden_layers = 2, the checkpoint has 3" in text


def test_names_that_loading_ignores_are_no_difference(copy):
    weights = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(2, np.float32)}
    for shard in copy.glob("model-*.safetensors"):
        weights |= load_file(shard)
    save_file(weights, copy / "model.safetensors")
    assert plan_load(copy).differences == []
    save_file({**weights, "model.more": np.ones(2)}, copy / "model.safetensors")
    assert plan_load(copy).differences == ["  unexpected  model.more  (2,), not used"]


def test_a_quantized_model_is_shown_and_refused(copy):
    set_in_config(copy, quantization_config={"quant_method": "bitsandbytes"})
    plan = plan_load(copy)
    assert isinstance(plan.error, ConfigError)
    assert "quantized (bitsandbytes)" in str(plan.error)


def test_weights_are_not_downloaded_for_a_look(hub_with_tiny):
    plan = plan_load("owner/tiny")
    assert {shard.state for shard in plan.shards} == {"not downloaded"}
    assert plan.error is None
    assert not [request for request in hub_with_tiny.requests if ".safetensors " in request.path]
    assert {lookup.reason for lookup in plan.lookups["config"]} == {"download"}

    first = cached_file("owner/tiny", plan.shards[0].file)
    plan = plan_load("owner/tiny")
    assert plan.shards[0].nbytes == Path(first).stat().st_size
    assert [shard.state for shard in plan.shards][:2] == ["ready", "not downloaded"]


def test_files_of_torch_are_found_last(tiny, copy):
    """A folder of ``.bin`` files is looked through in the order of transformers."""
    for shard in copy.glob("model*"):
        shard.unlink()
    golden = Path(__file__).parents[1] / "golden" / "torch_save" / "zip.bin"
    (copy / "pytorch_model.bin").write_bytes(golden.read_bytes())
    plan = plan_load(copy)
    assert [lookup.filename for lookup in plan.lookups["weights"]] == [
        "model.safetensors",
        "model.safetensors.index.json",
        "pytorch_model.bin",
    ]
    (shard,) = plan.shards
    assert (shard.file, shard.state) == ("pytorch_model.bin", "ready")
    assert shard.tensors["part"].shape == (6,)
    assert plan_load(tiny).shards[0].file.endswith(".safetensors")

    (copy / "pytorch_model.bin").unlink()
    index = {"weight_map": {"model.norm.weight": "pytorch_model-00001-of-00001.bin"}}
    (copy / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    plan = plan_load(copy)
    assert [shard.state for shard in plan.shards] == ["missing"]
    assert "pytorch_model-00001-of-00001.bin" in str(plan.error)


def test_the_places_of_the_parameters(tiny, monkeypatch):
    assert plan_load(tiny).placement.device_map == {"": "cpu"}
    monkeypatch.setattr("tinyhf.models.placement.free_memory", lambda device: 30_000)
    plan = plan_load(tiny)
    assert plan.placement.device_map["lm_head"] == "disk"
    assert sum(plan.placement.nbytes.values()) == plan.tree.nbytes


@pytest.mark.parametrize(
    ("name", "model_class"),
    [
        ("bert-base-uncased", "BertForMaskedLM"),
        ("chatglm-6b", "ChatGLMForConditionalGeneration"),
        ("opus-mt-en-mg", "MarianMTModel"),
        ("t5-base", "T5ForConditionalGeneration"),
    ],
)
def test_the_class_that_was_saved_is_the_one_shown(shared_data, name, model_class):
    assert plan_load(shared_data / "configs" / name).tree.kind == model_class
