"""GPT-2 and GPTBigCode: stored numbers of transformers, and what must hold whatever the weights."""

import inspect
import json
import logging

import numpy
import pytest
from safetensors.numpy import load_file, save_file

from tests.tiny_gpt2s import SIZES, STORED, VARIANTS, golden, inputs_of, our_model
from tests.tiny_llamas import OWN_TOLERANCE, assert_close, positions
from tinyhf import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Model,
    GPTBigCodeConfig,
    GPTBigCodeForCausalLM,
    GPTBigCodeModel,
)
from tinyhf.backend import bfloat16, device_of, float32, to_device, to_host
from tinyhf.errors import ArgumentError, ConfigError, note_once
from tinyhf.nn import Conv1D, EncoderDecoderCache

SEQ = 12
EVERYTHING = {"output_hidden_states": True, "output_attentions": True}
LAYERS = ("hidden_states", "attentions", "cross_attentions")
FIRST_LAYER = "transformer.h.0"
every_variant = pytest.mark.parametrize("variant", VARIANTS)


@pytest.fixture
def model():
    return our_model("gpt2")


@pytest.fixture
def ids():
    return numpy.random.default_rng(3).integers(1, SIZES["vocab_size"], (2, SEQ))


# ---- against numbers of transformers -------------------------------------------------------------


@pytest.fixture(scope="module", params=STORED)
def case(request):
    """(model, the arguments of forward, what transformers computed)"""
    model, expected = golden(request.param)
    arguments = {name: expected[name] for name in inputs_of(request.param, 1, 1)}
    return model, arguments, expected


def test_names_and_order(case):
    model, _, expected = case
    assert list(model.state_dict()) == list(expected["names"])


def test_every_stage(case):
    model, arguments, expected = case
    output = model(**arguments, **EVERYTHING)
    assert_close(output.logits, expected["logits"])
    assert_close(output.loss, expected["loss"])
    for name in LAYERS:
        for ours, theirs in zip(output.get(name, ()), expected.get(name, ()), strict=True):
            assert_close(ours, theirs)


def test_generate(case):
    model, arguments, expected = case
    arguments = {name: array for name, array in arguments.items() if name != "labels"}
    ids = model.generate(**arguments, do_sample=False, max_new_tokens=8)
    numpy.testing.assert_array_equal(ids, expected["greedy_ids"])


# ---- same text, other ways -----------------------------------------------------------------------


@every_variant
def test_left_padded_batch_equals_single_prompts(variant):
    """If each token is told its position: without, padding counts, as in transformers."""
    model, batch = our_model(variant), inputs_of(variant, 3, SEQ)
    mask = batch["attention_mask"]
    del batch["labels"]
    output = model(**batch, position_ids=positions(mask))
    for row, logits in enumerate(output.logits):
        alone = {name: array[row : row + 1] for name, array in batch.items()}
        for name in ("input_ids", "attention_mask", "token_type_ids"):
            alone[name] = alone[name][:, mask[row] == 1]
        assert_close(logits[mask[row] == 1], model(**alone).logits[0], OWN_TOLERANCE)
    assert abs(model(**batch).logits - output.logits)[2, -1].max() > 0.01


@every_variant
@pytest.mark.parametrize("steps", [[1] * SEQ, [5, 1, 3, 3], [11, 1]], ids=str)
@pytest.mark.parametrize("legacy", [False, True])
def test_cached_equals_uncached(variant, steps, legacy):
    """Also where the cache goes in as tuples, and the encoder's states are not needed again."""
    model, batch = our_model(variant), inputs_of(variant, 2, SEQ)
    del batch["labels"]
    whole = model(**batch, **EVERYTHING)
    tokens, cache, parts, end = batch["attention_mask"] == 1, None, [], 0
    for step in steps:
        start, end = end, end + step
        now = dict(batch, attention_mask=batch["attention_mask"][:, :end])
        for name in ("input_ids", "token_type_ids"):
            now[name] = batch[name][:, start:end]
        if cache is not None and "encoder_hidden_states" in batch:
            now["encoder_hidden_states"] = numpy.full_like(batch["encoder_hidden_states"], 1e9)
        output = model(**now, past_key_values=cache, **EVERYTHING)
        cache = tuple(output.past_key_values) if legacy else output.past_key_values
        parts.append(output)
    logits = numpy.concatenate([part.logits for part in parts], axis=1)
    assert_close(logits[tokens], whole.logits[tokens], OWN_TOLERANCE)
    if "cross_attentions" in whole:
        crossed = numpy.concatenate([part.cross_attentions[1] for part in parts], axis=2)
        crossed, expected = crossed.swapaxes(1, 2), whole.cross_attentions[1].swapaxes(1, 2)
        assert_close(crossed[tokens], expected[tokens], OWN_TOLERANCE)


