"""What must hold for every kind of Llama, whatever its weights; no reference needed."""

import numpy
import pytest

from tests.tiny_llamas import (
    OWN_TOLERANCE,
    SIZES,
    VARIANTS,
    assert_close,
    inputs,
    our_llama,
    positions,
    relative_error,
)
from tinyhf import AutoModel, AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, LlamaModel
from tinyhf.backend import bfloat16, float16, float32
from tinyhf.errors import ArgumentError, ConfigError, TinyHFError
from tinyhf.nn import DynamicCache

SEQ = 12  # below max_position_embeddings: "dynamic" must not change with the length here
every_variant = pytest.mark.parametrize("variant", VARIANTS)
LAYERS, HEADS, HIDDEN = (
    SIZES[name] for name in ("num_hidden_layers", "num_attention_heads", "hidden_size")
)


@pytest.fixture(scope="module")
def model():
    return our_llama("gqa")


@pytest.fixture
def ids():
    return numpy.random.default_rng(3).integers(1, SIZES["vocab_size"], (2, SEQ))


# ---- same text, other ways -----------------------------------------------------------------------


@every_variant
def test_left_padded_batch_equals_single_prompts(variant):
    model, batch = our_llama(variant), inputs(3, SEQ)
    mask = batch["attention_mask"]
    output = model(batch["input_ids"], attention_mask=mask, position_ids=positions(mask))
    for row, row_mask, logits in zip(batch["input_ids"], mask, output.logits, strict=True):
        alone = model(row[row_mask == 1][None]).logits[0]
        assert_close(logits[row_mask == 1], alone, OWN_TOLERANCE)


@every_variant
def test_padding_may_hold_any_token(variant):
    model, batch = our_llama(variant), inputs(2, SEQ)
    mask = batch["attention_mask"]
    other = numpy.where(mask == 1, batch["input_ids"], 77)
    logits = [model(ids, attention_mask=mask).logits for ids in (batch["input_ids"], other)]
    numpy.testing.assert_array_equal(logits[0][mask == 1], logits[1][mask == 1])


@every_variant
@pytest.mark.parametrize("steps", [[1] * SEQ, [5, 1, 3, 3], [11, 1]])
def test_cached_equals_uncached(variant, steps):
    model, batch = our_llama(variant), inputs(2, SEQ)
    mask = batch["attention_mask"]
    whole = model(batch["input_ids"], attention_mask=mask, position_ids=positions(mask))
    cache, parts, start = None, [], 0
    for step in steps:
        end = start + step
        output = model(
            batch["input_ids"][:, start:end],
            attention_mask=mask[:, :end],
            position_ids=positions(mask)[:, start:end],
            past_key_values=cache,
        )
        cache, start = output.past_key_values, end
        parts.append(output.logits)
        assert cache.get_seq_length() == end
    logits = numpy.concatenate(parts, axis=1)
    assert_close(logits[mask == 1], whole.logits[mask == 1], OWN_TOLERANCE)


def test_positions_count_on_from_the_cache(model, ids):
    whole = model(ids).logits
    first = model(ids[:, :7])
    second = model(ids[:, 7:], past_key_values=first.past_key_values)
    assert_close(second.logits, whole[:, 7:], OWN_TOLERANCE)
    assert second.past_key_values is first.past_key_values


def test_embeddings_in_place_of_ids(model, ids):
    vectors = model.model.embed_tokens(ids)
    numpy.testing.assert_array_equal(model(inputs_embeds=vectors).logits, model(ids).logits)


def test_logits_to_keep(model, ids):
    logits = model(ids).logits
    for count in (1, 5, SEQ, SEQ + 9):
        kept = model(ids, logits_to_keep=count).logits
        assert_close(kept, logits[:, -count:], OWN_TOLERANCE)


def test_later_tokens_change_nothing(model, ids):
    changed = ids.copy()
    changed[:, 8:] = 5
    assert_close(model(changed).logits[:, :8], model(ids).logits[:, :8], OWN_TOLERANCE)
    assert relative_error(model(changed).logits[:, 8:], model(ids).logits[:, 8:]) > 0.01


def test_inputs_are_left_alone(model):
    batch = inputs(2, SEQ)
    before = {name: array.copy() for name, array in batch.items()}
    model(**batch)
    for name, array in batch.items():
        numpy.testing.assert_array_equal(array, before[name])


# ---- what comes out ------------------------------------------------------------------------------


def test_loss_is_the_mean_over_next_tokens(model):
    batch = inputs(2, SEQ)
    output = model(**batch)
    logits, labels = output.logits.astype("float64"), batch["labels"]
    wide = numpy.exp(logits)
    share = wide / wide.sum(-1, keepdims=True)
    picked = [
        share[row, place - 1, labels[row, place]]
        for row, place in zip(*numpy.nonzero(labels != -100), strict=True)
        if place
    ]
    assert float(output.loss) == pytest.approx(-numpy.log(picked).mean(), rel=1e-5)
    assert output.loss.dtype == float32
    assert output[0] is output.loss


