"""ChatGLM: numbers of the reference that are stored here, and what must hold for any weights."""

import json
import logging

import numpy
import pytest

from tests.tiny_chatglms import (
    GOLDEN,
    LOGITS_TOLERANCE,
    SIZES,
    our_chatglm,
    prompt,
    tokenizer_folder,
)
from tests.tiny_llamas import OWN_TOLERANCE, assert_close
from tinyhf import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    ChatGLMConfig,
    ChatGLMForConditionalGeneration,
    ChatGLMModel,
)
from tinyhf.backend import device_of, float32, to_device, to_host
from tinyhf.errors import ArgumentError, ConfigError, note_once
from tinyhf.models.chatglm_prompt import get_masks, get_position_ids
from tinyhf.nn import DynamicCache

EVERYTHING = {"output_hidden_states": True, "output_attentions": True}
PROMPTS = ("gmask", "gmask_with_suffix", "mask_in_middle_suffix", "pos1d_mask_in_middle")


@pytest.fixture(scope="module")
def expected():
    return dict(numpy.load(GOLDEN / "expected.npz"))


@pytest.fixture(scope="module")
def model():
    return our_chatglm()


# ---- the reference's numbers ---------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "auto", "float16"])
def test_logits_of_an_int4_checkpoint(expected, dtype):
    model = ChatGLMForConditionalGeneration.from_pretrained(GOLDEN, dtype=dtype)
    assert model.transformer.layers[0].mlp.dense_4h_to_h.weight.dtype == numpy.int8
    assert model.dtype == (float32 if dtype == "float32" else numpy.float16)
    logits = model(expected["gmask.input_ids"]).logits
    assert logits.dtype == float32
    assert abs(logits - expected["logits"]).max() <= LOGITS_TOLERANCE


def test_logits_of_the_same_weights_unpacked(expected):
    """The way without quantization, on the numbers that the packed bytes stand for."""
    packed = ChatGLMForConditionalGeneration.from_pretrained(GOLDEN)
    fields = {**packed.config.to_dict(), "quantization_bit": 0}
    model = ChatGLMForConditionalGeneration(ChatGLMConfig.from_dict(fields))
    weights = packed.state_dict()
    for name in model.state_dict():
        values = weights[name]
        if values.dtype == numpy.int8:
            pairs = numpy.stack((values >> 4, (values & 15 ^ 8) - 8), axis=-1)
            values = pairs.reshape(len(values), -1) * weights[f"{name}_scale"][:, None]
        model.set_parameter(name, values.astype(float32))
    logits = model(expected["gmask.input_ids"]).logits
    assert abs(logits - expected["logits"]).max() <= LOGITS_TOLERANCE


@pytest.mark.parametrize("name", PROMPTS)
def test_positions_and_masks_are_read_from_the_ids(expected, name):
    fields = {"position_encoding_2d": "pos1d" not in name}
    config = ChatGLMConfig.from_pretrained(GOLDEN, **fields)
    ids = expected[f"{name}.input_ids"]
    positions = get_position_ids(config, ids)
    numpy.testing.assert_array_equal(positions, expected[f"{name}.position_ids"])
    if fields["position_encoding_2d"]:
        mask = expected[f"{name}.attention_mask_bool_true_is_masked"]
        numpy.testing.assert_array_equal(get_masks(config, ids), mask)


def test_each_row_has_its_own_context(model):
    first, second = prompt(6)[0], prompt(6, seed=2)[0]
    second = numpy.array(
        [*second[:3], SIZES["gmask_token_id"], SIZES["bos_token_id"], *second[3:6]]
    )
    rows = numpy.stack((first, second))
    together = [find(model.config, rows) for find in (get_masks, get_position_ids)]
    for number, row in enumerate(rows):
        alone = [find(model.config, row[None]) for find in (get_masks, get_position_ids)]
        for one, both in zip(alone, together, strict=True):
            numpy.testing.assert_array_equal(one[0], both[number])


# ---- names, printing, files ----------------------------------------------------------------------


def test_names_are_those_of_the_published_checkpoint(shared_data):
    folder = shared_data / "configs" / "chatglm-6b"
    config = AutoConfig.from_pretrained(folder)
    index = (folder / "pytorch_model.bin.index.json").read_text(encoding="utf-8")
    weight_map = json.loads(index)["weight_map"]
    names = [name for name in weight_map if not name.endswith("inv_freq")]
    assert sorted(ChatGLMForConditionalGeneration(config).state_dict()) == names
    assert len(weight_map) == 368