@every_variant
def test_the_cache_is_also_a_tuple_of_keys_and_values(variant):
    model, batch = our_model(variant), inputs_of(variant, 2, SEQ)
    past_key_values = model(**batch).past_key_values
    crosses = model.config.add_cross_attention
    assert isinstance(past_key_values, EncoderDecoderCache) == crosses
    assert len(past_key_values) == model.config.n_layer
    shared = variant.startswith("bigcode") and model.config.multi_query
    shape = (2, 1 if shared else model.config.n_head, SEQ, 16 // model.config.n_head)
    for layer in past_key_values:
        assert len(layer) == (4 if crosses else 2)
        assert [array.shape for array in layer[:2]] == [shape, shape]


def test_an_encoder_is_looked_up_only_when_it_is_given(ids):
    model = our_model("gpt2_cross")
    output = model(ids, **EVERYTHING)
    assert output.cross_attentions is None
    assert [len(layer) for layer in output.past_key_values] == [2, 2]
    states = inputs_of("gpt2_cross", 2, SEQ)["encoder_hidden_states"]
    assert abs(model(ids, encoder_hidden_states=states).logits - output.logits).max() > 0.01


def test_an_empty_cache_is_filled_not_replaced(ids):
    model, cache = our_model("gpt2_cross"), EncoderDecoderCache()
    assert model(ids, past_key_values=cache).past_key_values is cache
    assert cache.get_seq_length() == SEQ
    inner = cache.self_attention_cache
    assert EncoderDecoderCache(inner).self_attention_cache is inner


@every_variant
def test_embeddings_in_place_of_ids(variant, ids):
    model = our_model(variant)
    vectors = model.get_input_embeddings()(ids)
    assert model.get_input_embeddings() is model.transformer.wte
    assert_close(model(inputs_embeds=vectors).logits, model(ids).logits, OWN_TOLERANCE)


# ---- the 13 arguments ----------------------------------------------------------------------------


def test_forward_has_the_arguments_of_the_article():
    """Article 004, "Case Study: Parameter/API of GPT2Model"."""
    wanted = [
        *("input_ids", "past_key_values", "attention_mask", "token_type_ids", "position_ids"),
        *("head_mask", "inputs_embeds", "encoder_hidden_states", "encoder_attention_mask"),
        *("use_cache", "output_attentions", "output_hidden_states", "return_dict"),
    ]
    for model_class in (GPT2Model, GPTBigCodeModel):
        assert list(inspect.signature(model_class.forward).parameters)[1:] == wanted
    wanted.insert(9, "labels")
    for model_class in (GPT2LMHeadModel, GPTBigCodeForCausalLM):
        parameters = list(inspect.signature(model_class.forward).parameters)[1:]
        assert parameters == [*wanted, "logits_to_keep"]


def scaled_head(model, layer, head, factor):
    """``model`` with what one head writes into the residual stream times ``factor``."""
    size = model.config.n_embd // model.config.n_head
    block = model.transformer.h[layer]
    for name, module in block.named_children():
        if name in ("attn", "crossattention"):
            weight = module.c_proj.weight
            rows = weight if isinstance(module.c_proj, Conv1D) else weight.T  # what comes in
            rows[head * size : (head + 1) * size] *= factor
    return model


@pytest.mark.parametrize("variant", ["gpt2", "gpt2_cross", "bigcode", "bigcode_multi_head"])
@pytest.mark.parametrize("factor", [0.0, 0.5])
def test_head_mask_is_a_factor_on_what_a_head_says(variant, factor):
    model, batch = our_model(variant), inputs_of(variant, 2, SEQ)
    head_mask = numpy.ones((2, 4))
    head_mask[1, 2] = factor
    masked = model(**batch, head_mask=head_mask, **EVERYTHING)
    by_hand = scaled_head(our_model(variant), 1, 2, factor)(**batch, **EVERYTHING)
    assert_close(masked.logits, by_hand.logits, OWN_TOLERANCE)
    assert abs(masked.logits - model(**batch).logits).max() > 0.01
    assert masked.logits.dtype == float32  # though the mask was float64
    told = masked.attentions[1][:, 2], by_hand.attentions[1][:, 2] * factor
    numpy.testing.assert_allclose(*told, atol=1e-6)


def test_one_head_mask_for_all_layers(model, ids):
    for_all = model(ids, head_mask=numpy.array([1, 0, 1, 0])).logits
    for_each = model(ids, head_mask=numpy.array([[1, 0, 1, 0]] * 2)).logits
    numpy.testing.assert_array_equal(for_all, for_each)


def test_return_dict_false_gives_a_tuple(model, ids):
    plain = model(ids, labels=ids, return_dict=False, **EVERYTHING)
    output = model(ids, labels=ids, **EVERYTHING)
    assert type(plain) is tuple
    assert list(output) == ["loss", "logits", "past_key_values", "hidden_states", "attentions"]
    numpy.testing.assert_array_equal(plain[1], output.logits)
    assert len(model.transformer(ids, use_cache=False, return_dict=False)) == 1


def test_logits_to_keep(model, ids):
    whole = model(ids).logits
    assert_close(model(ids, logits_to_keep=2).logits, whole[:, -2:], OWN_TOLERANCE)


# ---- what cannot be ------------------------------------------------------------------------------


def refused(match, **arguments):
    variant = arguments.pop("variant", "gpt2")
    with pytest.raises(ArgumentError, match=match):
        our_model(variant)(**arguments)


def test_refused_arguments(ids):
    states = numpy.zeros((2, 7, 16), "float32")
    refused("give either input_ids or inputs_embeds")
    refused("encoder_hidden_states: .*no weights", input_ids=ids, encoder_hidden_states=states)
    refused(
        r"head_mask: .*wanted \(heads,\) = \(4,\) or \(layers, heads\) = \(2, 4\), got \(3,\)",
        input_ids=ids,
        head_mask=numpy.ones(3),
    )
    refused(
        r"encoder_attention_mask: .*wanted \(batch, source\) = \(2, 7\), got \(2, 6\)",
        variant="gpt2_cross",
        input_ids=ids,
        encoder_hidden_states=states,
        encoder_attention_mask=numpy.ones((2, 6), int),
    )
    refused("attention_mask: .*another shape", input_ids=ids, attention_mask=ids[:, 1:])


def test_a_text_longer_than_the_positions(ids):
    refused(
        r"position_ids: the text is longer than the model has positions "
        r"\(wanted 0 to 47, got \[0, 48\]\). Cut it",
        input_ids=numpy.ones((1, 49), int),
    )
    refused("position_ids: ", input_ids=ids, position_ids=ids - 60)
    refused("position_ids: ids must be whole numbers", input_ids=ids, position_ids=ids / 2)
    with pytest.raises(ArgumentError, match="longer than the model has positions"):
        our_model("gpt2").generate(ids, max_new_tokens=48)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"n_head": 5}, "'n_head': does not divide .*n_embd = 16, got 5"),
        ({"n_layer": 0}, "'n_layer': must be above zero"),
        ({"num_hidden_layers": -1}, "'n_layer': must be above zero"),
        ({"n_inner": 0}, "'n_inner': must be above zero"),
        ({"activation_function": "gelu_old"}, "'activation_function': unknown name"),
        ({"n_positions": "many"}, "'n_positions': has the wrong type"),
    ],
)
@pytest.mark.parametrize("config_class", [GPT2Config, GPTBigCodeConfig])
def test_impossible_configs(config_class, fields, match):
    with pytest.raises(ConfigError, match=match):
        config_class(**{**SIZES, **fields})


