"""Fresh random GPT-2s and GPTBigCodes in transformers and here: names, stages, files, tokens."""

import functools
import json
import logging

import numpy
import pytest

from tests.tiny_gpt2s import GPT2S, SIZES, VARIANTS, fields_of, inputs_of, our_model, their_model
from tests.tiny_llamas import as_tensors, assert_close, positions, their_output
from tinyhf import AutoConfig, AutoModel, AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel
from tinyhf.models.auto import AutoModelForPreTraining

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

LARGER = {
    "tiny": {},
    "wide": {"n_embd": 192, "n_head": 12, "n_layer": 4, "vocab_size": 1000, "n_positions": 256},
}
SEQ = 24
EVERYTHING = {"output_hidden_states": True, "output_attentions": True}
LAYERS = ("hidden_states", "attentions", "cross_attentions")
every_variant = pytest.mark.parametrize("variant", VARIANTS)


@pytest.fixture(autouse=True)
def quiet():
    transformers.logging.set_verbosity_error()
    logging.getLogger("tinyhf").setLevel(logging.ERROR)
    yield
    logging.getLogger("tinyhf").setLevel(logging.NOTSET)


@pytest.fixture(scope="module", params=[(v, s) for v in VARIANTS for s in LARGER], ids="-".join)
def pair(request):
    """(ours, theirs) with the same weights, and the name of the variant"""
    variant, size = request.param
    fields = {**LARGER[size]}
    if variant.endswith("untied"):
        fields["n_head"] = 1
    return our_model(variant, **fields), their_model(variant, **fields), variant


@pytest.fixture
def batch(pair):
    ours, _, variant = pair
    arrays = inputs_of(variant, 3, SEQ)
    if "encoder_hidden_states" in arrays:
        shape = (*arrays["encoder_hidden_states"].shape[:2], ours.config.n_embd)
        rng = numpy.random.default_rng(5)
        arrays["encoder_hidden_states"] = rng.normal(0, 1, shape).astype("float32")
    return arrays


def assert_alike(ours, theirs):
    """Every array of two outputs, and that none is missing."""
    absent = [name for name, value in theirs.items() if isinstance(value, tuple) and not value]
    assert list(ours) == [name for name in theirs if name not in absent]
    for name in ("loss", "logits", "last_hidden_state"):
        if name in ours:
            assert_close(ours[name], theirs[name].numpy())
    for name in LAYERS:
        for a, b in zip(ours.get(name, ()), theirs.get(name, ()), strict=True):
            assert_close(a, b.numpy())
    assert_caches_alike(ours.past_key_values, theirs.past_key_values)


def assert_caches_alike(ours, theirs):
    crosses = hasattr(theirs, "cross_attention_cache")
    own = theirs.self_attention_cache if crosses else theirs
    expected = [[layer.keys, layer.values] for layer in own.layers]
    if crosses:
        for arrays, layer in zip(expected, theirs.cross_attention_cache.layers, strict=False):
            arrays += [layer.keys, layer.values] if layer.is_initialized else []
    for layer, tensors in zip(ours, expected, strict=True):
        for array, tensor in zip(layer, tensors, strict=True):
            assert_close(array, tensor.numpy())


# ---- names and stages ----------------------------------------------------------------------------


def test_names_in_order(pair):
    ours, theirs, _ = pair
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for names in ("named_parameters", "named_modules"):
        mine, other = getattr(ours, names)(), getattr(theirs, names)()
        assert [name for name, _ in mine] == [name for name, _ in other]
    assert ours.num_parameters() == theirs.num_parameters()


def test_printed_alike(pair):
    assert repr(pair[0]) == repr(pair[1])
    assert repr(pair[0].transformer.h[0]) == repr(pair[1].transformer.h[0])


GIVEN = {
    "everything": (),
    "positions as generate makes them": ("position_ids",),
    "no padding": ("-attention_mask", "-encoder_attention_mask"),
    "ids only": ("-attention_mask", "-token_type_ids", "-labels"),
    "no encoder": ("-encoder_hidden_states", "-encoder_attention_mask"),
    "vectors": ("inputs_embeds", "-input_ids", "-labels"),
}


