"""Marian: two ways of cutting, one vocabulary."""

import json
import pickle

import pytest
import sentencepiece_for_tests as small

from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.tokenization import AutoTokenizer, MarianTokenizer


@pytest.fixture
def marian(tmp_path):
    return AutoTokenizer.from_pretrained(small.write_marian(tmp_path))


def test_both_languages(marian):
    assert type(marian) is MarianTokenizer
    assert (marian.source_lang, marian.target_lang, marian.model_max_length) == ("en", "qya", 512)
    assert marian("hello world")["input_ids"] == [2, 3, 0]
    assert marian(text_target="aiya ambar")["input_ids"] == [4, 5, 0]
    both = marian(["hello", "hello world"], text_target=["aiya", "aiya ambar"], padding=True)
    assert both["input_ids"] == [[2, 0, 10], [2, 3, 0]]
    assert both["attention_mask"] == [[1, 1, 0], [1, 1, 1]]
    assert both["labels"] == [[4, 0, 10], [4, 5, 0]]
    # "aiya" is no piece of the source language: it falls to letters, most of them unknown here.
    assert marian("aiya")["input_ids"] == [7, 8, 1, 1, 8, 0]


def test_unknown_pieces_and_special_tokens(marian):
    assert marian("only")["input_ids"] == [1, 0]  # a piece that vocab.json lacks
    assert marian("你好 hello")["input_ids"] == [7, 1, 2, 0]
    assert marian("hello</s>hello<pad>")["input_ids"] == [2, 0, 2, 10, 0]
    assert marian("<s>")["input_ids"][0] == 7  # a control piece of the file, but not of Marian
    assert marian.add_special_tokens({"extra_special_tokens": ["<new>"]}) == 1
    assert marian("hello<new>hello")["input_ids"] == [2, 11, 2, 0]
    assert marian("", add_special_tokens=False)["input_ids"] == []


def test_language_codes(marian):
    assert marian.supported_language_codes == [">>qya<<"]
    assert marian(">>qya<< hello")["input_ids"] == [6, 2, 0]
    assert marian(">>xyz<< hello")["input_ids"] == [1, 2, 0]
    assert marian(">>qya")["input_ids"][0] == 7


def test_decoding(marian):
    assert marian.decode([2, 3, 0]) == "hello world</s>"
    assert marian.decode([4, 5, 0, 10], skip_special_tokens=True) == "aiya ambar"
    assert marian.decode([2, 1, 3, 0]) == "hello<unk> world</s>"
    assert marian.decode([2, 999]) == "hello"
    assert marian.batch_decode([[2, 0], [4, 0]], skip_special_tokens=True) == ["hello", "aiya"]
    assert marian.convert_tokens_to_string(["▁hello", "▁a", "b"]) == "hello ab"


def test_options(marian):
    assert marian("hello world", "hello")["input_ids"] == [2, 3, 2, 0]
    assert marian(["hello", "world"], is_split_into_words=True)["input_ids"] == [2, 3, 0]
    assert marian("hello world", truncation=True, max_length=2)["input_ids"] == [2, 0]
    assert marian.tokenize("hello world") == ["▁hello", "▁world"]
    assert pickle.loads(pickle.dumps(marian)).encode("hello") == [2, 0]
    for wrong in (None, 5, ["hello", None], b"hello"):
        with pytest.raises(TokenizerError, match="only text has tokens"):
            marian(wrong)
    with pytest.raises(ArgumentError, match="return_offsets_mapping: the pieces"):
        marian("hello", return_offsets_mapping=True)


def test_saving(marian, tmp_path):
    marian.add_tokens(["<late>"])
    written = marian.save_pretrained(tmp_path / "new")
    names = ["tokenizer_config.json", "source.spm", "target.spm", "vocab.json"]
    assert list(written) == [str(tmp_path / "new" / name) for name in names]
    again = AutoTokenizer.from_pretrained(tmp_path / "new")
    assert again.get_vocab() == marian.get_vocab()
    assert again("hello<late>", text_target="aiya") == marian("hello<late>", text_target="aiya")
    assert again.source_lang == "en"
    again.save_pretrained(tmp_path / "new")  # onto its own files


def test_refusals(marian, tmp_path):
    with pytest.raises(ArgumentError, match="MarianTokenizer needs its files"):
        MarianTokenizer()
    with pytest.raises(TokenizerError, match="a vocabulary for each language"):
        AutoTokenizer.from_pretrained(tmp_path, separate_vocabs=True)
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "</s>": 1}))
    with pytest.raises(TokenizerError, match="lacks a special token \\(got '<unk>'\\)"):
        AutoTokenizer.from_pretrained(tmp_path)
    small.write_marian(tmp_path)
    for content, sentence in ((b"\x0a\x7f", "this is no SentencePiece"), (small.bpe(), "got 2")):
        (tmp_path / "target.spm").write_bytes(content)
        with pytest.raises(TokenizerError, match=rf"target\.spm: .*{sentence}"):
            AutoTokenizer.from_pretrained(tmp_path)
    (tmp_path / "target.spm").unlink()
    with pytest.raises(TokenizerError, match=r"or target\.spm as well"):
        AutoTokenizer.from_pretrained(tmp_path)
