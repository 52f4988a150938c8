"""ChatGLM against all that its own code computed, in the project's workshop (../shared)."""

import numpy
import pytest

from tests.tiny_chatglms import (
    LAYER_TOLERANCE,
    LOGITS_TOLERANCE,
    REFERENCE,
    needs_reference,
    reference_case,
    reference_model,
)
from tinyhf import ChatGLMForConditionalGeneration
from tinyhf.backend import to_device, to_host
from tinyhf.checkpoint import load_state_dict
from tinyhf.models.chatglm_prompt import get_masks, get_position_ids

pytestmark = needs_reference

MODELS = ("model_fp16_safetensors", "model_fp16_bin", "model_fp32_bin")
CASES = ("gmask", "gmask_with_suffix", "mask_in_middle", "mask_in_middle_suffix", "long")
EVERYTHING = {"output_hidden_states": True, "output_attentions": True}
#: The reference computes in float16 there, we in float32.
HALF_TOLERANCE = 0.05
#: Both compute in float16, but round in other places. Measured: 0.056, of numbers up to 11.
TWO_HALVES_TOLERANCE = 0.1


def assert_layers_close(ours, theirs):
    assert ours.shape == theirs.shape
    numpy.testing.assert_allclose(ours, theirs, **LAYER_TOLERANCE)


def assert_logits_close(ours, theirs, tolerance=LOGITS_TOLERANCE):
    ours = ours[:, -theirs.shape[1] :]  # of the long text only the last are stored
    assert ours.shape == theirs.shape
    assert abs(ours - theirs).max() <= tolerance


def logits_of(case):
    return case["logits"] if "logits" in case else case["logits_last4"]


def compare(output, case):
    """Everything that the case holds."""
    assert_logits_close(output.logits, logits_of(case))
    hidden = output.hidden_states
    names = ("embeddings", "layer0_out", "layer1_out", "final_ln")  # the last one is normed
    for ours, name in zip(hidden, names, strict=True):
        if name in case:
            assert_layers_close(ours, case[name])
    for layer, weights in enumerate(output.attentions):
        if f"layer{layer}_attn_probs" in case:
            merged = weights.reshape(-1, *weights.shape[2:])
            assert_layers_close(merged, case[f"layer{layer}_attn_probs"])
            for cached, kind in zip(output.past_key_values[layer], ("key", "value"), strict=True):
                theirs = case[f"layer{layer}_past_{kind}_seqfirst"]
                assert_layers_close(cached.transpose(2, 0, 1, 3), theirs)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", CASES)
def test_every_case(model, name):
    model, case = reference_model(model), reference_case(name)
    ids = case["input_ids"]
    positions, mask = case["position_ids"], case["attention_mask_bool_true_is_masked"]
    numpy.testing.assert_array_equal(get_position_ids(model.config, ids), positions)
    numpy.testing.assert_array_equal(get_masks(model.config, ids), mask)
    compare(model(ids, use_cache=True, **EVERYTHING), case)


def test_stages_inside_of_the_layers():
    """By hooks: what goes into each stage and comes out of it."""
    model, case, seen = reference_model(MODELS[0]), reference_case("gmask"), {}

    def keep(name):
        return lambda module, args, output: seen.__setitem__(name, (args, output))

    for number, layer in enumerate(model.transformer.layers):
        layer.attention.query_key_value.register_forward_hook(keep(f"layer{number}_qkv"))
        layer.attention.register_forward_hook(keep(f"layer{number}_attn"))
        layer.mlp.register_forward_hook(keep(f"layer{number}_mlp"))
        layer.register_forward_hook(keep(f"layer{number}"))
    model(case["input_ids"])
    reference_model.cache_clear()  # this one keeps its hooks
    for number in range(3):
        name = f"layer{number}"
        (attention_input, *_), (attention_output, _) = seen[f"{name}_attn"]
        assert_layers_close(attention_input, case[f"{name}_attn_in"])
        assert_layers_close(attention_output, case[f"{name}_attn_out"])
        assert_layers_close(seen[f"{name}_qkv"][1], case[f"{name}_qkv"])
        assert_layers_close(seen[f"{name}_mlp"][0][0], case[f"{name}_mlp_in"])
        assert_layers_close(seen[f"{name}_mlp"][1], case[f"{name}_mlp_out"])
        assert_layers_close(seen[name][1][0], case[f"{name}_out"])