def test_gptbigcode_looks_at_no_encoder():
    with pytest.raises(ConfigError, match="'add_cross_attention': this family looks at no encoder"):
        GPTBigCodeConfig(add_cross_attention=True)


# ---- configs -------------------------------------------------------------------------------------


def test_common_names_and_own_names_are_the_same_fields():
    config = GPT2Config(hidden_size=32, num_attention_heads=2, n_layer=3)
    assert (config.n_embd, config.n_head, config.num_hidden_layers) == (32, 2, 3)
    config.max_position_embeddings = 7
    assert config.n_positions == 7
    assert "hidden_size" not in config.to_dict()


@pytest.mark.parametrize("name", ["gpt2", "gpt2-finetuned-vocab50260", "tiny-gpt2"])
def test_published_configs(shared_data, name):
    folder = shared_data / "configs" / name
    config = AutoConfig.from_pretrained(folder)
    assert type(config) is GPT2Config
    for field, value in json.loads((folder / "config.json").read_text()).items():
        assert getattr(config, field) == value, field
    model = AutoModelForCausalLM.model_class(config)(config)
    count = 12 * config.n_layer * config.n_embd**2 + 13 * config.n_layer * config.n_embd
    count += (config.vocab_size + config.n_positions + 2) * config.n_embd
    assert model.num_parameters() == count
    assert config.n_embd == 2 or count // 1e6 == 124


