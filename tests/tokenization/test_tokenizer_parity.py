"""The same calls on transformers' own tokenizers: equal dictionaries, key order included."""

import itertools
import json

import numpy as np
import pytest
from tokenizers_for_tests import real_folder, real_tokenizer, write_config

from tinyhf.tokenization import AutoTokenizer

pytestmark = pytest.mark.parity

NAMES = [
    "tokenizers/gpt2",
    "tokenizers/bert-base-uncased",
    "tokenizers/llama-2-7b-chat-hf",
    "tokenizers/llama-3.1-8b-instruct",
    "tokenizers/starcoder",
    "tokenizers/t5",
    "models/stories260K",
]
# Without leading spaces or newlines: there transformers 5.23 rebuilds Llama's tokenizer and differs
# from its tokenizer.json (see ../shared/data/README.md).
TEXTS = [
    "Hello world!",
    "The quick brown fox jumps over 13 lazy dogs, don't they?",
    "naïve café — 你好 🙂",
    "x",
]
PAIRS = ["Short.", "And a second, somewhat longer text to go with it.", "two", "z y"]
CONVERSATION = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi there "},
    {"role": "assistant", "content": " Hello! "},
]


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def theirs_for(folder, **options):
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(folder, **options)


@pytest.fixture(scope="module", params=NAMES)
def both(request):
    """Ours and theirs, with a pad token set where there was none."""
    ours, theirs = real_tokenizer(request.param), theirs_for(real_folder(request.param))
    for tokenizer in (ours, theirs):
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token or tokenizer.convert_ids_to_tokens(0)
    return ours, theirs


def same(ours, theirs):
    assert list(ours) == list(theirs)
    for key in ours:
        is_array = isinstance(ours[key], np.ndarray)
        equal = np.array_equal if is_array else lambda a, b: a == b
        assert equal(ours[key], theirs[key]), key
        assert type(ours[key]) is type(theirs[key]), key
    return True


def calls():
    """Options of ``__call__``: padding × side, truncation × side, overflow, further columns."""
    yield {}
    for padding, side, tensors in itertools.product(
        (True, "max_length", "longest"), ("left", "right"), (None, "np")
    ):
        yield {
            "padding": padding,
            "padding_side": side,
            "return_tensors": tensors,
            "max_length": 30,
            "truncation": True,
        }
    yield {"padding": True, "pad_to_multiple_of": 8, "return_tensors": "np"}
    yield {"max_length": 5}
    yield {"max_length": 1, "add_special_tokens": False}
    yield {"truncation": "longest_first", "max_length": 6, "add_special_tokens": False}
    yield {
        "truncation": True,
        "max_length": 9,
        "stride": 2,
        "return_overflowing_tokens": True,
        "return_offsets_mapping": True,
        "return_length": True,
    }
    yield {"return_special_tokens_mask": True, "return_token_type_ids": True}
    yield {"return_attention_mask": False, "return_offsets_mapping": True}


@pytest.mark.parametrize("options", list(calls()), ids=str)
def test_one_text_and_many(both, options):
    ours, theirs = both
    assert same(ours(TEXTS, **options), theirs(TEXTS, **options))
    for text in TEXTS:
        assert same(ours(text, **options), theirs(text, **options))


