"""AutoConfig: which field of ``config.json`` decides, and what is said when none does."""

import json
import logging

import pytest

from tinyhf import AutoConfig, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM
from tinyhf.errors import ConfigError, note_once

LLAMAS = [
    "llama-2-7b-chat-hf",
    "llama-3.1-8b-instruct-derived",
    "llama-3.1-8b-instruct-8bit-finetune",
]
OTHERS = {
    "bert-base-uncased": "bert",
    "chatglm-6b": "chatglm",
    "chatglm-6b-first-release": "chatglm",
    "distilbert-base-uncased-finetuned-sst-2-english": "distilbert",
    "gpt2": "gpt2",
    "mistral-7b-instruct-v0.3": "mistral",
    "opus-mt-en-mg": "marian",
    "roberta-base-squad2": "roberta",
    "t5-base": "t5",
    "tiny-gpt2": "gpt2",
}


@pytest.fixture
def read(tmp_path):
    """``read(model_type="llama")``: AutoConfig of a file with these fields."""

    def read(**fields):
        (tmp_path / "config.json").write_text(json.dumps(fields), encoding="utf-8")
        return AutoConfig.from_pretrained(tmp_path)

    return read


def test_model_type_decides(read):
    config = read(model_type="llama", architectures=["GPT2LMHeadModel"], vocab_size=7)
    assert type(config) is LlamaConfig
    assert config.decided_by == 'model_type "llama"'
    assert config.vocab_size == 7


@pytest.mark.parametrize(
    "name", ["LlamaForCausalLM", "LlamaModel", "LlamaForSequenceClassification"]
)
def test_architectures_decide_where_model_type_is_missing(read, name):
    config = read(architectures=[name], auto_map={"AutoConfig": "configuration_gpt2.GPT2Config"})
    assert type(config) is LlamaConfig
    assert config.decided_by == f"architectures ['{name}']"


def test_auto_map_decides_at_last(read):
    config = read(auto_map={"AutoConfig": "configuration_llama.LlamaConfig"})
    assert type(config) is LlamaConfig
    assert config.decided_by.startswith("auto_map {'AutoConfig'")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"architectures": None, "auto_map": None},
        {"architectures": []},
        {"architectures": ["MyLlamaForCausalLM"]},
        {"architectures": ["LlavaLlamaForCausalLM"]},
        {"architectures": ["Llama4ForConditionalGeneration"]},
        {"architectures": ["Llama4Model"]},
        {"auto_map": {"AutoConfig": "configuration_llama.OtherConfig"}},
        {"model_type": "llama4", "architectures": ["LlamaForCausalLM"]},
        {"model_type": ["llama"]},
        {"model_type": {"llama": 1}},
        {"model_type": ""},
        {"model_type": 3},
    ],
)
def test_no_family_is_guessed(read, tmp_path, fields):
    with pytest.raises(ConfigError) as refused:
        read(**fields)
    where = f"{tmp_path / 'config.json'}, fields model_type, architectures, auto_map"
    assert str(refused.value).startswith(f"{where}: no field names a model family that tinyhf has")
    assert "llama" in refused.value.wanted
    assert refused.value.got == fields.get("model_type")


@pytest.mark.parametrize("name", ["lama", "Llama", "llama3", "llamas"])
def test_the_nearest_name_is_told(read, name):
    with pytest.raises(ConfigError, match=r"Did you mean 'llama'\?"):
        read(model_type=name)


def test_for_model():
    assert AutoConfig.for_model("llama", vocab_size=9).vocab_size == 9
    with pytest.raises(ConfigError, match="no field names a model family"):
        AutoConfig.for_model("lama")


def test_another_family_read_as_llama_is_noted(read, tmp_path, caplog):
    read(model_type="llama")
    (tmp_path / "config.json").write_text('{"model_type": "gemma"}')
    note_once.cache_clear()
    with caplog.at_level(logging.WARNING, "tinyhf"):
        LlamaConfig.from_pretrained(tmp_path)
    assert "is of type 'gemma', read as LlamaConfig" in caplog.text


# ---- published configs ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", LLAMAS)
def test_published_llamas(shared_data, name):
    folder = shared_data / "configs" / name
    config, stored = (
        AutoConfig.from_pretrained(folder),
        json.loads((folder / "config.json").read_text()),
    )
    assert type(config) is LlamaConfig
    for field, value in stored.items():
        assert getattr(config, field) == value or field in ("rope_scaling", "rope_parameters")
    assert (stored.get("rope_scaling") or {}).items() <= config.rope_parameters.items()
    assert config.rope_theta == stored.get("rope_theta", 10000.0)


@pytest.mark.parametrize("name", OTHERS)
def test_published_configs_of_other_families(shared_data, name):
    config = AutoConfig.from_pretrained(shared_data / "configs" / name)
    assert config.model_type == OTHERS[name]
    assert config.decided_by == f'model_type "{OTHERS[name]}"'


def test_quantized_weights_are_refused_by_the_model_not_by_the_config(shared_data):
    folder = shared_data / "configs" / "llama-3.1-8b-instruct-8bit-finetune"
    assert AutoConfig.from_pretrained(folder).quantization_config["load_in_8bit"]
    with pytest.raises(
        ConfigError, match=r"'quantization_config': the weights are quantized \(bit"
    ):
        AutoModelForCausalLM.from_pretrained(folder)


@pytest.mark.parametrize(
    ("name", "index"),
    [
        ("llama-2-7b-chat-hf", "pytorch_model.bin.index.json"),
        ("llama-3.1-8b-instruct-8bit-finetune", "model.safetensors.index.json"),
    ],
)
def test_names_equal_those_of_published_indexes(shared_data, name, index):
    """Built with no weights in memory: 8 billion parameters cost nothing."""
    folder = shared_data / "configs" / name
    stored = json.loads((folder / index).read_text())["weight_map"]
    model = LlamaForCausalLM(AutoConfig.from_pretrained(folder))
    beside = ("rotary_emb.inv_freq", ".SCB", ".weight_format")  # the last two: bitsandbytes'
    assert set(model.state_dict()) == {key for key in stored if not key.endswith(beside)}
