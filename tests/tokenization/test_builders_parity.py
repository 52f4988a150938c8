"""Tokenizers built from vocabulary files against those that transformers builds from the same.

What needs the sentencepiece package is compared where that is installed.
"""

import random

import pytest
import sentencepiece_for_tests as small
from tokenizers_for_tests import real_folder

import tinyhf.tokenization as ours
from tinyhf.tokenization.sentencepiece_model import read_sentencepiece_model
from tinyhf.tokenization.unigram import UnigramCutter

pytestmark = pytest.mark.parity

WORD_FILES = {
    "BertTokenizer": "bert-base-uncased",
    "DistilBertTokenizer": "bert-base-uncased",
    "GPT2Tokenizer": "gpt2",
    "Qwen2Tokenizer": "gpt2",  # its own words, here with the pieces of GPT-2
    "RobertaTokenizer": "roberta-base-squad2",
    "BartTokenizer": "roberta-base-squad2",
}
# Characters by how they are written in random texts: letters of several scripts, spaces, marks.
ALPHABETS = [
    *(
        "abcdefghij",
        "KLMNOP",
        "0123456789",
        " \t\n\u00a0\u3000\u0085",
        " ",
        ".,;!?'\"()<>|",
        "éüñßØ",
    ),
    *("\u0301\u0308\u0323\u0327", "你好世界龍", "かなカナｶﾞﾊﾟ", "한국어", "привет", "שלום", "नमस्ते"),
    *("🙂🎉👍🏽", "ﬁ①½Ⅳ™", "▁", "\u200b\ufeff\u0007", "<s>", "</s>"),
]


def random_texts(count, seed=0):
    dice = random.Random(seed)
    for _ in range(count):
        parts = dice.choices(ALPHABETS, k=dice.randint(0, 12))
        yield "".join("".join(dice.choices(part, k=dice.randint(1, 5))) for part in parts)


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def bare_folder(name, folder):
    for file in real_folder(f"tokenizers/{name}").iterdir():
        if file.name != "tokenizer.json":
            (folder / file.name).symlink_to(file)
    return folder


@pytest.mark.parametrize("name", WORD_FILES)
def test_words_and_bytes(name, tmp_path):
    transformers = pytest.importorskip("transformers")
    folder = bare_folder(WORD_FILES[name], tmp_path)
    mine = getattr(ours, name).from_pretrained(folder)
    theirs = getattr(transformers, name).from_pretrained(folder)
    assert mine.get_vocab() == theirs.get_vocab()
    assert mine.special_tokens_map == theirs.special_tokens_map
    texts = list(random_texts(500))
    options = {"return_offsets_mapping": True, "return_special_tokens_mask": True}
    assert mine(texts, **options).data == theirs(texts, **options).data
    assert mine(texts, texts[::-1]).data == theirs(texts, texts[::-1]).data
    ids = theirs(texts)["input_ids"]
    for skip in (True, False):
        assert mine.batch_decode(ids, skip_special_tokens=skip) == theirs.batch_decode(
            ids, skip_special_tokens=skip
        )


@pytest.mark.parametrize("name", WORD_FILES)
def test_saved_and_read_both_ways(name, tmp_path):
    transformers = pytest.importorskip("transformers")
    (tmp_path / "bare").mkdir()
    folder = bare_folder(WORD_FILES[name], tmp_path / "bare")
    mine = getattr(ours, name).from_pretrained(folder)
    theirs = getattr(transformers, name).from_pretrained(folder)
    mine.save_pretrained(tmp_path / "mine")
    theirs.save_pretrained(tmp_path / "theirs")
    texts = list(random_texts(50))
    by_them = transformers.AutoTokenizer.from_pretrained(tmp_path / "mine")
    by_us = ours.AutoTokenizer.from_pretrained(tmp_path / "theirs")
    assert type(by_them).__name__ == type(by_us).__name__ == type(mine).__name__
    assert by_them(texts).data == by_us(texts).data == mine(texts).data == theirs(texts).data


SENTENCEPIECE_FILES = ["llama-2-7b-chat-hf/tokenizer.model", "stories260K/tokenizer.model"]


