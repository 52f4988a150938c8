"""T5, BART and Marian: stored numbers, and what must always hold."""

import json
import logging

import numpy
import pytest
from safetensors.numpy import load_file, save_file

import tinyhf
from tests import strict_device
from tests.tiny_encoder_decoders import (
    STORED,
    VARIANTS,
    arrays_of,
    golden,
    inputs,
    labels,
    make,
    our_model,
)
from tests.tiny_llamas import OWN_TOLERANCE, assert_close
from tinyhf.backend import float32, to_device, to_host
from tinyhf.errors import ArgumentError, ConfigError
from tinyhf.models.encoder_decoder import shift_tokens_right

EVERYTHING = {"output_hidden_states": True, "output_attentions": True}
every_variant = pytest.mark.parametrize("variant", VARIANTS)
one_of_each = pytest.mark.parametrize("variant", ["t5", "bart", "marian"])


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("tinyhf").setLevel(logging.ERROR)
    yield
    logging.getLogger("tinyhf").setLevel(logging.NOTSET)


# ---- against transformers ------------------------------------------------------------------------


@pytest.mark.parametrize("variant", STORED)
def test_golden(variant):
    """Names, every hidden state, attention and cross-attention, logits and loss."""
    model, given, expected = golden(variant)
    assert list(model.state_dict()) == list(expected.pop("names"))
    arrays = arrays_of(model(**given, **EVERYTHING))
    assert arrays.keys() == expected.keys()
    for name, array in expected.items():
        assert_close(arrays[name], array)
        assert arrays[name].dtype == float32
    assert {"loss", "logits", "cross_attentions.1", "encoder_attentions.1"} <= arrays.keys()


def test_the_real_configs(shared_data):
    configs = {
        path: tinyhf.AutoConfig.from_pretrained(shared_data / "configs" / path)
        for path in ("t5-base", "t5-small-finetuned-vocab32101", "opus-mt-tc-big-fr-en")
    }
    base, small, marian = configs.values()
    assert (type(base), base.num_decoder_layers, base.hidden_size) == (tinyhf.T5Config, 12, 768)
    assert (small.vocab_size, small.num_attention_heads, small.dense_act_fn) == (32101, 8, "relu")
    assert (type(marian), marian.eos_token_id) == (tinyhf.MarianConfig, 43311)
    assert (marian.num_hidden_layers, marian.scale_embedding, marian.num_labels) == (6, True, 2)


# ---- same text, other ways -----------------------------------------------------------------------


@every_variant
def test_padded_batch_equals_single_texts(variant):
    model, batch = our_model(variant), inputs(variant)
    whole = model(**batch)
    for row in range(len(batch["input_ids"])):
        source, own = (batch[f"{who}attention_mask"][row] == 1 for who in ("", "decoder_"))
        alone = model(
            batch["input_ids"][row][source][None],
            decoder_input_ids=batch["decoder_input_ids"][row][own][None],
        )
        assert_close(whole.logits[row][own], alone.logits[0], OWN_TOLERANCE)
        states = whole.encoder_last_hidden_state[row][source]
        assert_close(states, alone.encoder_last_hidden_state[0], OWN_TOLERANCE)


@every_variant
def test_cache_equals_no_cache_and_the_encoder_is_looked_up_once(variant):
    model, batch = our_model(variant), inputs(variant)
    whole = model(**batch, use_cache=False)
    assert whole.past_key_values is None
    source = {name: batch[name] for name in ("input_ids", "attention_mask")}
    encoder_outputs = model.get_encoder()(**source)
    ids, mask = batch["decoder_input_ids"], batch["decoder_attention_mask"]
    looked_up = count_calls(cross_projection(model))
    read = count_calls(model.get_encoder())
    cache, start = None, 0
    for end in (5, 6, 9, ids.shape[1]):
        output = model(
            encoder_outputs=encoder_outputs,
            attention_mask=batch["attention_mask"],
            decoder_input_ids=ids[:, start:end],
            decoder_attention_mask=mask[:, :end],
            past_key_values=cache,
        )
        assert_close(output.logits, whole.logits[:, start:end], OWN_TOLERANCE)
        cache, start = output.past_key_values, end
    assert len(looked_up) == 1
    assert not read
    assert cache.get_seq_length() == ids.shape[1]
    assert cache.cross_attention_cache.get_seq_length() == batch["input_ids"].shape[1]


