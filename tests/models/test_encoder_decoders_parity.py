"""Fresh random T5s, BARTs and Marians in transformers and here: every stage, cache and file."""

import logging

import numpy
import pytest

import tinyhf
from tests.tiny_encoder_decoders import (
    HEADS,
    VARIANTS,
    inputs,
    labels,
    make,
    our_model,
    random_values,
    their_model,
)
from tests.tiny_llamas import assert_close

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

EVERYTHING = {"output_hidden_states": True, "output_attentions": True}
KINDS = [(variant, kind) for variant in VARIANTS for kind in ("head", "base")]
KINDS += [(variant, "encoder") for variant in ("t5", "t5 gated")]
SINGLE = ("loss", "logits", "last_hidden_state", "encoder_last_hidden_state")


@pytest.fixture(autouse=True)
def quiet():
    transformers.logging.set_verbosity_error()
    logging.getLogger("tinyhf").setLevel(logging.ERROR)
    yield
    logging.getLogger("tinyhf").setLevel(logging.NOTSET)


@pytest.fixture(scope="module", params=KINDS, ids="-".join)
def pair(request):
    """(ours, theirs) with the same weights; the variant's name is at ours.variant."""
    ours, theirs = our_model(*request.param), their_model(*request.param)
    ours.variant, ours.kind = request.param
    return ours, theirs


def given(ours, **more):
    """The inputs that this kind of model takes."""
    arrays = {**inputs(ours.variant), **more}
    if ours.kind == "encoder":
        return {name: array for name, array in arrays.items() if "decoder" not in name}
    return arrays


def tensors(arrays):
    return {
        name: torch.from_numpy(array) if isinstance(array, numpy.ndarray) else array
        for name, array in arrays.items()
    }


@torch.no_grad()
def outputs(pair, **arrays):
    ours, theirs = pair
    return ours(**arrays, **EVERYTHING), theirs(**tensors(arrays), **EVERYTHING)


def assert_alike(ours, theirs):
    """Every array of two outputs, and that none is missing."""
    assert list(ours) == [
        name for name in theirs if not isinstance(theirs[name], tuple) or theirs[name]
    ]
    for name in ours:
        if name in SINGLE:
            assert_close(ours[name], theirs[name].numpy())
        elif name != "past_key_values":
            for a, b in zip(ours[name], theirs[name], strict=True):
                assert_close(a, b.numpy())
    if "past_key_values" in ours:
        assert_caches_alike(ours.past_key_values, theirs.past_key_values)


def assert_caches_alike(ours, theirs):
    for kind in ("self_attention_cache", "cross_attention_cache"):
        layers = getattr(theirs, kind).layers
        for (keys, values), layer in zip(getattr(ours, kind), layers, strict=True):
            assert_close(keys, layer.keys.numpy())
            assert_close(values, layer.values.numpy())


def test_names_in_order(pair):
    ours, theirs = pair
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.num_parameters() == theirs.num_parameters()
    assert [name for name, _ in ours.named_parameters()] == [
        name for name, _ in theirs.named_parameters()
    ]
    assert [name for name, _ in ours.named_modules()] == [
        name for name, _ in theirs.named_modules()
    ]


def test_printed_alike(pair):
    assert repr(pair[0]) == repr(pair[1])


def test_every_stage_of_a_padded_batch(pair):
    assert_alike(*outputs(pair, **given(pair[0])))


def test_without_masks(pair):
    arrays = {name: a for name, a in given(pair[0]).items() if "mask" not in name}
    assert_alike(*outputs(pair, **arrays))


def test_vectors_in_place_of_ids(pair):
    rng = numpy.random.default_rng(5)
    arrays = given(pair[0])
    for name in [name for name in arrays if name.endswith("input_ids")]:
        shape = (*arrays.pop(name).shape, pair[0].config.d_model)
        vectors = name.replace("input_ids", "inputs_embeds")
        arrays[vectors] = rng.normal(0, 1, shape).astype("float32")
    assert_alike(*outputs(pair, **arrays))


