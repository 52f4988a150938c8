"""Which layers get an adapter, and what is said when something does not fit."""

import json

import numpy
import pytest

import tinyhf
from tests.tiny_llamas import inputs, our_llama
from tinyhf.autograd import Tensor, plain
from tinyhf.errors import ArgumentError, CheckpointError, ConfigError, WeightMismatchError
from tinyhf.peft import (
    IA3Config,
    LoraConfig,
    PeftConfig,
    PeftModel,
    PrefixTuningConfig,
    PromptTuningConfig,
    get_peft_model,
)
from tinyhf.peft.adapter_layer import AdapterLayer

ATTENTION, MLP = ("q_proj", "k_proj", "v_proj", "o_proj"), ("gate_proj", "up_proj", "down_proj")


def wrapped(**fields):
    """The layers that a LoraConfig wraps, as "number.name"."""
    model = get_peft_model(our_llama(), LoraConfig(**fields))
    paths = [p for p, m in model.named_modules() if isinstance(m, AdapterLayer)]
    return {f"{p.split('.')[4]}.{p.rpartition('.')[2]}" for p in paths}


@pytest.mark.parametrize(
    "fields, names, layers",
    [
        ({}, ("q_proj", "v_proj"), "01"),
        ({"target_modules": ["mlp.up_proj"]}, ("up_proj",), "01"),
        ({"target_modules": "all-linear"}, ATTENTION + MLP, "01"),
        ({"target_modules": r".*layers\.1\..*(k|down)_proj"}, ("k_proj", "down_proj"), "1"),
        ({"target_modules": ["q_proj"], "layers_to_transform": 1}, ("q_proj",), "1"),
        (
            {"target_modules": ["q_proj"], "layers_to_transform": [0], "layers_pattern": "layers"},
            ("q_proj",),
            "0",
        ),
        ({"target_modules": "all-linear", "exclude_modules": ATTENTION}, MLP, "01"),
    ],
)
def test_targets(fields, names, layers):
    assert wrapped(**fields) == {f"{layer}.{name}" for layer in layers for name in names}


def test_no_match_lists_the_nearest_names():
    with pytest.raises(ConfigError, match=r"fits no layer.*got \['q_prj'\].*Nearest names: q_proj"):
        get_peft_model(our_llama(), LoraConfig(target_modules=["q_prj"]))
    with pytest.raises(ConfigError, match="Linear maps of this model: q_proj, k_proj"):
        get_peft_model(our_llama(), LoraConfig(target_modules=["xyz"]))


@pytest.mark.parametrize("config", [LoraConfig, IA3Config])
def test_no_linear_map(config):
    base = our_llama()
    with pytest.raises(ArgumentError, match=r"norm.*wanted a Linear.*got 'LlamaRMSNorm'"):
        get_peft_model(base, config(target_modules=["q_proj", "input_layernorm"]))
    assert not any(isinstance(module, AdapterLayer) for module in base.modules())


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: LoraConfig(r=0), "'r': must be a whole number above zero .got 0"),
        (lambda: LoraConfig(r=-3), "above zero"),
        (lambda: LoraConfig(r="8"), "above zero"),
        (lambda: LoraConfig(bias="some"), "none, all, lora_only"),
        (lambda: LoraConfig(lora_dropout=1.0), "lora_dropout.*is no share"),
        (lambda: LoraConfig(init_lora_weights="pissa"), "unknown value"),
        (lambda: LoraConfig(task_type="CHAT"), "CAUSAL_LM"),
        (lambda: LoraConfig(target_modules="x", layers_to_transform=[1]), "a list of target_mod"),
        (lambda: IA3Config(target_modules=["a"], feedforward_modules=["b"]), "must be among"),
        (lambda: PrefixTuningConfig(task_type="CAUSAL_LM"), "num_virtual_tokens"),
        (lambda: PromptTuningConfig(num_virtual_tokens=3), "before the text of a decoder"),
        (
            lambda: PeftConfig.from_dict({"peft_type": "XLORA"}),
            "no such method.*IA3, LORA",
        ),
        (lambda: PeftConfig.from_dict({"peft_type": "LORA", "lora_bias": True}), "lora_bias"),
    ],
)
def test_settings(make, words):
    with pytest.raises(ConfigError, match=words):
        make()