@pytest.mark.parametrize("path", SENTENCEPIECE_FILES)
def test_llama_is_sentencepiece(path, tmp_path):
    """SentencePiece is the truth here: transformers 5.23 builds other merges and adds no BOS."""
    sentencepiece = pytest.importorskip("sentencepiece")
    room = "models" if "stories" in path else "tokenizers"
    file = real_folder(f"{room}/{path.partition('/')[0]}") / "tokenizer.model"
    (tmp_path / "tokenizer.model").symlink_to(file)
    mine = ours.LlamaTokenizer.from_pretrained(tmp_path)
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(file))
    # A text with <s> in it is another matter: sentencepiece spells it out.
    for text in filter(lambda text: "s>" not in text, random_texts(500)):
        ids = theirs.encode(text)
        assert mine.encode(text, add_special_tokens=False) == ids
        assert mine.decode(ids) == theirs.decode(ids)


def test_unigram_is_sentencepiece(tmp_path):
    """Random scores and texts full of ties."""
    sentencepiece = pytest.importorskip("sentencepiece")
    dice, path = random.Random(0), tmp_path / "u.model"
    for _ in range(300):
        scores = [-round(dice.uniform(3, 12), dice.choice([1, 2, 5])) for _ in range(5)]
        pieces = list(zip(["▁", "a", "aa", "b", "ab"], scores, [small.NORMAL] * 5, strict=True))
        path.write_bytes(small.model_file([*small.SPECIAL, *pieces]))
        theirs = sentencepiece.SentencePieceProcessor(model_file=str(path))
        cutter = UnigramCutter(read_sentencepiece_model(path))
        for _ in range(5):
            text = "".join(dice.choices("aaab c", k=dice.randint(1, 12)))
            assert cutter.pieces_of(text) == theirs.encode(text, out_type=str)


def test_t5(tmp_path):
    pytest.importorskip("sentencepiece")
    transformers = pytest.importorskip("transformers")
    (tmp_path / "spiece.model").symlink_to(real_folder("tokenizers/t5") / "spiece.model")
    mine = ours.T5Tokenizer.from_pretrained(tmp_path)
    theirs = transformers.T5Tokenizer.from_pretrained(tmp_path)
    texts = [f"{text}<extra_id_7>" for text in random_texts(500)]
    assert mine(texts).data == theirs(texts).data
    assert mine(texts, texts[::-1]).data == theirs(texts, texts[::-1]).data
    ids = theirs(texts)["input_ids"]
    assert mine.batch_decode(ids) == theirs.batch_decode(ids)
    assert mine.get_vocab() == theirs.get_vocab()


@pytest.fixture(scope="module")
def marians():
    pytest.importorskip("sentencepiece")
    transformers = pytest.importorskip("transformers")
    folder = real_folder("tokenizers/opus-mt-en-mg")
    return (
        cls.from_pretrained(folder) for cls in (ours.MarianTokenizer, transformers.MarianTokenizer)
    )


MARIAN_CALLS = [
    {},
    {"add_special_tokens": False},
    {"padding": True, "return_tensors": "np"},
    {"padding": "max_length", "max_length": 20, "truncation": True, "padding_side": "left"},
    {"truncation": True, "max_length": 4},
    {"return_special_tokens_mask": True, "return_length": True},
]


def test_marian(tmp_path, marians):
    mine, theirs = marians
    texts = list(random_texts(1000))
    for text in texts:
        assert mine(text, text_target=text).data == theirs(text, text_target=text).data
    ids = theirs(texts)["input_ids"]
    for skip in (True, False):
        assert mine.batch_decode(ids, skip_special_tokens=skip) == theirs.batch_decode(
            ids, skip_special_tokens=skip
        )
    for options in MARIAN_CALLS:
        one, other = mine(texts[:20], **options), theirs(texts[:20], **options)
        assert set(one) == set(other)
        assert str(one["input_ids"]) == str(other["input_ids"])
        assert str(one["attention_mask"]) == str(other["attention_mask"])
    assert mine.get_vocab() == theirs.get_vocab()
    assert mine.special_tokens_map == theirs.special_tokens_map
    mine.save_pretrained(tmp_path / "mine")
    again = type(theirs).from_pretrained(tmp_path / "mine")
    assert again(texts).data == mine(texts).data
