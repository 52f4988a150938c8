"""BERT, DistilBERT and RoBERTa with every head: stored numbers, and what must always hold."""

import json
import logging

import numpy
import pytest
from safetensors.numpy import load_file, save_file

import tinyhf
from tests.tiny_encoders import (
    CLASSES,
    SIZES,
    STORED,
    arrays_of,
    assert_alike,
    config_of,
    family_of,
    golden,
    inputs,
    labels,
    our_encoder,
)
from tests.tiny_llamas import OWN_TOLERANCE, assert_close
from tinyhf.backend import bfloat16, device_of, float16, float32, to_device
from tinyhf.errors import ArgumentError, ConfigError

EVERYTHING = {"output_hidden_states": True, "output_attentions": True}
every_class = pytest.mark.parametrize("name", CLASSES)
every_family = pytest.mark.parametrize("family", SIZES)


# ---- against transformers ------------------------------------------------------------------------


@pytest.mark.parametrize("name", STORED)
def test_golden(name):
    """Names, every hidden state and attention, logits and loss of a right-padded batch."""
    model, given, expected = golden(name)
    assert type(model).__name__ == name
    assert list(model.state_dict()) == list(expected.pop("names"))
    assert_alike(arrays_of(model(**given, **EVERYTHING)), expected)
    assert "loss" in expected


# ---- same text, other ways -----------------------------------------------------------------------


@every_class
@pytest.mark.parametrize("side", ["right", "left"])
def test_padded_batch_equals_single_texts(name, side):
    model, batch = our_encoder(name), inputs(name)
    if side == "left":
        batch = {key: array[:, ::-1].copy() for key, array in batch.items()}
    mask = batch["attention_mask"] == 1
    if side == "left" and family_of(name) != "Roberta":  # which counts tokens only, by itself
        batch["position_ids"] = (mask.cumsum(-1) - 1) * mask
    whole = model(**batch)
    for row, keep in enumerate(mask):
        alone = model(**{key: array[row][keep][None] for key, array in batch.items()})
        if "last_hidden_state" in whole:
            assert_close(whole[0][row][keep], alone[0][0], OWN_TOLERANCE)
        elif whole[0].ndim == 2 and "end_logits" not in whole and side == "right":
            assert_close(whole[0][row], alone[0][0], OWN_TOLERANCE)
        elif whole[0].ndim == 3 or "end_logits" in whole:
            assert_close(whole[0][row][keep], alone[0][0], OWN_TOLERANCE)


@every_family
def test_tokens_look_both_ways(family):
    model, batch = our_encoder(f"{family}Model"), inputs(f"{family}Model", rows=1)
    before = model(**batch).last_hidden_state
    batch["input_ids"][0, -1] = 59
    assert abs(model(**batch).last_hidden_state - before)[0, 0].max() > 1e-3


@every_family
def test_embeddings_in_place_of_ids(family):
    model, batch = our_encoder(f"{family}Model"), inputs(f"{family}Model", rows=1)
    whole = model(**batch).last_hidden_state
    vectors = model.get_input_embeddings()(batch.pop("input_ids"))
    numpy.testing.assert_array_equal(model(**batch, inputs_embeds=vectors)[0], whole)


@pytest.mark.parametrize("name", ["BertModel", "RobertaModel"])
def test_token_types_are_zero_unless_given(name):
    model, batch = our_encoder(name), inputs(name)
    given = model(**{**batch, "token_type_ids": batch["input_ids"] * 0})[0]
    types = batch.pop("token_type_ids")
    numpy.testing.assert_array_equal(model(**batch)[0], given)
    assert abs(model(**batch, token_type_ids=types)[0] - given).max() > 0.01


def test_distilbert_knows_no_token_types():
    model, batch = our_encoder("DistilBertForMaskedLM"), inputs("DistilBertForMaskedLM")
    given = model(**batch, token_type_ids=batch["input_ids"] * 0 + 7)
    numpy.testing.assert_array_equal(model(**batch).logits, given.logits)