@pytest.mark.parametrize("truncation", [False, "only_first", "only_second", "longest_first"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_pairs(both, truncation, side):
    ours, theirs = both
    ours.truncation_side = theirs.truncation_side = side
    first, second = [TEXTS[1] * 2] * 4, [pair + PAIRS[1] for pair in PAIRS]
    shortest = min(map(len, ours(first, second)["input_ids"]))
    options = {"truncation": truncation, "max_length": shortest - 3 if truncation else None}
    extra = {"return_special_tokens_mask": True, "return_token_type_ids": True}
    assert same(ours(first, second, **options, **extra), theirs(first, second, **options, **extra))
    assert same(ours(first[0], second[0], **options), theirs(first[0], second[0], **options))
    ours.truncation_side = theirs.truncation_side = "right"


def test_words(both):
    ours, theirs = both
    words = [["Hello", "world", "!"], ["a", "b"]]
    options = {"is_split_into_words": True}
    mine, other = ours(words, **options), theirs(words, **options)
    assert same(mine, other)
    assert mine.word_ids(0) == other.word_ids(0)
    assert mine.tokens(1) == other.tokens(1)
    assert same(ours(words[0], **options), theirs(words[0], **options))


def test_the_way_back(both):
    ours, theirs = both
    text, pair = TEXTS[1], PAIRS[1]
    mine, other = ours(text, pair), theirs(text, pair)
    assert mine.tokens() == other.tokens()
    assert mine.sequence_ids() == other.sequence_ids()
    assert mine.n_sequences == other.n_sequences
    for index in range(len(mine["input_ids"])):
        assert mine.token_to_chars(index) == other.token_to_chars(index)
        assert mine.token_to_word(0, index) == other.token_to_word(0, index)
    for index in range(len(text)):
        assert mine.char_to_token(index) == other.char_to_token(index)
        assert mine.char_to_word(0, index) == other.char_to_word(0, index)
    assert mine.word_to_tokens(1) == other.word_to_tokens(1)
    assert mine.word_to_chars(0) == other.word_to_chars(0)


def test_decoding(both):
    ours, theirs = both
    ids = theirs(TEXTS)["input_ids"]
    for skip in (False, True):
        assert ours.decode(ids, skip_special_tokens=skip) == theirs.decode(
            ids, skip_special_tokens=skip
        )
        assert ours.batch_decode(ids, skip_special_tokens=skip) == theirs.batch_decode(
            ids, skip_special_tokens=skip
        )
        assert ours.convert_ids_to_tokens(ids[0], skip) == theirs.convert_ids_to_tokens(
            ids[0], skip
        )
    assert ours.decode(5) == theirs.decode(5)
    tokens = ours.tokenize(TEXTS[1])
    assert tokens == theirs.tokenize(TEXTS[1])
    assert ours.convert_tokens_to_string(tokens) == theirs.convert_tokens_to_string(tokens)
    assert ours.convert_tokens_to_ids([*tokens, "no such token"]) == theirs.convert_tokens_to_ids(
        [*tokens, "no such token"]
    )


def test_padding_of_ids(both):
    ours, theirs = both
    rows = [{"input_ids": theirs(text)["input_ids"], "labels": 1} for text in TEXTS]
    for options in ({}, {"padding_side": "left"}, {"pad_to_multiple_of": 8}, {"padding": False}):
        assert same(ours.pad(rows, **options), theirs.pad(rows, **options))
    assert same(ours.pad(rows, return_tensors="np"), theirs.pad(rows, return_tensors="np"))
    single = {"input_ids": [1, 2, 3]}
    options = {"padding": "max_length", "max_length": 5}
    assert same(ours.pad(dict(single), **options), theirs.pad(dict(single), **options))


def test_attributes(both):
    ours, theirs = both
    for name in (
        "special_tokens_map",
        "all_special_tokens",
        "all_special_ids",
        "extra_special_tokens",
        "model_max_length",
        "padding_side",
        "truncation_side",
        "clean_up_tokenization_spaces",
        "model_input_names",
        "vocab_size",
        "added_tokens_encoder",
        "pad_token_id",
        "bos_token_id",
        "eos_token_id",
        "unk_token_id",
        "is_fast",
    ):
        assert getattr(ours, name) == getattr(theirs, name), name
    assert len(ours) == len(theirs)
    assert ours.get_vocab() == theirs.get_vocab()
    for pair in (False, True):
        assert ours.num_special_tokens_to_add(pair) == theirs.num_special_tokens_to_add(pair)


@pytest.mark.parametrize("name", NAMES)
def test_saved_by_us_read_by_transformers(name, tmp_path):
    ours = real_tokenizer(name)
    ours.save_pretrained(tmp_path)
    theirs = theirs_for(tmp_path)
    assert ours(TEXTS).data == theirs(TEXTS).data
    assert ours.special_tokens_map == theirs.special_tokens_map
    assert ours.all_special_tokens == theirs.all_special_tokens
    assert ours.chat_template == theirs.chat_template
    assert ours.padding_side == theirs.padding_side


@pytest.mark.parametrize("name", NAMES)
def test_saved_by_transformers_read_by_us(name, tmp_path):
    theirs = theirs_for(real_folder(name))
    theirs.add_special_tokens({"pad_token": "[MY PAD]", "extra_special_tokens": ["<new>"]})
    theirs.save_pretrained(tmp_path)
    ours = AutoTokenizer.from_pretrained(tmp_path)
    texts = [*TEXTS, "a <new> day [MY PAD]"]
    assert ours(texts, padding=True).data == theirs(texts, padding=True).data
    assert ours.special_tokens_map == theirs.special_tokens_map
    assert ours.all_special_ids == theirs.all_special_ids
    assert ours.chat_template == theirs.chat_template
    assert len(ours) == len(theirs)


CHATS = {
    "prompt": {"add_generation_prompt": True},
    "plain": {},
    "continue": {"continue_final_message": True},
    "text": {"tokenize": False},
    "ids": {"return_dict": False},
    "arrays": {"return_tensors": "np"},
    "cut": {"truncation": True, "max_length": 7},
    "variables": {"date_string": "1 Jan 2000"},
}
TOOL = {
    "type": "function",
    "function": {"name": "now", "description": "the <time> & more", "parameters": {}},
}


@pytest.mark.parametrize("options", CHATS.values(), ids=CHATS)
def test_chat_of_llama_3(options):
    name = "tokenizers/llama-3.1-8b-instruct"
    ours, theirs = real_tokenizer(name), theirs_for(real_folder(name))
    mine = ours.apply_chat_template(CONVERSATION, **options)
    other = theirs.apply_chat_template(CONVERSATION, **options)
    assert same(mine, other) if hasattr(mine, "keys") else np.array_equal(mine, other)
    conversations = [CONVERSATION, CONVERSATION[1:]]
    if options.get("return_tensors") is None:
        mine = ours.apply_chat_template(conversations, **options)
        other = theirs.apply_chat_template(conversations, **options)
        assert mine == other


def test_tools_of_llama_3():
    name = "tokenizers/llama-3.1-8b-instruct"
    ours, theirs = real_tokenizer(name), theirs_for(real_folder(name))
    options = {"tools": [TOOL], "tokenize": False}
    assert ours.apply_chat_template(CONVERSATION, **options) == theirs.apply_chat_template(
        CONVERSATION, **options
    )


TEMPLATES = {
    "trim": "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</s>{% endfor %}",
    "generation": """{% for m in messages %}
    {% if m.role == "assistant" %}
        {% generation %}{{ m.content }}{{ eos_token }}{% endgeneration %}
    {% else %}{{ m.content }}{% continue %}{% endif %}
{% endfor %}""",
    "namespace": "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
    "{% endfor %}{{ ns.n }}{{ messages | tojson }}{{ dict(a=1) | tojson(indent=2) }}",
    "special": "{{ bos_token }}{{ pad_token }}{{ mask_token }}{{ tools }}{{ documents }}",
}


@pytest.mark.parametrize("source", TEMPLATES.values(), ids=TEMPLATES)
@pytest.mark.parametrize("ending", [{}, {"continue_final_message": True}], ids=["whole", "open"])
def test_templates(folder, source, ending):
    ours, theirs = AutoTokenizer.from_pretrained(folder), theirs_for(folder)
    options = {"chat_template": source, "tokenize": False, **ending}
    if ending and source not in (TEMPLATES["trim"], TEMPLATES["generation"]):
        pytest.skip("this template writes no open message")
    mine = ours.apply_chat_template(CONVERSATION, **options)
    assert mine == theirs.apply_chat_template(CONVERSATION, **options)


def test_files_beside_the_vocabulary(folder):
    """Legacy special_tokens_map.json, added_tokens.json and named chat templates."""
    write_config(folder, pad_token=None, eos_token=None, gmask_token="<gmask>")
    (folder / "special_tokens_map.json").write_text(
        json.dumps({"eos_token": {"content": "</s>"}, "additional_special_tokens": ["<a>", "<b>"]})
    )
    (folder / "added_tokens.json").write_text(json.dumps({"<c>": 401, "<d>": 400}))
    (folder / "chat_template.jinja").write_text("default")
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tool_use.jinja").write_text("tools")
    ours, theirs = AutoTokenizer.from_pretrained(folder), theirs_for(folder)
    assert ours.special_tokens_map == theirs.special_tokens_map
    assert ours.extra_special_tokens == theirs.extra_special_tokens
    assert ours.gmask_token_id == theirs.gmask_token_id
    assert ours.get_vocab() == theirs.get_vocab()
    assert ours.chat_template == theirs.chat_template
    text = "x<a><b><c><d><gmask>"
    assert ours(text).data == theirs(text).data
    assert ours.decode(ours.encode(text), True) == theirs.decode(theirs.encode(text), True)
    for tools in (None, [TOOL]):
        assert ours.get_chat_template(tools=tools) == theirs.get_chat_template(tools=tools)