def test_print():
    layer = """      (0-2): 3 x GLMBlock(
        (input_layernorm): LayerNorm((32,), eps=1e-05, elementwise_affine=True, bias=True)
        (attention): SelfAttention(
          (rotary_emb): RotaryEmbedding()
          (query_key_value): Linear(in_features=32, out_features=96, bias=True)
          (dense): Linear(in_features=32, out_features=32, bias=True)
        )
        (post_attention_layernorm): LayerNorm((32,), eps=1e-05, elementwise_affine=True, bias=True)
        (mlp): GLU(
          (dense_h_to_4h): Linear(in_features=32, out_features=48, bias=True)
          (dense_4h_to_h): Linear(in_features=48, out_features=32, bias=True)
        )
      )"""
    assert layer in repr(our_chatglm())
    quantized = repr(ChatGLMForConditionalGeneration.from_pretrained(GOLDEN))
    assert "(word_embeddings): QuantizedEmbedding(512, 64)" in quantized
    assert "QuantizedLinear(in_features=64, out_features=192, bias=True)" in quantized
    assert "(lm_head): QuantizedLinear(in_features=64, out_features=512, bias=False)" in quantized


@pytest.mark.parametrize("source", ["random", "int4"])
def test_saved_and_read_again(tmp_path, source):
    model = our_chatglm()
    if source == "int4":
        model = ChatGLMForConditionalGeneration.from_pretrained(GOLDEN, dtype="auto")
    model.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path, dtype="auto")
    assert type(again) is ChatGLMForConditionalGeneration
    for name, values in model.state_dict().items():
        numpy.testing.assert_array_equal(again.state_dict()[name], values)
        assert again.state_dict()[name].dtype == values.dtype


def test_another_head_in_the_file_gives_way_to_the_embedding(tmp_path):
    model = our_chatglm()
    model.is_always_tied, model.config.tie_word_embeddings = False, False
    model.lm_head.weight = model.lm_head.weight + 1
    model.save_pretrained(tmp_path)
    again = ChatGLMForConditionalGeneration.from_pretrained(tmp_path, tie_word_embeddings=True)
    assert again.lm_head.weight is again.transformer.word_embeddings.weight
    numpy.testing.assert_array_equal(again.lm_head.weight, model.transformer.word_embeddings.weight)


def test_the_base_model_reads_the_same_file(tmp_path, model):
    model.save_pretrained(tmp_path)
    base = ChatGLMModel.from_pretrained(tmp_path)
    ours, theirs = base(prompt(), **EVERYTHING), model(prompt(), **EVERYTHING)
    for one, other in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        numpy.testing.assert_array_equal(one, other)


def test_auto_classes(tmp_path, model):
    model.save_pretrained(tmp_path)
    for auto in (AutoModel, AutoModelForSeq2SeqLM):
        assert type(auto.from_pretrained(tmp_path)) is ChatGLMForConditionalGeneration
    with pytest.raises(ConfigError, match="AutoModelForCausalLM has no class for ChatGLMConfig"):
        AutoModelForCausalLM.from_pretrained(tmp_path)


def test_article_003(tmp_path, monkeypatch, caplog, capsys):
    """The snippet after changing the import; 3 layers, of which 2 are asked for."""
    folder = tmp_path / "THUDM" / "chatglm-6b"
    model = our_chatglm(vocab_size=512)
    ids = {"bos_token_id": 164, "eos_token_id": 165, "mask_token_id": 160, "gmask_token_id": 161}
    vars(model.config).update(ids)
    model.save_pretrained(folder)
    tokenizer_folder(folder)
    monkeypatch.chdir(tmp_path)
    note_once.cache_clear()

    tokenizer = AutoTokenizer.from_pretrained("THUDM/chatglm-6b", trust_remote_code=True)
    tokens = tokenizer("今天天气真好")
    print(tokens)

    config = AutoConfig.from_pretrained("THUDM/chatglm-6b", trust_remote_code=True)
    config.num_hidden_layers = 2

    with caplog.at_level(logging.WARNING):
        model = AutoModel.from_pretrained("THUDM/chatglm-6b", config=config, trust_remote_code=True)
    print(model)

    output = model(**tokenizer("今天天气真好", return_tensors="pt"))

    print(output)

    printed = capsys.readouterr().out
    assert "{'input_ids': [5, 71, 33, 33, 77, 479, 404, 407, 42, 161, 164]}" in printed
    assert "(0-1): 2 x GLMBlock(" in printed
    assert "logits: (1, 11, 512) float32" in printed
    assert "past_key_values: DynamicCache(2 layers, 11 tokens)" in printed
    assert "unexpected  transformer.layers.2.mlp.dense_4h_to_h.bias  (32,), not used" in caplog.text
    assert "the config has num_hidden_layers = 2, the checkpoint has 3" in caplog.text


# ---- what must hold for any weights --------------------------------------------------------------


@pytest.mark.parametrize("fields", [{}, {"position_encoding_2d": False}])
def test_cached_equals_uncached(fields):
    model, ids = our_chatglm(**fields), numpy.concatenate((prompt(), prompt(3)[:, :3]), axis=1)
    whole, cache = model(ids, **EVERYTHING), DynamicCache()
    positions = get_position_ids(model.config, ids)
    for start, end in ((0, 8), (8, 9), (9, 10), (10, 11)):
        part = model(
            ids[:, start:end], position_ids=positions[..., start:end], past_key_values=cache
        )
        assert_close(part.logits, whole.logits[:, start:end], OWN_TOLERANCE)
    for one, other in zip(cache, whole.past_key_values, strict=True):
        assert_close(one[0], other[0], OWN_TOLERANCE)