@pytest.mark.parametrize("changes", GIVEN.values(), ids=GIVEN)
@pytest.mark.parametrize("head", [True, False], ids=["with head", "without head"])
def test_every_stage_of_a_left_padded_batch(pair, batch, changes, head):
    ours, theirs, _ = pair
    for change in changes:
        batch.pop(change.removeprefix("-"), None)
    if "position_ids" in changes:
        batch["position_ids"] = positions(batch["attention_mask"])
    if "inputs_embeds" in changes:
        shape = (3, SEQ, ours.config.n_embd)
        vectors = numpy.random.default_rng(2).normal(0, 1, shape).astype("float32")
        batch["inputs_embeds"] = vectors
    if not head:
        batch.pop("labels", None)
        ours, theirs = ours.transformer, theirs.transformer
    assert_alike(ours(**batch, **EVERYTHING), their_output(theirs, **batch, **EVERYTHING))


def test_cache_step_by_step(pair, batch):
    """A prompt in two parts, then single tokens; the encoder goes in each time, as generate does"""
    ours, theirs, _ = pair
    del batch["labels"]
    caches, end = [None, None], 0
    for step in (9, 5, 1, 1, SEQ - 16):
        start, end = end, end + step
        now = dict(batch, attention_mask=batch["attention_mask"][:, :end])
        now["position_ids"] = positions(batch["attention_mask"])[:, start:end]
        for name in ("input_ids", "token_type_ids"):
            now[name] = batch[name][:, start:end]
        output = ours(**now, past_key_values=caches[0], **EVERYTHING)
        expected = their_output(theirs, **now, past_key_values=caches[1], **EVERYTHING)
        assert_alike(output, expected)
        caches = [output.past_key_values, expected.past_key_values]


# ---- generate ------------------------------------------------------------------------------------

SETTINGS = [
    {"do_sample": False},
    {"do_sample": False, "use_cache": False},
    {"do_sample": False, "repetition_penalty": 1.3},
    {"do_sample": False, "eos_token_id": [2, 3, 5, 7, 11, 13]},
    {"do_sample": True},
    {"do_sample": True, "top_p": 0.9, "temperature": 0.7, "top_k": 40},
    {"do_sample": True, "num_return_sequences": 3},
    {"do_sample": True, "use_cache": False, "eos_token_id": [2, 3, 5, 7]},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize(("rows", "types"), [(1, False), (3, True)], ids=["one", "three, typed"])
@every_variant
def test_the_same_tokens(variant, settings, rows, types):
    ours, theirs = our_model(variant), their_model(variant)
    batch = inputs_of(variant, rows, 10)
    del batch["labels"]
    if not types:
        del batch["token_type_ids"]
    settings = {"max_new_tokens": 24, **settings}
    torch.manual_seed(5)
    expected = theirs.generate(**as_tensors(batch), **settings).numpy()
    drawn = ours.generate(**batch, **settings, **({"seed": 5} if settings["do_sample"] else {}))
    numpy.testing.assert_array_equal(drawn, expected)


@every_variant
def test_prepared_steps_are_those_of_transformers(variant):
    """The arrays that each step of ``generate`` passes on."""
    models = {"ours": our_model(variant), "theirs": their_model(variant)}
    batch, seen = inputs_of(variant, 3, 10), {}
    del batch["labels"]
    for name, model in models.items():
        seen[name] = []
        original = model.forward

        @functools.wraps(original)
        def forward(*args, original=original, steps=seen[name], **kwargs):
            steps.append(kwargs)
            return original(*args, **kwargs)

        model.forward = forward
        given = as_tensors(batch) if name == "theirs" else batch
        model.generate(**given, max_new_tokens=3, do_sample=False)
    assert len(seen["ours"]) == len(seen["theirs"]) == 3
    for ours, theirs in zip(seen["ours"], seen["theirs"], strict=True):
        for name in [*batch, "position_ids"]:
            numpy.testing.assert_array_equal(ours[name], theirs[name].numpy())


# ---- files ---------------------------------------------------------------------------------------

NOTHING = {name: set() for name in ("missing_keys", "unexpected_keys", "mismatched_keys")}
sharded_or_not = pytest.mark.parametrize("max_shard_size", ["1GB", "8KB"])


def differences(info):
    return {name: set(info[name]) for name in NOTHING}


def assert_same_logits(ours, theirs, variant):
    assert list(ours.state_dict()) == list(theirs.state_dict())
    batch = inputs_of(variant, 2, 12)
    assert_close(ours(**batch).logits, their_output(theirs, **batch).logits.numpy())


@sharded_or_not
@every_variant
def test_saved_by_us_read_by_transformers(tmp_path, variant, max_shard_size):
    ours = our_model(variant)
    ours.save_pretrained(tmp_path, max_shard_size=max_shard_size)
    theirs, info = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, output_loading_info=True, attn_implementation="eager"
    )
    assert differences(info) == NOTHING
    assert_same_logits(ours, theirs, variant)


