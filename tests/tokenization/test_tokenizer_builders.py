"""Tokenizers built from vocabulary files, where there is no tokenizer.json."""

import json

import pytest
import sentencepiece_for_tests as small
from tokenizers_for_tests import byte_level_json, write_config

from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.tokenization import (
    AutoTokenizer,
    BartTokenizer,
    BertTokenizer,
    DistilBertTokenizer,
    GPT2Tokenizer,
    LlamaTokenizer,
    Qwen2Tokenizer,
    RobertaTokenizer,
    T5Tokenizer,
)

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] hello world ##ly 你 Hello h\u00e9llo !"


@pytest.fixture
def bert(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(WORDS.split()) + "\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def gpt2(tmp_path):
    """The small byte-level tokenizer of these tests as vocab.json and merges.txt."""
    model = json.loads(byte_level_json())["model"]
    vocab = {**model["vocab"], "<mask>": 350, "<unk>": 351, "<|endoftext|>": 352}
    (tmp_path / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    merges = "\n".join(["#version: 0.2", *map(" ".join, model["merges"])])
    (tmp_path / "merges.txt").write_text(merges + "\n", encoding="utf-8")
    return tmp_path


def test_bert(bert):
    tokenizer = AutoTokenizer.from_pretrained(bert)
    assert type(tokenizer) is BertTokenizer
    assert tokenizer.class_reason == "there is a vocab.txt and no tokenizer.json"
    assert tokenizer.tokenize("Héllo worldly 你你!") == ["hello", "world", "##ly", "你", "你", "!"]
    pair = tokenizer("hello", "world")
    assert pair.data == {
        "input_ids": [2, 5, 3, 6, 3],
        "token_type_ids": [0, 0, 0, 1, 1],
        "attention_mask": [1] * 5,
    }
    assert tokenizer.decode(pair["input_ids"]) == "[CLS] hello [SEP] world [SEP]"
    assert tokenizer.encode("a [MASK]")[1:-1] == [1, 4]
    assert "token_type_ids" not in DistilBertTokenizer.from_pretrained(bert)("hello")


@pytest.mark.parametrize(
    ("settings", "tokens"),
    [
        ({}, ["hello", "你", "[UNK]"]),
        ({"do_lower_case": False}, ["[UNK]", "你", "[UNK]"]),
        ({"strip_accents": False}, ["héllo", "你", "[UNK]"]),
        ({"do_lower_case": False, "strip_accents": True}, ["Hello", "你", "[UNK]"]),
        ({"tokenize_chinese_chars": False}, ["hello", "[UNK]"]),
    ],
)
def test_bert_options(bert, settings, tokens):
    """Given in the file or by the caller, with vocab.txt or with tokenizer.json: all the same."""
    text = "Héllo 你x"
    assert BertTokenizer.from_pretrained(bert, **settings).tokenize(text) == tokens
    (bert / "tokenizer_config.json").write_text(json.dumps(settings))
    tokenizer = BertTokenizer.from_pretrained(bert)
    assert tokenizer.tokenize(text) == tokens
    tokenizer.save_pretrained(bert)
    (bert / "vocab.txt").unlink()
    assert AutoTokenizer.from_pretrained(bert).tokenize(text) == tokens
    default = BertTokenizer.from_pretrained(bert, do_lower_case=True, strip_accents=None)
    assert default.tokenize("Héllo") == ["hello"]


def test_gpt2(gpt2):
    tokenizer = AutoTokenizer.from_pretrained(gpt2)
    assert type(tokenizer) is GPT2Tokenizer
    assert tokenizer.tokenize("the fox") == ["the", "Ġfox"]
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id) == (352, 352)
    assert tokenizer("a", "b", return_token_type_ids=True)["token_type_ids"] == [0, 1]
    assert tokenizer("the fox", return_offsets_mapping=True)["offset_mapping"] == [(0, 3), (3, 7)]
    with_space = GPT2Tokenizer.from_pretrained(gpt2, add_prefix_space=True)
    assert with_space.tokenize("fox")[0].startswith("Ġ")
    assert with_space.add_prefix_space


def test_qwen2(gpt2):
    (gpt2 / "config.json").write_text(json.dumps({"model_type": "qwen3"}))
    tokenizer = AutoTokenizer.from_pretrained(gpt2)
    assert type(tokenizer) is Qwen2Tokenizer
    assert (tokenizer.bos_token, tokenizer.pad_token) == (None, "<|endoftext|>")
    digits = tokenizer.convert_tokens_to_ids(["1", "2"])
    assert tokenizer.encode("12") == digits
    assert tokenizer.encode("e\u0301") == tokenizer.encode("é")


def test_only_plain_model_types_are_guessed_by_their_files(gpt2):
    (gpt2 / "config.json").write_text('{"model_type": "gpt_bigcode"}')
    assert "merges.txt" in AutoTokenizer.from_pretrained(gpt2).class_reason
    (gpt2 / "config.json").write_text('{"model_type": "elvish"}')
    with pytest.raises(TokenizerError, match=r"wanted tokenizer\.json, got"):
        AutoTokenizer.from_pretrained(gpt2)


@pytest.mark.parametrize("name", ["roberta", "bart"])
def test_roberta(gpt2, name):
    (gpt2 / "config.json").write_text(json.dumps({"model_type": name}))
    tokenizer = AutoTokenizer.from_pretrained(gpt2)
    assert type(tokenizer) is RobertaTokenizer is BartTokenizer
    fox = tokenizer("the fox", return_offsets_mapping=True)
    assert fox.tokens() == ["<s>", "the", "Ġfox", "</s>"]
    assert fox["offset_mapping"] == [(0, 0), (0, 3), (4, 7), (0, 0)]  # spaces are left out
    pair = tokenizer("the", "the").tokens()
    assert pair == ["<s>", "the", "</s>", "</s>", "the", "</s>"]
    # <mask> takes the space before it along, so that nothing but the word is missing.
    ids = tokenizer.encode("the <mask> fox")
    assert ids == [fox["input_ids"][0], fox["input_ids"][1], 350, *fox["input_ids"][2:]]


def test_llama(tmp_path):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(small.bpe("he", "hell", "▁hell", "ll", "▁w", "ld"))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    assert type(tokenizer) is LlamaTokenizer
    tokens = ["<s>", "▁hell", "o", "▁", "▁w", "<0xC3>", "<0xA9>"]
    assert tokenizer("hello  wé").tokens() == tokens
    ids = tokenizer.encode("hello  wé</s>")
    assert ids[-1] == tokenizer.eos_token_id == 2
    assert tokenizer.decode(ids) == "<s> hello  wé</s>"
    assert tokenizer.decode(ids, skip_special_tokens=True) == "hello  wé"
    assert tokenizer("ab", "ab")["input_ids"].count(1) == 2
    assert tokenizer.special_tokens_map["unk_token"] == "<unk>"
    tokenizer.save_pretrained(tmp_path / "saved")
    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert type(again) is LlamaTokenizer
    assert again.encode("hello  wé</s>") == ids


def test_pieces_of_higher_score_are_joined_first(tmp_path):
    for merged, tokens in ((("ab", "bc"), ["▁", "ab", "c"]), (("bc", "ab"), ["▁", "a", "bc"])):
        (tmp_path / "tokenizer.model").write_bytes(small.bpe(*merged))
        assert LlamaTokenizer.from_pretrained(tmp_path).tokenize("abc") == tokens


def test_t5(tmp_path):
    normalizer = {2: small.charsmap("x", "ks")}
    (tmp_path / "spiece.model").write_bytes(small.unigram("▁hello", "ks", normalizer=normalizer))
    tokenizer = AutoTokenizer.from_pretrained(tmp_path, extra_ids=3)
    assert type(tokenizer) is T5Tokenizer
    assert tokenizer("  hello   ax ").tokens() == ["▁hello", "▁", "a", "ks", "</s>"]
    assert tokenizer("hello", "hello")["input_ids"] == [3, 2, 3, 2]
    blanks = ["<extra_id_0>", "<extra_id_1>", "<extra_id_2>"]
    assert tokenizer.extra_special_tokens == blanks
    size = len(tokenizer)
    assert tokenizer.extra_special_tokens_ids == [size - 1, size - 2, size - 3]
    ids = tokenizer.encode("a<extra_id_1>hello")
    assert ids[2:] == [size - 2, 3, 2]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "a hello"
    tokenizer.save_pretrained(tmp_path / "saved")
    again = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again.encode("ax <extra_id_1>") == tokenizer.encode("ax <extra_id_1>")
    assert again.extra_special_tokens == blanks


def test_words_of_a_unigram_tokenizer(tmp_path):
    (tmp_path / "spiece.model").write_bytes(small.unigram("▁hello"))
    encoding = T5Tokenizer.from_pretrained(tmp_path)("hello ab", return_offsets_mapping=True)
    assert encoding.word_ids() == [0, 1, 1, 1, None]
    assert encoding["offset_mapping"][0] == (0, 5)


def test_user_defined_pieces_stay_whole(tmp_path):
    pieces = [*small.SPECIAL, ("a<n>b", 0.0, small.USER_DEFINED), ("▁", -1.0, 1), ("c", -1.0, 1)]
    (tmp_path / "tokenizer.model").write_bytes(small.model_file(pieces))
    tokenizer = LlamaTokenizer.from_pretrained(tmp_path)
    assert tokenizer.tokenize("ca<n>bc")[2] == "a<n>b"
    assert tokenizer.all_special_tokens == ["<s>", "</s>", "<unk>"]


def test_switches(tmp_path):
    (tmp_path / "tokenizer.model").write_bytes(small.bpe())
    a = LlamaTokenizer.from_pretrained(tmp_path).encode("a")[-1]
    space = LlamaTokenizer.from_pretrained(tmp_path).convert_tokens_to_ids("▁")

    def check(tokenizer):
        assert tokenizer.encode("a") == [1, space, a]
        tokenizer.add_eos_token = True
        assert tokenizer.encode("a") == [1, space, a, 2]
        assert tokenizer("a", "a")["input_ids"] == [1, space, a, 2, 1, space, a, 2]
        tokenizer.add_bos_token = False
        assert (tokenizer.add_bos_token, tokenizer.add_eos_token) == (False, True)
        tokenizer.add_prefix_space = False
        assert tokenizer.encode("a") == [a, 2]
        assert tokenizer.decode(tokenizer.encode(" a")) == " a</s>"

    check(LlamaTokenizer.from_pretrained(tmp_path))
    LlamaTokenizer.from_pretrained(tmp_path).save_pretrained(tmp_path)
    check(LlamaTokenizer.from_pretrained(tmp_path))  # from tokenizer.json now
    asked = LlamaTokenizer.from_pretrained(tmp_path, add_bos_token=False, add_eos_token=True)
    assert asked.encode("a") == [space, a, 2]
    # A call's padding does not mislead it.
    asked.pad_token = "<unk>"
    asked("a", padding="max_length", max_length=9, padding_side="right")
    assert (asked.add_bos_token, asked.add_eos_token) == (False, True)
    # What tokenizer_config.json says is older than the tokenizer.json beside it.
    write_config(tmp_path, add_bos_token=False)
    assert LlamaTokenizer.from_pretrained(tmp_path).encode("a") == [1, space, a]
    (tmp_path / "tokenizer.json").unlink()
    assert LlamaTokenizer.from_pretrained(tmp_path).encode("a") == [space, a]


def test_a_switch_without_effect(bert, notes):
    BertTokenizer.from_pretrained(bert, add_prefix_space=True)
    assert "add_prefix_space=True has no effect" in notes[0]


def write(name, content):
    return lambda folder: (folder / name).write_text(content, encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda f: (f / "merges.txt").unlink(), "wanted tokenizer.json, or merges.txt as well"),
        (write("vocab.json", "[1]"), "the file holds no dictionary"),
        (write("vocab.json", "{"), "this is not JSON"),
        (write("vocab.json", '{"a": 0, "b": 2}'), "wanted the ids 0 to 1, got 'a gap or a second"),
        (write("vocab.json", '{"a": 0, "b": 0}'), "second one at 1"),
        (write("vocab.json", '{"a": 0, "b": "1"}'), "count up from 0"),
        (write("merges.txt", "#version: 0.2\na b\nabc\n"), "line 3: a merge is two pieces"),
        (write("merges.txt", "zz yy\n"), "merges.txt: does not fit"),
    ],
)
def test_damaged_byte_level_files(gpt2, damage, sentence):
    damage(gpt2)
    with pytest.raises(TokenizerError) as caught:
        GPT2Tokenizer.from_pretrained(gpt2)
    assert sentence in str(caught.value)