def test_robertas_positions_start_after_the_padding_id():
    model, ids = our_encoder("RobertaModel"), numpy.array([[5, 6, 7, 1, 1]])
    positions = numpy.array([[2, 3, 4, 1, 1]])
    expected = model(ids, position_ids=positions).last_hidden_state
    numpy.testing.assert_array_equal(model(ids).last_hidden_state, expected)
    plain = model(ids, position_ids=numpy.arange(5)[None]).last_hidden_state
    assert abs(plain - expected).max() > 0.01


# ---- what comes out ------------------------------------------------------------------------------


@every_class
def test_what_was_not_asked_for_is_not_there(name):
    model, batch = our_encoder(name), inputs(name)
    wanted = labels(name, batch)
    assert not {"loss", "hidden_states", "attentions"} & set(model(**batch))
    output = model(**batch, **wanted, **EVERYTHING)
    assert ("loss" in output) == bool(wanted)
    assert len(output.hidden_states) == 3
    assert [weights.shape for weights in output.attentions] == [(3, 4, 11, 11)] * 2
    plain = model(**batch, **wanted, return_dict=False)
    assert isinstance(plain, tuple)
    assert len(plain) == len(output) - 2


@every_class
def test_the_config_may_ask(name):
    model = our_encoder(name, output_attentions=True, return_dict=False)
    assert len(model(**inputs(name))[-1]) == 2
    assert "hidden_states" not in model(**inputs(name), return_dict=True)


def test_the_pooler():
    model, batch = our_encoder("BertModel"), inputs("BertModel")
    output = model(**batch, output_hidden_states=True)
    first = output.last_hidden_state[:, 0].astype("float64")
    expected = numpy.tanh(first @ model.pooler.dense.weight.T + model.pooler.dense.bias)
    assert_close(output.pooler_output, expected)
    numpy.testing.assert_array_equal(output.hidden_states[-1], output.last_hidden_state)
    assert output[1] is output.pooler_output
    without = tinyhf.BertModel(model.config, add_pooling_layer=False)
    assert not any("pooler" in key for key in without.state_dict())


@every_class
@pytest.mark.parametrize("half", [float16, bfloat16])
def test_half_weights_compute_as_if_widened(name, half):
    """On the CPU the stored type rounds weights, and nothing else."""
    narrow, wide = our_encoder(name), our_encoder(name)
    for key, array in narrow.state_dict().items():
        narrow.set_parameter(key, array.astype(half))
        wide.set_parameter(key, array.astype(half).astype(float32))
    narrow.tie_weights()
    batch = inputs(name)
    ours, theirs = (arrays_of(model(**batch, **EVERYTHING)) for model in (narrow, wide))
    for key in ours:
        assert ours[key].dtype == float32
        assert_close(ours[key], theirs[key], 1e-6)


@every_class
def test_on_a_device_that_mixes_with_nothing(name, strict_library):
    host, other, batch = our_encoder(name), our_encoder(name).to("strict"), inputs(name)
    batch |= labels(name, batch)
    there = {key: to_device(array, "strict") for key, array in batch.items()}
    strict_library.seen_dtypes.clear()
    ours, theirs = other(**there, **EVERYTHING), host(**batch, **EVERYTHING)
    assert {dtype for dtype in strict_library.seen_dtypes if dtype.kind == "f"} == {float32}
    assert device_of(ours.attentions[1]) == "strict:0"
    ours, theirs = arrays_of(ours), arrays_of(theirs)
    assert list(ours) == list(theirs)
    for key, array in ours.items():
        numpy.testing.assert_array_equal(array, theirs[key])


# ---- files ---------------------------------------------------------------------------------------


@every_class
def test_saved_and_loaded_again(tmp_path, name):
    model, batch = our_encoder(name), inputs(name)
    model.save_pretrained(tmp_path)
    head = name.removeprefix(family_of(name)).removeprefix("Model")
    again, info = getattr(tinyhf, f"AutoModel{head}").from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert type(again).__name__ == name
    assert not any(info.values())
    assert_alike(arrays_of(again(**batch)), arrays_of(model(**batch)))