def test_plain_tuples(pair):
    ours, theirs = pair
    arrays = given(ours)
    output = ours(**arrays, return_dict=False)
    expected = theirs(**tensors(arrays), return_dict=False)
    assert len(output) == len(expected)
    assert_close(output[0], expected[0].detach().numpy())


@pytest.mark.parametrize("as_tuple", [False, True])
def test_encoder_outputs_of_an_earlier_call(pair, as_tuple):
    ours, theirs = pair
    if ours.kind == "encoder":
        pytest.skip("has no decoder")
    arrays = given(ours)
    source = {name: arrays.pop(name) for name in ("input_ids", "attention_mask")}
    first = [ours.get_encoder()(**source, **EVERYTHING)]
    first += [theirs.get_encoder()(**tensors(source), **EVERYTHING)]
    if as_tuple:
        first = [output.to_tuple() for output in first]
    arrays["attention_mask"] = source["attention_mask"]
    with torch.no_grad():
        output = ours(**arrays, encoder_outputs=first[0], **EVERYTHING)
        expected = theirs(**tensors(arrays), encoder_outputs=first[1], **EVERYTHING)
    for stage in expected.encoder_hidden_states:
        stage.detach_()
    expected.encoder_last_hidden_state.detach_()
    expected["encoder_attentions"] = tuple(x.detach() for x in expected.encoder_attentions)
    assert_alike(output, expected)


@torch.no_grad()
def test_cache_step_by_step(pair):
    """A start in two parts, then single tokens; the encoder runs in the first step only."""
    ours, theirs = pair
    if ours.kind == "encoder":
        pytest.skip("has no decoder")
    arrays = given(ours)
    mask = arrays["attention_mask"]
    source = {name: arrays[name] for name in ("input_ids", "attention_mask")}
    encoded = [ours.get_encoder()(**source), theirs.get_encoder()(**tensors(source))]
    caches, start = [None, None], 0
    whole = ours(**arrays, use_cache=False)
    for end in (6, 9, 10, 11, 12):
        step = {
            "decoder_input_ids": arrays["decoder_input_ids"][:, start:end],
            "decoder_attention_mask": arrays["decoder_attention_mask"][:, :end],
            "attention_mask": mask,
            "use_cache": True,
        }
        output = ours(**step, encoder_outputs=encoded[0], past_key_values=caches[0], **EVERYTHING)
        expected = theirs(
            **tensors(step), encoder_outputs=encoded[1], past_key_values=caches[1], **EVERYTHING
        )
        assert_alike(output, expected)
        assert_close(output[0], whole[0][:, start:end])
        caches, start = [output.past_key_values, expected.past_key_values], end


def test_labels_give_the_loss_and_the_decoders_ids(pair):
    ours, _ = pair
    if ours.kind != "head":
        pytest.skip("has no head")
    arrays = given(ours, labels=labels(ours.variant))
    assert_alike(*outputs(pair, **arrays))
    del arrays["decoder_input_ids"], arrays["decoder_attention_mask"]
    assert_alike(*outputs(pair, **arrays))


def test_shifting(pair):
    ours, theirs = pair
    if ours.kind != "head":
        pytest.skip("has no head")
    ids = labels(ours.variant)
    shifted = ours.prepare_decoder_input_ids_from_labels(ids)
    expected = theirs.prepare_decoder_input_ids_from_labels(torch.from_numpy(ids))
    numpy.testing.assert_array_equal(shifted, expected.numpy())
    assert shifted.dtype == ids.dtype


@pytest.mark.parametrize("variant", ["bart", "bart scaled"])
def test_bart_repeats_its_input(variant):
    pair = our_model(variant), their_model(variant)
    arrays = inputs(variant)
    assert_alike(*outputs(pair, input_ids=arrays["input_ids"]))


# ---- files -------------------------------------------------------------------------------------

NO_DIFFERENCE = {
    "missing_keys": set(),
    "unexpected_keys": set(),
    "mismatched_keys": set(),
    "error_msgs": [],
}


def auto(package, kind):
    return package.AutoModelForSeq2SeqLM if kind == "head" else package.AutoModel