@sharded_or_not
@every_variant
def test_saved_by_transformers_read_by_us(tmp_path, variant, max_shard_size):
    theirs = their_model(variant)
    theirs.save_pretrained(tmp_path, max_shard_size=max_shard_size)
    ours, info = AutoModelForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert differences(info) == NOTHING
    assert type(ours).__name__ == type(theirs).__name__
    assert_same_logits(ours, theirs, variant)


@every_variant
def test_auto_classes_choose_the_class_of_transformers(tmp_path, variant):
    our_model(variant).save_pretrained(tmp_path)
    for ours in (AutoModel, AutoModelForCausalLM, AutoModelForPreTraining):
        theirs = getattr(transformers, ours.__name__)
        chosen = ours.from_pretrained(tmp_path), theirs.from_pretrained(tmp_path)
        assert type(chosen[0]).__name__ == type(chosen[1]).__name__
        assert repr(chosen[0]) == repr(chosen[1])
        assert list(chosen[0].state_dict()) == list(chosen[1].state_dict())


@every_variant
@pytest.mark.parametrize("fields", [{}, {"n_layer": 1}, {"n_layer": 4}, {"vocab_size": 70}])
@pytest.mark.parametrize("saved", ["head", "base"])
@pytest.mark.parametrize("auto_class", ["AutoModelForCausalLM", "AutoModel"])
def test_loading_info(tmp_path, variant, fields, saved, auto_class):
    """With and without "transformer.", and where sizes differ."""
    theirs = their_model(variant)
    (theirs if saved == "head" else theirs.transformer).save_pretrained(tmp_path)
    options = {"output_loading_info": True, "ignore_mismatched_sizes": True, **fields}
    ours, told = globals()[auto_class].from_pretrained(tmp_path, **options)
    expected, wanted = getattr(transformers, auto_class).from_pretrained(tmp_path, **options)
    wanted["mismatched_keys"] = {
        (name, tuple(there), tuple(here)) for name, there, here in wanted["mismatched_keys"]
    }
    if variant in GPT2S:  # their pattern for old masks, "attn.bias", fits more than those
        told["unexpected_keys"] = {n for n in told["unexpected_keys"] if "attn.bias" not in n}
    assert differences(told) == differences(wanted)
    random = told["missing_keys"] | {name for name, _, _ in told["mismatched_keys"]}
    for name, tensor in expected.state_dict().items():
        if name not in random and not (name == "lm_head.weight" and random):
            numpy.testing.assert_array_equal(ours.get_parameter(name), tensor.numpy())


def test_our_start_is_distributed_as_theirs():
    fields = {**SIZES, "n_embd": 64, "n_layer": 4, "vocab_size": 500, "add_cross_attention": True}
    theirs = transformers.GPT2LMHeadModel(transformers.GPT2Config(**fields)).state_dict()
    ours = GPT2LMHeadModel(GPT2Config(**fields)).init_weights(seed=0).state_dict()
    for name, tensor in theirs.items():
        assert ours[name].mean() == pytest.approx(float(tensor.mean()), abs=2e-3), name
        std = float(tensor.float().std(correction=0))
        assert ours[name].std() == pytest.approx(std, rel=0.08), name


# ---- configs -------------------------------------------------------------------------------------


def told(config):
    """The fields of a config, less those of other models and those that say who wrote it."""
    fields = json.loads(config.to_json_string())
    for name in ("transformers_version", "architectures"):
        fields.pop(name, None)
    return {
        name: value
        for name, value in fields.items()
        if value is not None and not name.startswith("summary_")
    }


@every_variant
def test_configs(tmp_path, variant):
    name = "GPT2Config" if variant in GPT2S else "GPTBigCodeConfig"
    for fields in ({}, fields_of(variant)):
        theirs = getattr(transformers, name)(**fields)
        ours = AutoConfig.for_model(theirs.model_type, **fields)
        expected = told(theirs)
        assert {field: getattr(ours, field) for field in expected} == expected
        ours.save_pretrained(tmp_path / "ours")
        theirs.save_pretrained(tmp_path / "theirs")
        assert AutoConfig.from_pretrained(tmp_path / "theirs").to_dict().items() >= expected.items()
        again = transformers.AutoConfig.from_pretrained(tmp_path / "ours")
        assert type(again) is type(theirs)
        assert told(again).items() >= expected.items()
