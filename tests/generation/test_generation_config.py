"""GenerationConfig: what is set, what is allowed, what is written."""

import json

import pytest

from tinyhf.configuration.generation import FIELDS, GLOBAL_DEFAULTS, GenerationConfig
from tinyhf.errors import ArgumentError, ConfigError, HubError


def test_every_field_starts_as_none():
    config = GenerationConfig()
    assert {getattr(config, name) for name in FIELDS} == {None}
    assert config.set_fields() == {}


def test_unknown_fields_are_kept():
    config = GenerationConfig(my_field=3)
    assert config.my_field == 3
    assert config.to_dict()["my_field"] == 3


def test_repr_is_json_of_what_is_set():
    config = GenerationConfig(top_k=40, do_sample=True, transformers_version="5.0")
    assert repr(config) == 'GenerationConfig {\n  "do_sample": true,\n  "top_k": 40\n}\n'


def test_update_returns_what_it_does_not_know():
    config = GenerationConfig(top_k=40)
    assert config.update(top_k=3, temperature=0.5, nonsense=1) == {"nonsense": 1}
    assert (config.top_k, config.temperature) == (3, 0.5)
    assert not hasattr(config, "nonsense")


def test_equality_is_about_values():
    assert GenerationConfig(top_k=3) == GenerationConfig(top_k=3, transformers_version="5.0")
    assert GenerationConfig(top_k=3) != GenerationConfig(top_k=4)


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("temperature", 0.0, "a number above 0; for greedy decoding set do_sample=False"),
        ("temperature", -1.5, "a number above 0"),
        ("temperature", float("nan"), "a number above 0"),
        ("temperature", "hot", "a number above 0"),
        ("top_k", -1, "a whole number, 0 or more"),
        ("top_k", 2.5, "a whole number, 0 or more"),
        ("top_p", 1.01, "a number from 0 to 1"),
        ("min_p", -0.1, "a number from 0 to 1"),
        ("typical_p", 0.0, "a number above 0, at most 1"),
        ("repetition_penalty", 0, "a number above 0"),
        ("no_repeat_ngram_size", -2, "a whole number, 0 or more"),
        ("max_length", -1, "a whole number, 1 or more"),
        ("max_new_tokens", 0, "a whole number, 1 or more"),
        ("min_length", -1, "a whole number, 0 or more"),
        ("min_new_tokens", -1, "a whole number, 0 or more"),
        ("max_time", -1.0, "seconds, 0 or more"),
        ("stop_strings", [], "a text or a list of texts"),
        ("stop_strings", ["a", ""], "a text or a list of texts"),
        ("eos_token_id", "</s>", "a token id or a list of them"),
        ("pad_token_id", [1], "a token id"),
        ("early_stopping", "soon", 'True, False or "never"'),
        ("forced_bos_token_id", [1], "a token id"),
        ("forced_eos_token_id", [], "a token id or a list of them"),
        ("suppress_tokens", 3, "a list of token ids"),
        ("begin_suppress_tokens", [-1], "a list of token ids"),
        ("bad_words_ids", [1], "a list of lists of token ids, none of them empty"),
        ("bad_words_ids", [[]], "a list of lists of token ids, none of them empty"),
        ("sequence_bias", 1.0, "a list of [[token ids], number], or a dict"),
        ("sequence_bias", [[[1]]], "a list of [[token ids], number], or a dict"),
        ("sequence_bias", {1: 2.0}, "a list of [[token ids], number], or a dict"),
        ("sequence_bias", {(1,): "high"}, "a list of [[token ids], number], or a dict"),
        ("exponential_decay_length_penalty", 1.1, "two numbers"),
        ("exponential_decay_length_penalty", (-1, 1.1), "two numbers"),
        ("encoder_repetition_penalty", 0.0, "a number above 0"),
        ("encoder_no_repeat_ngram_size", -1, "a whole number, 0 or more"),
        ("top_h", 0.0, "a number above 0, at most 1"),
        ("epsilon_cutoff", 1.0, "a number from 0, below 1"),
        ("eta_cutoff", -0.1, "a number from 0, below 1"),
        ("remove_invalid_values", 1, "True or False"),
        ("renormalize_logits", "yes", "True or False"),
    ],
)
def test_a_value_that_is_not_allowed(field, value, wanted):
    with pytest.raises(ArgumentError) as error:
        GenerationConfig(**{field: value})
    assert str(error.value).startswith(f"{field}: not allowed (wanted {wanted}")
    assert repr(value) in str(error.value)