@pytest.mark.parametrize(("variant", "kind"), KINDS[:-2])
def test_saved_by_us_read_by_transformers(tmp_path, variant, kind):
    ours = our_model(variant, kind)
    ours.variant, ours.kind = variant, kind
    ours.save_pretrained(tmp_path)
    theirs, info = auto(transformers, kind).from_pretrained(
        tmp_path, output_loading_info=True, attn_implementation="eager"
    )
    assert {name: set(info[name]) for name in info} == {name: set() for name in info}
    assert type(theirs).__name__ == type(ours).__name__
    assert_alike(*outputs((ours, theirs), **given(ours)))


@pytest.mark.parametrize(("variant", "kind"), KINDS[:-2])
def test_saved_by_transformers_read_by_us(tmp_path, variant, kind):
    theirs = their_model(variant, kind)
    theirs.save_pretrained(tmp_path)
    ours, info = auto(tinyhf, kind).from_pretrained(tmp_path, output_loading_info=True)
    ours.variant, ours.kind = variant, kind
    assert info == NO_DIFFERENCE
    assert type(theirs).__name__ == type(ours).__name__
    assert_alike(*outputs((ours, theirs), **given(ours)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_files_hold_the_same_names(tmp_path, variant):
    from safetensors import safe_open

    names = []
    for who, model in (("ours", our_model(variant)), ("theirs", their_model(variant))):
        model.save_pretrained(tmp_path / who)
        with safe_open(tmp_path / who / "model.safetensors", "numpy") as stored:
            names.append(sorted(stored.keys()))
    assert names[0] == names[1]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("saved", "read"), [("base", "head"), ("head", "base")])
def test_with_and_without_head(tmp_path, variant, saved, read):
    their_model(variant, saved).save_pretrained(tmp_path)
    ours, info = auto(tinyhf, read).from_pretrained(tmp_path, output_loading_info=True)
    theirs, expected = auto(transformers, read).from_pretrained(
        tmp_path, output_loading_info=True, attn_implementation="eager"
    )
    waves = {name for name in ours.state_dict() if "embed_positions" in name}  # made, not missing
    assert info["missing_keys"] == set(expected["missing_keys"]) - waves
    assert info["unexpected_keys"] == set(expected["unexpected_keys"])
    if read == "base":
        ours.variant, ours.kind = variant, read
        assert_alike(*outputs((ours, theirs), **given(ours)))


@pytest.mark.parametrize("variant", ["t5", "t5 gated"])
def test_the_encoder_of_a_whole_model(tmp_path, variant):
    their_model(variant).save_pretrained(tmp_path)
    ours, info = tinyhf.T5EncoderModel.from_pretrained(tmp_path, output_loading_info=True)
    theirs = transformers.T5EncoderModel.from_pretrained(tmp_path, attn_implementation="eager")
    ours.variant, ours.kind = variant, "encoder"
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    assert_alike(*outputs((ours, theirs), **given(ours)))


def test_a_head_of_its_own_stays_untied(tmp_path):
    """As in T5 v1.1 and Flan-T5: the file holds lm_head.weight, with other values than shared."""
    theirs = their_model("t5 gated")
    weights = {name: array.clone() for name, array in theirs.state_dict().items()}
    rng = numpy.random.default_rng(9)
    head = torch.from_numpy(random_values("lm_head.weight", (40, 16), rng))
    theirs.config.save_pretrained(tmp_path)
    from safetensors.torch import save_file

    save_file({**weights, "lm_head.weight": head}, tmp_path / "model.safetensors", {"format": "pt"})
    ours = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path)
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(
        tmp_path, attn_implementation="eager"
    )
    assert ours.lm_head.weight is not ours.shared.weight
    assert ours.encoder.embed_tokens.weight is ours.shared.weight
    assert_alike(*outputs((ours, theirs), **inputs("t5 gated")))
    ours.save_pretrained(tmp_path / "again")
    again = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path / "again")
    assert torch.equal(again.lm_head.weight, head)