# ---- files ---------------------------------------------------------------------------------------


def change_names(folder, change):
    path = folder / "model.safetensors"
    save_file({change(name): array for name, array in load_file(path).items()}, path)


@pytest.mark.parametrize("variant", ["gpt2", "bigcode"])
def test_with_and_without_prefix_and_head(tmp_path, variant, ids):
    """The first GPT-2 checkpoints have no "transformer." though their config names a head."""
    model = our_model(variant)
    model.save_pretrained(tmp_path)
    bases = [AutoModel.from_pretrained(tmp_path)]
    change_names(tmp_path, lambda name: name.removeprefix("transformer."))
    bases.append(AutoModel.from_pretrained(tmp_path))
    again, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert type(again) is type(model)
    numpy.testing.assert_array_equal(again(ids).logits, model(ids).logits)
    states = model.transformer(ids).last_hidden_state
    for base in bases:
        assert type(base) is type(model.transformer)
        numpy.testing.assert_array_equal(base(ids).last_hidden_state, states)


@pytest.mark.parametrize("prefix", ["", "transformer."])
def test_masks_in_old_checkpoints_are_ignored(tmp_path, prefix, caplog):
    our_model("gpt2_cross").save_pretrained(tmp_path)
    path = tmp_path / "model.safetensors"
    arrays = {name.removeprefix("transformer."): a for name, a in load_file(path).items()}
    for stage in ("attn", "crossattention"):
        arrays[f"h.0.{stage}.bias"] = numpy.tri(48, dtype="uint8")[None, None]
        arrays[f"h.0.{stage}.masked_bias"] = numpy.array(-1e4, "float32")
    save_file({prefix + name: array for name, array in arrays.items()}, path)
    with caplog.at_level(logging.WARNING, "tinyhf"):
        _, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert not caplog.text
    _, info = AutoModelForCausalLM.from_pretrained(tmp_path, n_layer=1, output_loading_info=True)
    lost = {name for name in info["unexpected_keys"] if name.endswith("attn.c_attn.bias")}
    assert lost == {f"{prefix}h.1.attn.c_attn.bias"}