def test_other_refusals(bert, tmp_path):
    with pytest.raises(TokenizerError, match="lacks a special token"):
        BertTokenizer.from_pretrained(bert, cls_token="[BEGIN]")
    (bert / "vocab.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(TokenizerError, match=r"vocab\.txt: this is no UTF-8 text"):
        BertTokenizer.from_pretrained(bert)
    (bert / "tokenizer_config.json").write_text('{"tokenizer_class": "ElvishTokenizer"}')
    with pytest.raises(TokenizerError, match=r"build a PreTrainedTokenizerFast.*'vocab\.txt'"):
        AutoTokenizer.from_pretrained(bert)
    for trainer, sentence in (({3: 4}, "got 4"), ({24: 1}, "spaces at their end")):
        (tmp_path / "tokenizer.model").write_bytes(small.model_file(small.SPECIAL, trainer))
        with pytest.raises(TokenizerError, match=sentence):
            LlamaTokenizer.from_pretrained(tmp_path)


def test_labels(gpt2):
    tokenizer = RobertaTokenizer.from_pretrained(gpt2)
    rows = tokenizer(["the", "the fox"], text_target=["fox", "the fox fox"], padding=True)
    assert list(rows) == ["input_ids", "attention_mask", "labels"]
    assert rows["labels"] == tokenizer(["fox", "the fox fox"], padding=True)["input_ids"]
    one = tokenizer("the", text_target="fox", truncation=True, max_length=3)
    assert one["labels"] == tokenizer("fox", truncation=True, max_length=3)["input_ids"]
    assert tokenizer(text_target="fox").data == tokenizer("fox").data
    assert tokenizer("a", text_target="b", return_tensors="np")["labels"].shape == (1, 3)
    with pytest.raises(ArgumentError, match="text_target: each text needs its partner"):
        tokenizer(["the", "fox"], text_target=["the"])