@pytest.mark.parametrize("variant", ["bart", "marian", "t5"])
def test_only_a_tied_name_is_in_the_file(tmp_path, variant):
    """Tying works both ways: the shared table may be stored under the head's name."""
    from safetensors.torch import load_file, save_file

    their_model(variant).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    source = "shared.weight" if variant == "t5" else "model.shared.weight"
    weights["lm_head.weight"] = weights.pop(source)
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    ours, info = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path, output_loading_info=True)
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(
        tmp_path, attn_implementation="eager"
    )
    assert info == NO_DIFFERENCE
    assert_alike(*outputs((ours, theirs), **inputs(variant)))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_half_types_are_stored_alike(tmp_path, variant, dtype):
    their_model(variant).save_pretrained(tmp_path)
    ours = tinyhf.AutoModelForSeq2SeqLM.from_pretrained(tmp_path, dtype=dtype)
    theirs = transformers.AutoModelForSeq2SeqLM.from_pretrained(tmp_path, dtype=dtype)
    for name, tensor in theirs.state_dict().items():
        array = ours.get_parameter(name)
        assert array.dtype.name == str(tensor.dtype).removeprefix("torch."), name
        numpy.testing.assert_array_equal(array.astype("float32"), tensor.float().numpy())


# ---- configs and random starts -----------------------------------------------------------------


def assert_configs_alike(ours, theirs):
    """Every field of theirs is ours, with its value."""
    for name, value in theirs.to_dict().items():
        if name not in ("transformers_version", "_name_or_path", "chunk_size_feed_forward"):
            mine = getattr(ours, name)
            if name in ("id2label", "label2id") and mine is None:
                assert len(value) == ours.num_labels == 2
            else:
                assert mine == value, name


@pytest.mark.parametrize("family", HEADS)
def test_default_config(family):
    name = f"{family}Config"
    ours, theirs = getattr(tinyhf, name)(), getattr(transformers, name)()
    assert_configs_alike(ours, theirs)
    assert ours.num_labels == theirs.num_labels
    for common in theirs.attribute_map:
        assert getattr(ours, common) == getattr(theirs, common)


@pytest.mark.parametrize(
    "folder",
    ["t5-base", "t5-small-finetuned-vocab32101", "opus-mt-en-mg", "opus-mt-tc-big-fr-en"],
)
def test_real_configs(shared_data, folder, tmp_path):
    path = shared_data / "configs" / folder
    ours = tinyhf.AutoConfig.from_pretrained(path)
    theirs = transformers.AutoConfig.from_pretrained(path)
    assert_configs_alike(ours, theirs)
    ours.save_pretrained(tmp_path)
    assert_configs_alike(ours, transformers.AutoConfig.from_pretrained(tmp_path))


@pytest.mark.parametrize("form", ["gated-gelu", "gated-silu", "gelu", "relu", "gated-gelu_new"])
@pytest.mark.parametrize("tied", [True, False, None])
def test_what_t5_configs_say_between_the_lines(tmp_path, form, tied):
    fields = {"feed_forward_proj": form}
    fields |= {} if tied is None else {"tie_word_embeddings": tied}
    ours, theirs = tinyhf.T5Config(**fields), transformers.T5Config(**fields)
    assert_configs_alike(ours, theirs)
    theirs.save_pretrained(tmp_path)
    assert_configs_alike(tinyhf.AutoConfig.from_pretrained(tmp_path), theirs)
    ours.save_pretrained(tmp_path)
    assert_configs_alike(ours, transformers.AutoConfig.from_pretrained(tmp_path))


@pytest.mark.parametrize("variant", VARIANTS)
def test_our_start_is_distributed_as_theirs(variant):
    larger = {"d_model": 96, "vocab_size": 300}
    if "apart" in variant:
        larger["decoder_vocab_size"] = 320
    theirs = make(transformers, variant, **larger).state_dict()
    ours = make(tinyhf, variant, **larger).init_weights(seed=0).state_dict()
    for name, tensor in theirs.items():
        mean, std = float(tensor.mean()), float(tensor.std(correction=0))
        few = 5 / tensor.numel() ** 0.5
        assert ours[name].mean() == pytest.approx(mean, abs=max(2 * few * std, 1e-6)), name
        assert ours[name].std() == pytest.approx(std, rel=few), name
        if "position" in name and "marian" in variant:
            assert_close(ours[name], tensor.numpy(), 1e-6)