def cross_projection(model):
    """What makes keys of the encoder's tokens in the first layer of the decoder."""
    decoder = model.get_decoder()
    if isinstance(decoder.config, tinyhf.T5Config):
        return decoder.block[0].layer[1].EncDecAttention.k
    return decoder.layers[0].encoder_attn.k_proj


def count_calls(module):
    """A list that grows by one with every call."""
    calls = []
    module.register_forward_hook(lambda *_: calls.append(1))
    return calls


@one_of_each
def test_a_token_does_not_see_later_ones_but_all_of_the_source(variant):
    model, batch = our_model(variant), inputs(variant, rows=1)
    before = model(**batch).logits
    batch["decoder_input_ids"][0, -1] = 5
    after = model(**batch).logits
    numpy.testing.assert_array_equal(after[:, :-1], before[:, :-1])
    assert abs(after - before)[:, -1].max() > 1e-3
    batch["input_ids"][0, -1] = 5
    assert abs(model(**batch).logits - after)[:, 0].max() > 1e-4


@one_of_each
def test_plain_tuples(variant):
    model, batch = our_model(variant), inputs(variant)
    output = model(**batch)
    plain = model(**batch, return_dict=False)
    assert isinstance(plain, tuple)
    assert len(plain) == len(output)
    numpy.testing.assert_array_equal(plain[0], output.logits)
    again = model(**batch, encoder_outputs=(output.encoder_last_hidden_state,))
    numpy.testing.assert_array_equal(again.logits, output.logits)


@one_of_each
def test_states_are_kept_only_when_asked_for(variant):
    output = our_model(variant)(**inputs(variant))
    named = ["logits", "past_key_values", "encoder_last_hidden_state"]
    assert list(output) == named


# ---- labels --------------------------------------------------------------------------------------


def test_shifting():
    ids = numpy.array([[31, 7, 5, 2], [9, 2, -100, -100]])
    shifted = shift_tokens_right(ids, pad_token_id=1, decoder_start_token_id=3)
    assert shifted.tolist() == [[3, 31, 7, 5], [3, 9, 2, 1]]
    assert ids.tolist() == [[31, 7, 5, 2], [9, 2, -100, -100]]


@every_variant
def test_labels_are_read_one_token_later(variant):
    model, batch = our_model(variant), inputs(variant)
    wanted = labels(variant)
    source = {name: batch[name] for name in ("input_ids", "attention_mask")}
    output = model(**source, labels=wanted)
    shifted = model.prepare_decoder_input_ids_from_labels(wanted)
    expected = model(**source, decoder_input_ids=shifted)
    numpy.testing.assert_array_equal(output.logits, expected.logits)
    logits = output.logits.astype("float64")
    log_sums = numpy.log(numpy.exp(logits).sum(-1))
    picked = numpy.take_along_axis(logits, numpy.where(wanted == -100, 0, wanted)[..., None], -1)
    losses = (log_sums - picked[..., 0])[wanted != -100]
    assert float(output.loss) == pytest.approx(losses.mean(), rel=1e-5)


def test_bart_repeats_its_input_and_marian_does_not():
    ids = inputs("bart", rows=1)["input_ids"]
    model = our_model("bart")
    shifted = model.prepare_decoder_input_ids_from_labels(ids)
    expected = model(ids, decoder_input_ids=shifted).logits
    numpy.testing.assert_array_equal(model(ids).logits, expected)
    for variant in ("marian", "t5"):
        with pytest.raises(ArgumentError, match="decoder_input_ids: is missing"):
            our_model(variant)(ids)