def test_left_padded_batch():
    model, case = reference_model(MODELS[0]), reference_case("batch_left_padded")
    output = model(
        case["input_ids"],
        position_ids=case["position_ids"],
        attention_mask=case["attention_mask_bool_true_is_masked"],
        **EVERYTHING,
    )
    compare(output, case)


@pytest.mark.parametrize("name", ["gmask", "gmask_with_suffix", "mask_in_middle"])
def test_one_position_a_token(name):
    model = reference_model(MODELS[0], position_encoding_2d=False)
    case = reference_case(f"pos1d_{name}")
    positions = get_position_ids(model.config, case["input_ids"])
    numpy.testing.assert_array_equal(positions, case["position_ids"])
    assert_logits_close(model(case["input_ids"]).logits, case["logits"])


@pytest.mark.parametrize("dtype", ["float32", "auto"])
@pytest.mark.parametrize("bits", ["int4", "int8"])
def test_quantized(bits, dtype):
    model = reference_model(f"model_{bits}_bin", dtype=dtype)
    case = reference_case(f"quant_{bits}_gmask")
    assert_logits_close(model(case["input_ids"]).logits, case["logits"])


@pytest.mark.parametrize("name", ["half_cpu_gmask", "half_cpu_long"])
def test_half(name):
    model, case = reference_model(MODELS[1], dtype="float16"), reference_case(name)
    theirs = logits_of(case).astype(numpy.float32)
    assert_logits_close(model(case["input_ids"]).logits, theirs, HALF_TOLERANCE)


@pytest.mark.parametrize("use_cache", [True, False])
@pytest.mark.parametrize(
    ("name", "dtype", "tolerance"),
    [
        ("generate_gmask", "float32", LOGITS_TOLERANCE),
        ("generate_half_cpu_gmask", "auto", HALF_TOLERANCE),
    ],
)
def test_generate(name, dtype, tolerance, use_cache):
    model, case = reference_model(MODELS[0], dtype=dtype), reference_case(name)
    output = model.generate(
        case["input_ids"],
        max_new_tokens=12,
        use_cache=use_cache,
        output_scores=True,
        return_dict_in_generate=True,
    )
    numpy.testing.assert_array_equal(output.sequences, case["sequences"])
    assert_logits_close(numpy.stack(output.scores, axis=1), case["scores"], tolerance)


def test_names_in_the_order_of_the_reference():
    for folder in ("model_int4_bin", "model_int8_bin", "small_tokenizer/model_int4_emb_bin"):
        model = reference_model(folder)
        file = REFERENCE / folder / "pytorch_model.bin"
        names = [name for name in load_state_dict(file) if not name.endswith("inv_freq")]
        assert list(model.state_dict()) == names


@pytest.mark.parametrize("name", ["half_cpu_gmask", "half_cpu_long"])
def test_half_where_it_is_computed_in_half(strict_library, name):
    """On a device all stages compute in float16, as the reference does after .half()."""
    case = reference_case(name)
    model = ChatGLMForConditionalGeneration.from_pretrained(REFERENCE / MODELS[1], dtype="float16")
    model.to("strict")
    logits = model(to_device(case["input_ids"], "strict")).logits
    assert logits.dtype == numpy.float16
    theirs = logits_of(case).astype(numpy.float32)
    assert_logits_close(to_host(logits).astype(numpy.float32), theirs, TWO_HALVES_TOLERANCE)