def test_hidden_states_and_attentions(model, ids):
    output = model(ids, output_hidden_states=True, output_attentions=True)
    assert len(output.hidden_states) == LAYERS + 1
    assert {x.shape for x in output.hidden_states} == {(2, SEQ, HIDDEN)}
    numpy.testing.assert_array_equal(output.hidden_states[0], model.model.embed_tokens(ids))
    numpy.testing.assert_array_equal(model.lm_head(output.hidden_states[-1]), output.logits)
    assert len(output.attentions) == LAYERS
    for weights in output.attentions:
        assert weights.shape == (2, HEADS, SEQ, SEQ)
        numpy.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)
        assert not numpy.triu(weights, 1).any()


def test_attentions_with_a_cache_reach_back(model, ids):
    cache = model(ids[:, :7]).past_key_values
    output = model(ids[:, 7:], past_key_values=cache, output_attentions=True)
    assert output.attentions[0].shape == (2, HEADS, SEQ - 7, SEQ)


def test_what_was_not_asked_for_is_not_there(model, ids):
    assert list(model(ids)) == ["logits", "past_key_values"]
    assert list(model(ids, use_cache=False)) == ["logits"]
    assert list(model(ids, labels=ids, use_cache=False)) == ["loss", "logits"]
    assert list(model.model(ids)) == ["last_hidden_state", "past_key_values"]


def test_the_config_may_ask(ids):
    model = our_llama(output_hidden_states=True, output_attentions=True, use_cache=False)
    assert list(model(ids)) == ["logits", "hidden_states", "attentions"]
    assert list(model(ids, output_attentions=False, use_cache=True)) == [
        "logits",
        "past_key_values",
        "hidden_states",
    ]


def test_plain_tuples(model, ids):
    logits, cache = model(ids, return_dict=False)
    numpy.testing.assert_array_equal(logits, model(ids).logits)
    assert isinstance(cache, DynamicCache)
    loss, _, _, hidden_states = model(ids, labels=ids, return_dict=False, output_hidden_states=True)
    assert loss.shape == ()
    assert len(hidden_states) == LAYERS + 1
    assert isinstance(our_llama(return_dict=False)(ids), tuple)
    assert isinstance(model.model(ids, return_dict=False), tuple)


def test_the_base_model_is_the_one_inside(model, ids):
    base = our_llama("gqa", model_class=LlamaModel)
    for name in base.state_dict():
        base.set_parameter(name, model.get_parameter(f"model.{name}"))
    output = base(ids, output_hidden_states=True)
    theirs = model(ids, output_hidden_states=True)
    numpy.testing.assert_array_equal(output.last_hidden_state, theirs.hidden_states[-1])


@every_variant
def test_every_stage_computes_in_float32(variant):
    model, seen = our_llama(variant), set()

    def note(module, args, output):
        arrays = [x for x in (*args, output) if isinstance(x, numpy.ndarray)]
        seen.update(x.dtype for x in arrays if x.dtype.kind == "f")
        if isinstance(output, tuple):
            seen.update(x.dtype for x in output)

    for module in model.modules():
        module.register_forward_hook(note)
    output = model(**inputs(2, 20), output_attentions=True)
    assert seen == {float32}
    assert {x.dtype for x in (output.loss, output.logits, *output.attentions)} == {float32}
    assert {x.dtype for layer in output.past_key_values for x in layer} == {float32}


@every_variant
@pytest.mark.parametrize("half", [float16, bfloat16])
def test_half_weights_compute_as_if_widened(variant, half):
    """On the CPU the stored type rounds weights, and nothing else."""
    narrow, wide = our_llama(variant), our_llama(variant)
    for name, array in narrow.state_dict().items():
        narrow.set_parameter(name, array.astype(half))
        wide.set_parameter(name, array.astype(half).astype(float32))
    narrow.tie_weights()
    batch = inputs(2, 20)
    ours, theirs = (
        m(**batch, output_hidden_states=True, output_attentions=True) for m in (narrow, wide)
    )
    assert narrow.dtype == half
    assert ours.logits.dtype == float32
    for a, b in zip(
        (ours.logits, ours.loss, *ours.hidden_states, *ours.attentions),
        (theirs.logits, theirs.loss, *theirs.hidden_states, *theirs.attentions),
        strict=True,
    ):
        assert_close(a, b, 1e-6)


# ---- hooks ---------------------------------------------------------------------------------------