# ---- mistakes ------------------------------------------------------------------------------------


@one_of_each
def test_without_a_head_it_cannot_write(variant):
    assert our_model(variant).can_generate()
    with pytest.raises(ArgumentError, match=r"no language-model head.*AutoModelForSeq2SeqLM"):
        our_model(variant, "base").generate(inputs(variant)["input_ids"])


@one_of_each
def test_wrong_arguments(variant):
    model, batch = our_model(variant), inputs(variant)
    with pytest.raises(ArgumentError, match="either input_ids or inputs_embeds"):
        model(decoder_input_ids=batch["decoder_input_ids"])
    for name, sentence in (
        ("attention_mask", r"attention_mask: the mask has another shape.*\(3, 17\)"),
        ("decoder_attention_mask", r"the mask has another shape.*\(3, 15\)"),
    ):
        with pytest.raises(ArgumentError, match=sentence):
            model(**{**batch, name: batch[name][:, :-1]})
    with pytest.raises(ArgumentError, match="outside the vocabulary"):
        model(**{**batch, "input_ids": batch["input_ids"] + 30})


@pytest.mark.parametrize("variant", ["bart", "marian"])
def test_longer_than_the_positions(variant):
    ids = numpy.full((1, 25), 5)
    with pytest.raises(ArgumentError, match="position_ids: the text is longer"):
        our_model(variant)(ids, decoder_input_ids=ids[:, :3])


def test_t5_knows_no_longest_text():
    ids = numpy.full((1, 300), 5)
    logits = our_model("t5")(ids, decoder_input_ids=ids).logits
    assert numpy.isfinite(logits).all()


@pytest.mark.parametrize("missing", ["pad_token_id", "decoder_start_token_id"])
@one_of_each
def test_labels_need_special_tokens(variant, missing):
    model = our_model(variant)
    setattr(model.config, missing, None)
    with pytest.raises(ConfigError, match=f"'{missing}': is missing, but the decoder"):
        model(inputs(variant)["input_ids"], labels=labels(variant))


@pytest.mark.parametrize(
    ("variant", "fields", "sentence"),
    [
        ("t5", {"feed_forward_proj": "open-gelu"}, "'feed_forward_proj': unknown form"),
        ("t5", {"feed_forward_proj": "a-b-relu"}, "'feed_forward_proj': unknown form"),
        ("t5", {"feed_forward_proj": "relu6"}, "'dense_act_fn': unknown name"),
        ("t5", {"d_kv": 0}, "'d_kv': must be above zero"),
        ("bart", {"decoder_attention_heads": 3}, "'decoder_attention_heads': does not divide"),
        ("bart", {"activation_function": "nope"}, "'activation_function': unknown name"),
        ("marian", {"encoder_ffn_dim": -1}, "'encoder_ffn_dim': must be above zero"),
    ],
)
def test_impossible_configs(variant, fields, sentence):
    with pytest.raises(ConfigError, match=sentence):
        make(tinyhf, variant, **fields)


# ---- files ---------------------------------------------------------------------------------------


@every_variant
@pytest.mark.parametrize("kind", ["head", "base"])
def test_saved_and_read_again(tmp_path, variant, kind):
    model = our_model(variant, kind)
    model.save_pretrained(tmp_path)
    auto = tinyhf.AutoModelForSeq2SeqLM if kind == "head" else tinyhf.AutoModel
    again, info = auto.from_pretrained(tmp_path, output_loading_info=True)
    assert type(again) is type(model)
    assert not any(info.values())
    batch = inputs(variant)
    numpy.testing.assert_array_equal(again(**batch)[0], model(**batch)[0])


