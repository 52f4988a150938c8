"""LlamaConfig: defaults, both spellings, printing, saving, and every value that cannot be."""

import json
import math

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tiny_llamas import ROPES, SIZES
from tinyhf import LlamaConfig, LlamaForCausalLM
from tinyhf.errors import ArgumentError, ConfigError, TinyHFError


def from_file(folder, content):
    text = content if isinstance(content, str) else json.dumps({"model_type": "llama", **content})
    (folder / "config.json").write_text(text, encoding="utf-8")
    return LlamaConfig.from_pretrained(folder)


def refusal(**fields):
    with pytest.raises(ConfigError) as refused:
        LlamaConfig.from_dict({**SIZES, **fields, "_source": "folder/config.json"})
    assert str(refused.value).startswith("folder/config.json, field ")
    assert "\n" not in str(refused.value)
    return str(refused.value).removeprefix("folder/config.json, field ")


# ---- what it holds -------------------------------------------------------------------------------


def test_without_arguments_it_is_llama_2_7b():
    config = LlamaConfig()
    assert (config.hidden_size, config.num_hidden_layers, config.head_dim) == (4096, 32, 128)
    assert config.num_key_value_heads == 32
    assert config.rope_parameters == {"rope_type": "default", "rope_theta": 10000.0}
    assert (config.bos_token_id, config.eos_token_id, config.pad_token_id) == (1, 2, None)


def test_it_prints_as_json():
    name, _, text = repr(LlamaConfig(hidden_size=64)).partition(" ")
    assert name == "LlamaConfig"
    fields = json.loads(text)
    assert list(fields) == sorted(fields)
    assert fields["hidden_size"] == 64
    assert fields["model_type"] == "llama"
    assert not {"_source", "name_or_path", "decided_by", "torch_dtype"} & set(fields)


def test_unknown_fields_are_kept_and_printed(tmp_path):
    config = from_file(tmp_path, {"rotary_pct": 0.25, "neu": {"ä": [1]}})
    assert config.rotary_pct == 0.25
    assert '"ä"' in repr(config)
    config.save_pretrained(tmp_path / "saved")
    assert LlamaConfig.from_pretrained(tmp_path / "saved").neu == {"ä": [1]}


def test_saved_and_read_again_it_is_equal(tmp_path):
    config = LlamaConfig(**SIZES, rope_parameters=ROPES["llama3"], dtype="bfloat16")
    config.save_pretrained(tmp_path)
    again = LlamaConfig.from_pretrained(tmp_path)
    assert again == config
    assert again.name_or_path == str(tmp_path)
    again.vocab_size += 1
    assert again != config
    assert again != "a text"


def test_configs_share_nothing():
    rope = {"rope_type": "linear", "factor": 2.0}
    fields = {**SIZES, "rope_parameters": rope, "eos_token_id": [1, 2]}
    one, other = LlamaConfig.from_dict(fields), LlamaConfig.from_dict(fields)
    one.rope_parameters["factor"] = 9.0
    one.eos_token_id.append(3)
    assert other.rope_parameters["factor"] == 2.0
    assert other.eos_token_id == [1, 2]
    assert rope == {"rope_type": "linear", "factor": 2.0}


def test_keywords_replace_fields(tmp_path):
    from_file(tmp_path, SIZES)
    config = LlamaConfig.from_pretrained(tmp_path, num_hidden_layers=1, torch_dtype="float16")
    assert (config.num_hidden_layers, config.dtype) == (1, "float16")
    config, unused = LlamaConfig.from_pretrained(
        tmp_path, vocab_size=7, whatever=1, revision="main", return_unused_kwargs=True
    )
    assert (config.vocab_size, unused) == (7, {"whatever": 1})


# ---- two spellings -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "rope"),
    [
        ({}, {"rope_type": "default", "rope_theta": 10000.0}),
        ({"rope_theta": 5e5}, {"rope_type": "default", "rope_theta": 5e5}),
        ({"rope_theta": 5e5, "rope_scaling": None}, {"rope_type": "default", "rope_theta": 5e5}),
        (
            {"rope_theta": 100, "rope_scaling": {"type": "linear", "factor": 2}},
            {"type": "linear", "rope_type": "linear", "rope_theta": 100, "factor": 2},
        ),
        (
            {"rope_parameters": {"rope_theta": 1e6, "rope_type": "dynamic", "factor": 3.0}},
            {"rope_theta": 1e6, "rope_type": "dynamic", "factor": 3.0},
        ),
    ],
)
def test_rope_in_both_spellings(tmp_path, fields, rope):
    config = from_file(tmp_path, fields)
    assert config.rope_parameters == rope
    assert config.rope_theta == rope["rope_theta"]
    assert config.rope_scaling == (None if rope["rope_type"] == "default" else rope)