def test_a_base_checkpoint_gets_a_new_head(tmp_path, caplog):
    our_encoder("BertModel").save_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING, "tinyhf"):
        model = tinyhf.BertForSequenceClassification.from_pretrained(tmp_path)
    assert "classifier.weight  (2, 16), now random" in caplog.text
    assert "the checkpoint has no such head, or one for another task: train it" in caplog.text
    base = our_encoder("BertModel").state_dict()
    for key, array in base.items():
        numpy.testing.assert_array_equal(model.get_parameter(f"bert.{key}"), array)


def test_a_checkpoint_from_tensorflow(tmp_path):
    model = our_encoder("BertForPreTraining")
    model.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    for new, old in (("LayerNorm.weight", "LayerNorm.gamma"), ("LayerNorm.bias", "LayerNorm.beta")):
        weights = {key.replace(new, old): array for key, array in weights.items()}
    weights["bert.embeddings.position_ids"] = numpy.arange(24)[None]
    save_file(weights, tmp_path / "model.safetensors")
    again, info = tinyhf.BertForPreTraining.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    for key, array in model.state_dict().items():
        numpy.testing.assert_array_equal(again.get_parameter(key), array)
    _, info = tinyhf.BertModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"]
    assert {key.partition(".")[0] for key in info["unexpected_keys"]} == {"cls"}


@pytest.mark.parametrize("name", ["BertForMaskedLM", "RobertaForMaskedLM", "DistilBertForMaskedLM"])
def test_tied_weights_are_one_array(name):
    tied, own = our_encoder(name), our_encoder(name, tie_word_embeddings=False)
    for key, source in tied.tied_weights_keys.items():
        assert tied.get_parameter(key) is tied.get_parameter(source)
        assert own.get_parameter(key) is not own.get_parameter(source)
    names = [key for key, _ in tied.named_parameters()]
    assert names == [key for key in own.state_dict() if key not in tied.tied_weights_keys]


# ---- configs -------------------------------------------------------------------------------------


@every_family
def test_a_config_alone_works(family):
    config = getattr(tinyhf, f"{family}Config")()
    model = getattr(tinyhf, f"{family}Model")(config)
    assert (config.hidden_size, config.num_attention_heads) == (768, 12)
    assert config.num_labels == 2
    millions = {"Bert": 109.5, "DistilBert": 66.4, "Roberta": 124.6}[family]
    assert model.num_parameters() / 1e6 == pytest.approx(millions, abs=0.2)


REAL = {
    "bert-base-uncased": ("BertForMaskedLM", 109_514_298),
    "distilbert-base-uncased-finetuned-sst-2-english": (
        "DistilBertForSequenceClassification",
        66_955_010,
    ),
    "roberta-base-squad2": ("RobertaForQuestionAnswering", 124_056_578),
}


@pytest.mark.parametrize("name", REAL)
def test_published_configs(shared_data, name):
    model_class, count = REAL[name]
    config = tinyhf.AutoConfig.from_pretrained(shared_data / "configs" / name)
    assert config.architectures == [model_class]
    assert getattr(tinyhf, model_class)(config).num_parameters() == count
    if "sst-2" in name:
        assert config.id2label == {0: "NEGATIVE", 1: "POSITIVE"}


def test_distilberts_own_names():
    config = tinyhf.DistilBertConfig(hidden_size=32, num_attention_heads=2, n_layers=3)
    assert (config.dim, config.n_heads, config.num_hidden_layers) == (32, 2, 3)
    assert "hidden_size" not in json.loads(config.to_json_string())