@pytest.fixture
def folder(tmp_path):
    get_peft_model(our_llama(), LoraConfig(r=4)).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_another_base_model(folder):
    base = our_llama(num_attention_heads=8, head_dim=8, seed=1)
    keys = list(base.state_dict())
    with pytest.raises(WeightMismatchError, match=r"q_proj.lora_B.weight: \(32, 4\) in the file, "):
        PeftModel.from_pretrained(base, folder)
    assert list(base.state_dict()) == keys, "the base model is left as it was"


def test_another_rank(folder):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "r": 3}))
    with pytest.raises(WeightMismatchError, match=r"\(4, 32\) in the file, \(3, 32\) in the model"):
        PeftModel.from_pretrained(our_llama(), folder)
    model = get_peft_model(our_llama(), LoraConfig())
    with pytest.raises(WeightMismatchError):
        model.load_adapter(folder, "other")
    assert list(model.peft_config) == ["default"]


def test_missing_files(folder, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"there is no adapter_config\.json"):
        PeftModel.from_pretrained(our_llama(), tmp_path / "empty")
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"neither adapter_model\.safetensors nor"):
        PeftModel.from_pretrained(our_llama(), folder)


def test_other_targets_in_the_file(folder):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "target_modules": ["k_proj"]}))
    with pytest.raises(WeightMismatchError, match=r"lacks .*k_proj(?s:.*)no place for .*q_proj"):
        PeftModel.from_pretrained(our_llama(), folder)


def test_adapter_names():
    model = get_peft_model(our_llama(), LoraConfig())
    for call in (model.set_adapter, model.delete_adapter):
        with pytest.raises(ArgumentError, match=r"no adapter of this name.*default.*got 'x'"):
            call("x")
    with pytest.raises(ArgumentError, match="is the only adapter"):
        model.delete_adapter("default")
    for name, words in {"default": "is taken", "a.b": "cannot be used"}.items():
        with pytest.raises(ArgumentError, match=words):
            model.add_adapter(name, LoraConfig())
    with pytest.raises(ArgumentError, match="adapters of one method"):
        model.add_adapter("other", IA3Config())
    with pytest.raises(ArgumentError, match="has adapters already"):
        get_peft_model(model, LoraConfig())


def test_virtual_tokens_cannot_be_merged():
    config = PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)
    with pytest.raises(ArgumentError, match="no weight can hold them"):
        get_peft_model(our_llama(), config).merge_and_unload()


def test_adapter_folder_for_the_auto_class(tmp_path):
    our_llama().save_pretrained(tmp_path / "base")
    base = tinyhf.AutoModelForCausalLM.from_pretrained(tmp_path / "base")
    model = get_peft_model(base, LoraConfig(r=4, task_type="CAUSAL_LM"))
    for parameter in model.parameters():
        if isinstance(parameter, Tensor):
            parameter.array = numpy.full_like(parameter.array, 0.05)
    model.save_pretrained(tmp_path / "adapter")
    again = tinyhf.AutoModelForCausalLM.from_pretrained(tmp_path / "adapter")
    batch = inputs(2, 5)
    assert type(again).__name__ == "PeftModelForCausalLM"
    assert (plain(model(**batch).logits) == again(**batch).logits).all()
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"there is no config\.json"):
        tinyhf.AutoModelForCausalLM.from_pretrained(tmp_path / "empty")
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = None
    (tmp_path / "adapter" / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match="base_model_name_or_path"):
        tinyhf.AutoModelForCausalLM.from_pretrained(tmp_path / "adapter")