def test_old_rope_names_as_keywords(tmp_path):
    """transformers 5 fails on them; here they act, and are never silently without effect."""
    from_file(tmp_path, {"rope_theta": 5e5})
    assert LlamaConfig.from_pretrained(tmp_path, rope_theta=7.0).rope_theta == 7.0
    scaling = {"rope_type": "linear", "factor": 2.0}
    config = LlamaConfig.from_dict(
        LlamaConfig.from_pretrained(tmp_path).to_dict(), rope_scaling=scaling
    )
    assert config.rope_parameters == {**scaling, "rope_theta": 5e5}


def test_llama3_and_yarn_know_the_length_they_were_trained_for():
    for name in ("llama3", "yarn"):
        rope = {**ROPES[name]}
        del rope["original_max_position_embeddings"]
        config = LlamaConfig(**SIZES, rope_parameters=rope)
        assert config.rope_parameters["original_max_position_embeddings"] == 16


@pytest.mark.parametrize(
    ("fields", "dtype"),
    [
        ({}, None),
        ({"torch_dtype": "bfloat16"}, "bfloat16"),
        ({"dtype": "float16"}, "float16"),
        ({"dtype": "torch.float16"}, "float16"),
        ({"dtype": numpy.float32}, "float32"),
        ({"dtype": "auto"}, "auto"),
        ({"dtype": None, "torch_dtype": "float16"}, "float16"),
    ],
)
def test_dtype_in_both_spellings(fields, dtype):
    config = LlamaConfig(**SIZES, **fields)
    assert config.dtype == config.torch_dtype == dtype
    assert json.loads(config.to_json_string()).get("dtype") == dtype


# ---- what cannot be ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "wanted"),
    [
        ("hidden_size", "32", "int"),
        ("hidden_size", 32.0, "int"),
        ("hidden_size", None, "int"),
        ("hidden_size", True, "int"),
        ("hidden_size", [32], "int"),
        ("head_dim", 8.5, "int or null"),
        ("rms_norm_eps", "1e-6", "float"),
        ("rms_norm_eps", None, "float"),
        ("tie_word_embeddings", 1, "bool"),
        ("tie_word_embeddings", "false", "bool"),
        ("hidden_act", None, "str"),
        ("architectures", "LlamaForCausalLM", "list or null"),
        ("eos_token_id", "2", "int or list or null"),
    ],
)
def test_wrong_types(field, value, wanted):
    sentence = refusal(**{field: value})
    assert sentence == f"{field!r}: has the wrong type (wanted {wanted}, got {value!r})."


def test_a_whole_number_is_a_float_too():
    assert LlamaConfig(**SIZES, rms_norm_eps=1).rms_norm_eps == 1.0


@pytest.mark.parametrize(
    "field",
    [
        "vocab_size",
        "hidden_size",
        "intermediate_size",
        "num_hidden_layers",
        "num_attention_heads",
        "num_key_value_heads",
        "head_dim",
        "max_position_embeddings",
    ],
)
@pytest.mark.parametrize("value", [0, -4])
def test_sizes_above_zero(field, value):
    assert refusal(**{field: value}) == f"{field!r}: must be above zero (got {value})."