def test_hooks_see_every_stage_and_change_nothing(model, ids):
    plain, seen, removers = model(ids).logits, [], []
    for path, module in model.named_modules():
        hook = lambda module, args, output, path=path: seen.append(path)  # noqa: E731
        removers.append(module.register_forward_hook(hook))
    numpy.testing.assert_array_equal(model(ids).logits, plain)
    assert seen[:2] == ["model.embed_tokens", "model.rotary_emb"]
    assert seen[-3:] == ["model", "lm_head", ""]
    assert seen.count("model.layers.1.mlp.down_proj") == 1
    never_called = {"model.layers"}  # a list is no stage, in torch neither
    assert {path for path, _ in model.named_modules()} - set(seen) == never_called
    for remove in removers:
        remove()
    seen.clear()
    model(ids)
    assert seen == []


# ---- steps of generate ---------------------------------------------------------------------------


def test_prepare_inputs_for_generation(model):
    mask = numpy.array([[0, 0, 1, 1, 1], [1, 1, 1, 1, 1]])
    ids = numpy.arange(10).reshape(2, 5)
    first = model.prepare_inputs_for_generation(ids, attention_mask=mask)
    assert first["input_ids"].tolist() == ids.tolist()
    assert first["position_ids"].tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 3, 4]]
    cache = model(ids[:, :4], attention_mask=mask[:, :4]).past_key_values
    next_one = model.prepare_inputs_for_generation(ids, cache, attention_mask=mask)
    assert next_one["input_ids"].tolist() == [[4], [9]]
    assert next_one["position_ids"].tolist() == [[2], [4]]
    assert next_one["attention_mask"] is mask
    assert next_one["past_key_values"] is cache


# ---- wrong input ---------------------------------------------------------------------------------


def test_ids_or_embeddings_not_both(model, ids):
    with pytest.raises(ArgumentError, match="give either input_ids or inputs_embeds"):
        model(ids, inputs_embeds=model.model.embed_tokens(ids))
    with pytest.raises(ArgumentError, match="give either input_ids or inputs_embeds"):
        model()


@pytest.mark.parametrize("shape", [(2, SEQ - 1), (1, SEQ), (2, SEQ, 1), (2,)])
def test_a_mask_of_another_shape(model, ids, shape):
    with pytest.raises(
        ArgumentError, match=r"attention_mask: .*cached \+ new tokens\) = \(2, 12\)"
    ):
        model(ids, attention_mask=numpy.ones(shape))


def test_a_mask_that_forgets_the_cache(model, ids):
    cache = model(ids[:, :7]).past_key_values
    with pytest.raises(ArgumentError, match=r"wanted .* = \(2, 12\), got \(2, 5\)"):
        model(ids[:, 7:], past_key_values=cache, attention_mask=numpy.ones((2, 5)))


def test_ids_of_another_tokenizer(model):
    with pytest.raises(
        ArgumentError, match=r"wanted 0 to 95, got \[5, 96\].*tokenizer that belongs"
    ):
        model(numpy.array([[5, 96]]))


def test_a_model_without_weights_says_so():
    model = LlamaForCausalLM(LlamaConfig(**SIZES))
    with pytest.raises(TinyHFError, match=r"has no values yet.*from_pretrained.*init_weights"):
        model(numpy.array([[1]]))


# ---- made from a config --------------------------------------------------------------------------


def test_random_weights_are_repeatable():
    config = LlamaConfig(**SIZES)
    one, same = (AutoModelForCausalLM.from_config(config, seed=5) for _ in range(2))
    other = LlamaForCausalLM(config).init_weights(seed=6)
    for name, array in one.state_dict().items():
        numpy.testing.assert_array_equal(array, same.get_parameter(name))
    assert abs(one.lm_head.weight - other.lm_head.weight).max() > 0
    assert one.lm_head.weight.std() == pytest.approx(0.02, rel=0.1)
    assert not one.model.embed_tokens.weight[SIZES["pad_token_id"]].any()


def test_auto_classes():
    config = LlamaConfig(**SIZES)
    assert type(AutoModel.from_config(config)) is LlamaModel
    assert type(AutoModelForCausalLM.from_config(config)) is LlamaForCausalLM
    assert AutoModelForCausalLM.from_config(config).can_generate()
    assert not AutoModel.from_config(config).can_generate()
    with pytest.raises(ArgumentError, match=r"AutoModel is made with AutoModel\.from_pretrained"):
        AutoModel()
    with pytest.raises(ConfigError, match=r"AutoModel has no class for .* LlamaModel"):
        AutoModel.from_config(type("OtherConfig", (), {})())


def test_tied_weights_are_one_array():
    tied, own = our_llama("tied"), our_llama("tied", tie_word_embeddings=False)
    assert tied.lm_head.weight is tied.model.embed_tokens.weight
    assert own.num_parameters() - tied.num_parameters() == 96 * 32
    assert len(tied.state_dict()) == len(own.state_dict())
    names = [name for name, _ in tied.named_parameters()]
    assert names == [name for name in own.state_dict() if name != "lm_head.weight"]