def test_whole_numbers_may_stand_for_floats():
    config = GenerationConfig(do_sample=True, temperature=2, top_p=1, repetition_penalty=1)
    assert config.temperature == 2


def test_greedy_decoding_has_one_answer():
    with pytest.raises(ArgumentError, match=r"num_return_sequences.*do_sample=True"):
        GenerationConfig(num_return_sequences=2)
    GenerationConfig(num_return_sequences=2, do_sample=True)


def test_saved_and_read_again(tmp_path):
    config = GenerationConfig(eos_token_id=[1, 2], do_sample=True, my_field={"a": None})
    config.save_pretrained(tmp_path / "new")
    assert GenerationConfig.from_pretrained(tmp_path / "new") == config
    assert "top_k" not in json.loads((tmp_path / "new" / "generation_config.json").read_text())


def test_a_bias_with_tuples_is_written_as_a_list(tmp_path):
    GenerationConfig(sequence_bias={(1, 2): -3.0}).save_pretrained(tmp_path)
    assert GenerationConfig.from_pretrained(tmp_path).sequence_bias == [[[1, 2], -3.0]]


def test_from_pretrained_takes_other_names_and_values(tmp_path):
    GenerationConfig(top_k=3).save_pretrained(tmp_path, "mine.json")
    config, unused = GenerationConfig.from_pretrained(
        tmp_path, "mine.json", temperature=0.5, foo=1, return_unused_kwargs=True
    )
    assert (config.top_k, config.temperature, unused) == (3, 0.5, {"foo": 1})


def test_a_missing_or_damaged_file(tmp_path):
    with pytest.raises(HubError, match=r"there is no generation_config\.json"):
        GenerationConfig.from_pretrained(tmp_path)
    (tmp_path / "generation_config.json").write_text("{")
    with pytest.raises(ConfigError, match="not valid JSON"):
        GenerationConfig.from_pretrained(tmp_path)


def test_from_model_config_takes_only_settings_of_generation():
    config = GenerationConfig.from_model_config({"eos_token_id": 2, "hidden_size": 8})
    assert config.set_fields() == {"eos_token_id": 2, "_from_model_config": True}


@pytest.mark.parity
def test_fields_and_defaults_are_those_of_transformers():
    transformers = pytest.importorskip("transformers")
    theirs = transformers.GenerationConfig()
    assert theirs.to_dict().keys() | {"transformers_version"} == FIELDS
    defaults = theirs._get_default_generation_params()
    # Twenty *new* tokens are the default: here it is written where that is true.
    assert defaults.pop("max_length") == 20
    assert {name: value for name, value in defaults.items() if value is not None} == GLOBAL_DEFAULTS


@pytest.mark.parity
def test_transformers_reads_what_we_write_and_the_other_way_round(tmp_path):
    transformers = pytest.importorskip("transformers")
    settings = {"do_sample": True, "top_k": 7, "eos_token_id": [1, 2], "temperature": 0.5}
    GenerationConfig(**settings).save_pretrained(tmp_path / "ours")
    theirs = transformers.GenerationConfig.from_pretrained(tmp_path / "ours")
    assert {name: getattr(theirs, name) for name in settings} == settings
    theirs.save_pretrained(tmp_path / "theirs")
    ours = GenerationConfig.from_pretrained(tmp_path / "theirs")
    assert {name: getattr(ours, name) for name in settings} == settings
    assert ours == GenerationConfig(**settings)