@pytest.mark.parametrize("field", ["rms_norm_eps", "initializer_range", "attention_dropout"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity(tmp_path, field, value):
    """JSON has neither, but Python writes and reads both."""
    with pytest.raises(ConfigError, match=rf"config\.json, field '{field}': must be a finite num"):
        from_file(tmp_path, {field: value})


def test_nan_where_a_whole_number_belongs(tmp_path):
    with pytest.raises(ConfigError, match=r"'hidden_size': has the wrong type .*got nan"):
        from_file(tmp_path, {"hidden_size": math.nan})
    with pytest.raises(ConfigError, match=r"rope_theta': must be a number above zero \(got nan"):
        from_file(tmp_path, {"rope_theta": math.nan})


def test_heads_that_do_not_divide():
    sentence = refusal(num_attention_heads=5, num_key_value_heads=5)
    assert sentence == (
        "'num_attention_heads': does not divide (wanted a divisor of hidden_size = 32, got 5)."
    )
    sentence = refusal(num_key_value_heads=3)
    assert "'num_key_value_heads': does not divide" in sentence
    assert "num_attention_heads = 4, got 3" in sentence
    LlamaConfig(**{**SIZES, "num_attention_heads": 5, "num_key_value_heads": 5}, head_dim=8)


def test_odd_head_dim():
    assert refusal(head_dim=7) == "'head_dim': must be even: rotary turns pairs (got 7)."
    assert "'head_dim': must be even" in refusal(hidden_size=36)


def test_unknown_activation():
    sentence = refusal(hidden_act="silu2")
    assert "'hidden_act': unknown name (wanted gelu, " in sentence
    assert "got 'silu2')" in sentence


@pytest.mark.parametrize("dtype", ["float8", "half", 16, ["float16"], "int8", {"a": 1}])
def test_unknown_dtype(dtype):
    assert "'dtype': unknown dtype (wanted" in refusal(dtype=dtype)
    assert "bfloat16" in refusal(torch_dtype=dtype)


@pytest.mark.parametrize("kind", ["longrope", "Linear", "", None, 3, ["linear"], {}])
def test_unknown_rope_type(kind):
    sentence = refusal(rope_scaling={"rope_type": kind, "factor": 2.0})
    known = "default, linear, dynamic, llama3, yarn"
    assert sentence == f"'rope_parameters': unknown rope_type (wanted {known}, got {kind!r})."


@pytest.mark.parametrize("rope", ["linear", [1], 3, True])
@pytest.mark.parametrize("field", ["rope_scaling", "rope_parameters"])
def test_rope_that_is_no_object(field, rope):
    assert refusal(**{field: rope}) == (
        f"'rope_parameters': has the wrong type (wanted dict, got {rope!r})."
    )


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("linear", "factor"),
        ("dynamic", "factor"),
        ("llama3", "factor"),
        ("llama3", "low_freq_factor"),
        ("llama3", "high_freq_factor"),
    ],
)
def test_a_rope_type_without_what_it_needs(kind, field):
    rope = {name: value for name, value in ROPES[kind].items() if name != field}
    assert refusal(rope_parameters=rope) == (
        f"'rope_parameters.{field}': must be a number above zero (got None)."
    )


@pytest.mark.parametrize("value", [0, -1.0, "2", True, math.nan, math.inf, [2]])
@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("linear", "rope_theta"),
        ("linear", "factor"),
        ("llama3", "original_max_position_embeddings"),
        ("yarn", "original_max_position_embeddings"),
        ("yarn", "attention_factor"),
        ("yarn", "beta_fast"),
        ("yarn", "mscale"),
    ],
)
def test_rope_numbers(kind, field, value):
    sentence = refusal(rope_parameters={**ROPES[kind], field: value})
    assert f"'rope_parameters.{field}': must be a number above zero (got {value!r})." == sentence


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*LlamaConfig().to_dict(), "rope_scaling", "torch_dtype"]), json_values)
def test_any_value_is_taken_or_refused_in_one_sentence(field, value):
    try:
        LlamaForCausalLM(LlamaConfig.from_dict({**SIZES, field: value}))
    except TinyHFError as error:
        assert "\n" not in str(error)


# ---- files ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", ["", "{", '{"a": 1,}', "[" * 100_000, "hello"])
def test_invalid_json(tmp_path, content):
    with pytest.raises(ConfigError, match=r"config\.json: is not valid JSON: ") as refused:
        from_file(tmp_path, content)
    assert "\n" not in str(refused.value)


def test_not_utf8(tmp_path):
    (tmp_path / "config.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not valid JSON"):
        LlamaConfig.from_pretrained(tmp_path)


@pytest.mark.parametrize("content", ["[]", "3", "null", '"llama"'])
def test_json_that_is_no_object(tmp_path, content):
    with pytest.raises(ConfigError, match=r"config\.json: must hold a JSON object"):
        from_file(tmp_path, content)


def test_no_config_at_all(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no config\.json.*folder or a repo with"):
        LlamaConfig.from_pretrained(tmp_path)


def test_errors_are_those_of_transformers_too():
    with pytest.raises(ValueError, match="hidden_act"):
        LlamaConfig(hidden_act="no")
    assert issubclass(ArgumentError, ValueError)