@pytest.mark.parametrize(
    ("variant", "tables"),
    [
        ("t5", {"shared", "encoder.embed_tokens", "decoder.embed_tokens", "lm_head"}),
        ("bart", {"model.shared", "model.encoder.embed_tokens", "lm_head"}),
        ("marian", {"model.shared", "model.decoder.embed_tokens", "lm_head"}),
        ("marian apart", {"model.decoder.embed_tokens", "lm_head"}),
    ],
)
def test_tied_tables_are_one_array_and_stored_once(tmp_path, variant, tables):
    our_model(variant).save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    names = {f"{table}.weight" for table in tables}
    assert len(names & stored.keys()) == 1
    model = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    assert len({id(model.get_parameter(name)) for name in names}) == 1


@pytest.mark.parametrize("variant", ["bart untied", "marian apart"])
def test_tables_that_are_not_tied_differ(tmp_path, variant):
    our_model(variant).save_pretrained(tmp_path)
    model = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path).model
    one, other = model.encoder.embed_tokens.weight, model.decoder.embed_tokens.weight
    assert one.shape != other.shape or (one != other).any()


def test_a_head_of_its_own_stays_untied(tmp_path):
    """As in T5 v1.1 and Flan-T5, of which their configs say nothing."""
    model = our_model("t5 gated")
    assert model.config.tie_word_embeddings
    assert not model.config.scale_decoder_outputs
    model.save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    head = stored["shared.weight"] + 1
    save_file({**stored, "lm_head.weight": head}, tmp_path / "model.safetensors")
    for _ in range(2):
        model = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
        numpy.testing.assert_array_equal(model.lm_head.weight, head)
        assert model.decoder.embed_tokens.weight is model.shared.weight
        model.save_pretrained(tmp_path)


@pytest.mark.parametrize("stored_name", ["lm_head.weight", "encoder.embed_tokens.weight"])
def test_the_shared_table_under_another_name(tmp_path, stored_name):
    model = our_model("t5")
    model.save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    stored[stored_name] = stored.pop("shared.weight")
    save_file(stored, tmp_path / "model.safetensors")
    again, info = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert again.lm_head.weight is again.shared.weight is again.encoder.embed_tokens.weight
    numpy.testing.assert_array_equal(again.shared.weight, model.shared.weight)


def test_no_table_at_all_is_missing(tmp_path):
    our_model("t5").save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    del stored["shared.weight"]
    save_file(stored, tmp_path / "model.safetensors")
    model, info = tinyhf.T5ForConditionalGeneration.from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert info["missing_keys"] == {"shared.weight", *model.tied_weights_keys}
    assert model.lm_head.weight is model.shared.weight


def test_waves_and_a_missing_bias_need_no_file(tmp_path):
    model = our_model("marian")
    model.save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    assert not [name for name in stored if "embed_positions" in name]
    del stored["final_logits_bias"]
    save_file(stored, tmp_path / "model.safetensors")
    again, info = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert not again.final_logits_bias.any()
    positions = "model.decoder.embed_positions.weight"
    numpy.testing.assert_array_equal(again.get_parameter(positions), model.get_parameter(positions))


def test_waves_that_are_in_the_file_are_used(tmp_path):
    our_model("marian").save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    name = "model.encoder.embed_positions.weight"
    save_file({**stored, name: numpy.ones((24, 16), "float32")}, tmp_path / "model.safetensors")
    model = tinyhf.MarianMTModel.from_pretrained(tmp_path)
    assert (model.get_parameter(name) == 1).all()


@pytest.mark.parametrize("variant", ["t5", "t5 gated"])
def test_the_encoder_of_a_whole_t5(tmp_path, variant):
    model = our_model(variant)
    model.save_pretrained(tmp_path)
    encoder, info = tinyhf.T5EncoderModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    ids = inputs(variant)["input_ids"]
    expected = model.encoder(ids).last_hidden_state
    numpy.testing.assert_array_equal(encoder(ids).last_hidden_state, expected)
    assert not encoder.config.is_encoder_decoder
    assert model.config.is_encoder_decoder