def test_distilberts_positions_may_start_as_waves():
    config = config_of(tinyhf, "DistilBertModel", sinusoidal_pos_embds=True)
    model = tinyhf.DistilBertModel(config).init_weights(seed=0)
    place, column = numpy.arange(24)[:, None], numpy.arange(16)
    angles = place / 10000 ** (2 * (column // 2) / 16)
    expected = numpy.where(column % 2, numpy.cos(angles), numpy.sin(angles))
    table = model.embeddings.position_embeddings.weight
    numpy.testing.assert_allclose(table, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("config_class", "fields", "sentence"),
    [
        ("BertConfig", {"hidden_size": 30}, "'num_attention_heads': does not divide"),
        ("BertConfig", {"hidden_act": "gelo"}, "'hidden_act': unknown name"),
        ("BertConfig", {"type_vocab_size": 0}, "'type_vocab_size': must be above zero"),
        ("DistilBertConfig", {"dim": 30}, "'n_heads': does not divide"),
        ("DistilBertConfig", {"activation": "gelo"}, "'activation': unknown name"),
        ("RobertaConfig", {"pad_token_id": None}, "'pad_token_id': positions are counted from"),
    ],
)
def test_impossible_configs(config_class, fields, sentence):
    with pytest.raises(ConfigError, match=sentence):
        getattr(tinyhf, config_class)(**fields)


@pytest.mark.parametrize("name", ["BertModel", "BertForMaskedLM", "RobertaModel"])
def test_a_decoder_is_refused(name):
    with pytest.raises(ConfigError, match=r"'is_decoder': .*Model runs as an encoder only"):
        our_encoder(name, is_decoder=True)


@every_family
def test_an_answer_has_a_start_and_an_end(family):
    with pytest.raises(ConfigError, match=r"'num_labels': a token has two scores.*wanted 2, got 3"):
        our_encoder(f"{family}ForQuestionAnswering", num_labels=3)


def test_no_encoder_generates():
    assert not any(our_encoder(name).can_generate() for name in CLASSES)


# ---- wrong input ---------------------------------------------------------------------------------


@every_class
def test_ids_or_embeddings_not_both(name):
    model, ids = our_encoder(name), inputs(name)["input_ids"]
    for wrong in ({}, {"input_ids": ids, "inputs_embeds": ids}):
        with pytest.raises(ArgumentError, match="give either input_ids or inputs_embeds"):
            model(**wrong)


@every_family
@pytest.mark.parametrize("shape", [(3, 10), (1, 11), (3, 1, 11, 11)])
def test_a_mask_of_another_shape(family, shape):
    model, batch = our_encoder(f"{family}Model"), inputs(f"{family}Model")
    with pytest.raises(ArgumentError, match=r"^attention_mask: .*\(3, 11\), got \("):
        model(batch["input_ids"], attention_mask=numpy.ones(shape))


@every_family
def test_a_text_that_is_too_long(family):
    model = our_encoder(f"{family}Model")
    longest = 22 if family == "Roberta" else 24
    model(numpy.full((1, longest), 5))
    with pytest.raises(ArgumentError, match=r"^position_ids: the text is longer than"):
        model(numpy.full((1, longest + 1), 5))


def test_a_token_type_that_does_not_exist():
    ids = numpy.array([[5, 6]])
    with pytest.raises(ArgumentError, match=r"^token_type_ids: .*wanted 0 to 2, got \[0, 3\]"):
        our_encoder("BertModel")(ids, token_type_ids=numpy.array([[0, 3]]))


def test_labels_decide_on_the_problem_once():
    model = our_encoder("BertForSequenceClassification", num_labels=3)
    batch = inputs("BertForSequenceClassification")
    yes_or_no = numpy.array([[0, 1, 1], [0, 0, 0], [1, 0, 1]], "float32")
    model(**batch, labels=yes_or_no)
    assert model.config.problem_type == "multi_label_classification"
    with pytest.raises(ArgumentError, match=r"wanted 9 numbers, got \(3,\)"):
        model(**batch, labels=numpy.array([0, 1, 2]))


def test_an_unknown_problem():
    model = our_encoder("RobertaForSequenceClassification", problem_type="ranking")
    with pytest.raises(ConfigError, match=r"'problem_type': unknown \(wanted regression, single_"):
        model(**inputs("RobertaForSequenceClassification"), labels=numpy.array([0, 1, 2]))