@pytest.mark.parametrize(
    ("fields", "cause"),
    [
        ({"n_layer": 3}, "num_hidden_layers = 3, the checkpoint has 2"),
        ({"n_layer": 1}, "num_hidden_layers = 1, the checkpoint has 2"),
        ({"vocab_size": 70}, "another vocabulary: the config has vocab_size = 70"),
    ],
)
def test_likely_causes(tmp_path, caplog, fields, cause):
    our_model("gpt2").save_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING, "tinyhf"):
        GPT2LMHeadModel.from_pretrained(tmp_path, ignore_mismatched_sizes=True, **fields)
    assert cause in caplog.text
    assert caplog.text.count("likely cause") == 1


@pytest.mark.parametrize("variant", ["gpt2", "bigcode"])
def test_half_weights_are_widened_block_by_block(tmp_path, variant, ids):
    our_model(variant, n_inner=200).save_pretrained(tmp_path)
    half = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="bfloat16")
    assert half.dtype == bfloat16
    wide = AutoModelForCausalLM.from_pretrained(tmp_path)
    for name, array in half.state_dict().items():
        wide.set_parameter(name, array.astype(float32))
    assert_close(half(ids).logits, wide(ids).logits, OWN_TOLERANCE)
    assert half(ids).logits.dtype == float32


def test_random_start():
    """c_proj adds to the residual stream: smaller the more layers there are (GPT-2 paper)."""
    model = GPT2LMHeadModel(GPT2Config(**{**SIZES, "n_layer": 8, "n_embd": 64})).init_weights(0)
    weights = model.state_dict()
    assert weights[f"{FIRST_LAYER}.mlp.c_fc.weight"].std() == pytest.approx(0.02, rel=0.05)
    for stage in ("attn", "mlp"):
        std = weights[f"{FIRST_LAYER}.{stage}.c_proj.weight"].std()
        assert std == pytest.approx(0.005, rel=0.05)
    assert not weights[f"{FIRST_LAYER}.attn.c_attn.bias"].any()
    assert model.lm_head.weight is model.transformer.wte.weight


# ---- generate, other devices ---------------------------------------------------------------------


def test_rows_of_all_arrays_are_repeated_for_several_answers():
    model, batch = our_model("gpt2_cross"), inputs_of("gpt2_cross", 2, SEQ)
    del batch["labels"]
    options = {"do_sample": False, "max_new_tokens": 6}
    once = model.generate(**batch, **options)
    assert (once[0] != once[1]).any()
    head_mask = numpy.array([1, 0, 1, 1])
    masked = model.generate(**batch, **options, head_mask=head_mask)
    assert (masked != once).any()
    model = our_model("gpt2_cross")
    drawn = model.generate(**batch, num_return_sequences=3, do_sample=True, top_k=1, seed=1)
    numpy.testing.assert_array_equal(drawn[:, : SEQ + 6], numpy.repeat(once, 3, axis=0))


@pytest.mark.usefixtures("strict_library")
@pytest.mark.parametrize("variant", STORED)
def test_on_the_strict_device(tmp_path, variant):
    note_once.cache_clear()
    model = our_model(variant)
    model.save_pretrained(tmp_path)
    there = AutoModelForCausalLM.from_pretrained(tmp_path, device_map="strict")
    assert {device_of(array) for array in there.parameters()} == {"strict:0"}
    batch = {**inputs_of(variant, 2, SEQ), "head_mask": numpy.array([1.0, 0.5, 0.0, 1.0])}
    moved = {name: to_device(array, "strict") for name, array in batch.items()}
    ours, theirs = there(**moved, **EVERYTHING), model(**batch, **EVERYTHING)
    numpy.testing.assert_array_equal(to_host(ours.logits), theirs.logits)
    numpy.testing.assert_array_equal(to_host(ours.loss), theirs.loss)
    assert {array.dtype for name in LAYERS for array in ours.get(name, ())} == {float32}
    del batch["labels"], moved["labels"]
    settings = {"do_sample": True, "seed": 3, "max_new_tokens": 6, "num_return_sequences": 2}
    expected = model.generate(**batch, **settings)
    for arrays in (batch, moved):
        numpy.testing.assert_array_equal(there.generate(**arrays, **settings), expected)