def test_wo_stays_in_float32_where_float16_is_too_narrow(tmp_path):
    our_model("t5 gated").save_pretrained(tmp_path)
    for dtype, wide in (("float16", "float32"), ("bfloat16", "bfloat16")):
        model = tinyhf.T5ForConditionalGeneration.from_pretrained(tmp_path, dtype=dtype)
        kinds = {name: array.dtype.name for name, array in model.state_dict().items()}
        assert {kinds[name] for name in kinds if name.endswith(".wo.weight")} == {wide}
        assert {kinds[name] for name in kinds if not name.endswith(".wo.weight")} == {dtype}
        assert model.dtype.name == dtype
        logits = model(**inputs("t5 gated")).logits
        assert_close(logits, our_model("t5 gated")(**inputs("t5 gated")).logits, 0.05)


def test_wo_stays_on_disk_as_well(tmp_path):
    our_model("t5").save_pretrained(tmp_path / "wide")
    model = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "wide", dtype="float16")
    model.save_pretrained(tmp_path / "half")
    options = {"dtype": "auto", "device_map": {"": "disk"}}
    mapped = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "half", **options)
    batch = inputs("t5")
    numpy.testing.assert_array_equal(mapped(**batch).logits, model(**batch).logits)


def test_old_spellings_of_t5(tmp_path):
    """A file from before scale_decoder_outputs."""
    fields = {"model_type": "t5", "tie_word_embeddings": False, "feed_forward_proj": "gated-gelu"}
    (tmp_path / "config.json").write_text(json.dumps(fields))
    config = tinyhf.AutoConfig.from_pretrained(tmp_path)
    assert (config.scale_decoder_outputs, config.tie_word_embeddings) == (False, True)
    assert (config.is_gated_act, config.dense_act_fn) == (True, "gelu_new")
    config.save_pretrained(tmp_path)
    assert tinyhf.AutoConfig.from_pretrained(tmp_path) == config


# ---- other devices -------------------------------------------------------------------------------


@every_variant
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_on_a_strict_device(tmp_path, strict_library, variant, dtype):
    """Nothing touches the host in secret, nothing turns to float64, nothing changes."""
    our_model(variant).save_pretrained(tmp_path)
    host = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    model = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path, dtype=dtype, device_map="strict")
    batch = {**inputs(variant), "labels": labels(variant)}
    there = {name: to_device(array, "strict") for name, array in batch.items()}
    strict_device.seen_dtypes.clear()
    with numpy.errstate(over="ignore"):  # the mask makes hidden scores of float16 infinite
        output = model(**there, **EVERYTHING)
    floats = {seen.name for seen in strict_device.seen_dtypes if seen.kind == "f"}
    assert floats <= {"float32", dtype}
    tolerance = 1e-6 if dtype == "float32" else 0.05
    assert_close(to_host(output.logits), host(**batch).logits, tolerance)


@one_of_each
def test_on_a_strict_device_step_by_step(tmp_path, strict_library, variant):
    our_model(variant).save_pretrained(tmp_path)
    model = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path, device_map="strict")
    batch = {name: to_device(array, "strict") for name, array in inputs(variant).items()}
    ids, mask = batch.pop("decoder_input_ids"), batch.pop("decoder_attention_mask")
    whole = model(**batch, decoder_input_ids=ids).logits
    first = model(**batch, decoder_input_ids=ids[:, :6], decoder_attention_mask=mask[:, :6])
    second = model(
        attention_mask=batch["attention_mask"],
        encoder_outputs=(first.encoder_last_hidden_state,),
        decoder_input_ids=ids[:, 6:],
        past_key_values=first.past_key_values,
    )
    assert_close(to_host(second.logits), to_host(whole[:, 6:]), OWN_TOLERANCE)
