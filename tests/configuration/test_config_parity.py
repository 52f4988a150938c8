"""Configs written by transformers and read by us, and the other way round."""

import json

import pytest

import tinyhf
from tests.tiny_llamas import VARIANTS, fields_of
from tinyhf import AutoConfig, LlamaConfig

pytestmark = pytest.mark.parity

SPELLINGS = {
    "version 4": {"rope_theta": 5e5, "rope_scaling": None, "torch_dtype": "bfloat16"},
    "version 4, linear": {"rope_theta": 100.0, "rope_scaling": {"type": "linear", "factor": 2.0}},
    "version 4, llama3": {
        "rope_theta": 5e5,
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        "torch_dtype": "float16",
    },
    "version 5": {
        "rope_parameters": {"rope_theta": 5e5, "rope_type": "default"},
        "dtype": "float16",
    },
    "version 5, dynamic": {
        "rope_parameters": {"rope_theta": 5e5, "rope_type": "dynamic", "factor": 2.0},
        "dtype": None,
    },
    "sizes only": {"vocab_size": 10, "hidden_size": 64, "num_attention_heads": 4},
    "unknown fields": {"my_field": {"a": [1, None]}, "eos_token_id": [2, 3]},
}


@pytest.fixture
def their_config():
    return pytest.importorskip("transformers").LlamaConfig


def told(config):
    """The fields of a config, less those that say who wrote it."""
    fields = json.loads(config.to_json_string())
    for name in ("transformers_version", "architectures"):
        fields.pop(name, None)
    return {name: value for name, value in fields.items() if value is not None}


def assert_alike(ours, theirs):
    """Every field of theirs is ours, with its value; ours has the common ones written out."""
    our_fields, their_fields = told(ours), told(theirs)
    assert {name: our_fields.get(name) for name in their_fields} == their_fields
    for name in set(our_fields) - set(their_fields):
        assert our_fields[name] == getattr(theirs, name)


def test_defaults(their_config):
    assert_alike(LlamaConfig(), their_config())


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant(their_config, variant):
    assert_alike(LlamaConfig(**fields_of(variant)), their_config(**fields_of(variant)))


@pytest.mark.parametrize("family", ["Llama", "Bert", "Bart"])
def test_the_fields_that_are_written(family):
    transformers = pytest.importorskip("transformers")
    theirs, ours = (getattr(library, f"{family}Config") for library in (transformers, tinyhf))
    for fields in ({}, {"num_labels": 3, "problem_type": "regression", "output_attentions": True}):
        told = json.loads(theirs(**fields).to_json_string()).keys()
        assert json.loads(ours(**fields).to_json_string()).keys() == told - {"transformers_version"}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_one_file_read_by_both_and_written_for_the_other(their_config, tmp_path, spelling):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "llama", **SPELLINGS[spelling]}))
    ours, theirs = AutoConfig.from_pretrained(tmp_path), their_config.from_pretrained(tmp_path)
    assert_alike(ours, theirs)

    ours.save_pretrained(tmp_path / "ours")
    theirs.save_pretrained(tmp_path / "theirs")
    assert_alike(ours, their_config.from_pretrained(tmp_path / "ours"))
    assert_alike(AutoConfig.from_pretrained(tmp_path / "theirs"), theirs)


def test_unused_keywords(their_config, tmp_path):
    their_config().save_pretrained(tmp_path)
    keywords = {"vocab_size": 7, "foo": 1, "output_attentions": True, "return_unused_kwargs": True}
    theirs, unused = their_config.from_pretrained(tmp_path, **keywords)
    ours, our_unused = LlamaConfig.from_pretrained(tmp_path, **keywords)
    assert our_unused == unused == {"foo": 1}
    assert ours.vocab_size == theirs.vocab_size == 7
    assert ours.output_attentions is theirs.output_attentions is True