def test_everything_is_returned(model):
    output = model(prompt(), labels=prompt(), **EVERYTHING)
    assert [x.shape for x in output.hidden_states] == [(1, 8, 32)] * 4
    assert [x.shape for x in output.attentions] == [(1, 4, 8, 8)] * 3
    last = model.transformer.final_layernorm.weight
    assert abs(output.hidden_states[-1]).max() < abs(last).max() * 8  # the last is after the norm
    assert float(output.loss) > 0
    as_tuple = model(prompt(), return_dict=False, use_cache=False)
    assert isinstance(as_tuple, tuple)
    assert len(as_tuple) == 1


def test_vectors_instead_of_ids(model):
    ids = prompt()
    given = {
        "position_ids": get_position_ids(model.config, ids),
        "attention_mask": get_masks(model.config, ids),
    }
    vectors = model.transformer.word_embeddings(ids)
    numpy.testing.assert_array_equal(
        model(inputs_embeds=vectors, **given).logits, model(ids).logits
    )


def test_no_layer_leaves_float32(model):
    output = model(prompt(), **EVERYTHING)
    kept = [*output.hidden_states, *output.attentions, output.logits]
    assert {x.dtype for x in kept} == {float32}


def test_frequencies_are_rounded_to_float16(model):
    """As the reference does in every type; without it, far positions differ visibly."""
    rotary = model.transformer.layers[0].attention.rotary_emb
    assert rotary.inv_freq.dtype == numpy.float16
    cos, _ = rotary(numpy.zeros(1, float32), numpy.array([[1000]]))
    exact = numpy.float32(numpy.float16(10000 ** (-2 / 4)))
    assert cos[0, 0, 1] == numpy.cos(numpy.float32(1000) * exact)


@pytest.mark.parametrize("source", ["random", "int4"])
def test_strict_device(strict_library, source):
    model, ids = our_chatglm(), prompt()
    if source == "int4":
        model = ChatGLMForConditionalGeneration.from_pretrained(GOLDEN)
        ids = numpy.load(GOLDEN / "expected.npz")["gmask.input_ids"]
    expected, written = model(ids, **EVERYTHING), model.generate(ids, max_new_tokens=4)
    model.to("strict")
    assert {device_of(x) for x in model.parameters()} == {"strict:0"}
    output = model(to_device(ids, "strict"), **EVERYTHING)
    assert_close(to_host(output.logits), expected.logits, OWN_TOLERANCE)
    numpy.testing.assert_array_equal(model.generate(ids, max_new_tokens=4), written)


# ---- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["bos_token_id", "gmask_token_id"])
def test_a_prompt_without_its_special_tokens(model, token):
    ids = numpy.where(prompt() == SIZES[token], 7, prompt())
    sentence = "<sop>" if token == "bos_token_id" else r"\[gMASK\] or \[MASK\]"
    with pytest.raises(ArgumentError, match=f"a row has no {sentence}"):
        model(ids)


def test_a_mask_of_another_form(model):
    with pytest.raises(ArgumentError, match="attention_mask: is not a mask in ChatGLM's form"):
        model(prompt(), attention_mask=numpy.ones((1, 8), int))


def test_positions_of_another_form(model):
    with pytest.raises(ArgumentError, match=r"position_ids: .* \(wanted \(1, 2, 8\), got \(1, 8\)"):
        model(prompt(), position_ids=numpy.arange(8)[None])


def test_what_cannot_be_read_from_the_ids(model):
    with pytest.raises(ArgumentError, match="position_ids: must be given beside"):
        model(inputs_embeds=model.transformer.word_embeddings(prompt()))
    cache = model(prompt()).past_key_values
    with pytest.raises(ArgumentError, match="position_ids: must be given beside"):
        model(numpy.array([[7]]), past_key_values=cache)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"padded_vocab_size": 65024}, "this is ChatGLM2 or ChatGLM3"),
        ({"hidden_size": 24}, "'num_attention_heads': leaves heads of a size"),
        ({"hidden_size": 30}, "'num_attention_heads': does not divide"),
        ({"quantization_bit": 3}, "'quantization_bit': no such number of bits"),
        ({"pre_seq_len": 128}, "'pre_seq_len': p-tuning is not available"),
        ({"num_layers": 0}, "'num_layers': must be above zero"),
    ],
)
def test_impossible_configs(fields, sentence):
    with pytest.raises(ConfigError, match=sentence):
        ChatGLMConfig(**{**SIZES, **fields})


def test_both_releases(shared_data):
    new = AutoConfig.from_pretrained(shared_data / "configs" / "chatglm-6b")
    assert (new.vocab_size, new.bos_token_id, new.gmask_token_id) == (130528, 130004, 130001)
    old = AutoConfig.from_pretrained(shared_data / "configs" / "chatglm-6b-first-release")
    assert (old.vocab_size, old.bos_token_id, old.gmask_token_id) == (150528, 150004, 150001)
    assert old.num_hidden_layers == old.num_layers == 28
