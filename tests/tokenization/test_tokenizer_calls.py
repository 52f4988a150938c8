"""Every option of a call, on a small byte-level tokenizer (BOS = 1, EOS = 2, pad = 0)."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer
from tokenizers_for_tests import SETTINGS, byte_level_json

from tinyhf.backend import is_array
from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.tokenization import BatchEncoding, CharSpan, PreTrainedTokenizerFast, TokenSpan


def test_print_shows_a_plain_dictionary(tokenizer):
    encoding = tokenizer("the fox")
    ids = encoding["input_ids"]
    assert repr(encoding) == f"{{'input_ids': {ids}, 'attention_mask': [1, 1, 1, 1]}}"
    assert encoding.tokens() == ["<s>", "the", "Ġfox", "</s>"]


def test_without_special_tokens(tokenizer):
    assert tokenizer.tokenize("the fox") == ["the", "Ġfox"]
    with_them = tokenizer.encode("the fox")
    assert tokenizer.encode("the fox", add_special_tokens=False) == with_them[1:-1]
    assert (tokenizer.num_special_tokens_to_add(), tokenizer.num_special_tokens_to_add(True)) == (
        2,
        3,
    )


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding(tokenizer, side):
    rows = ["the", "the fox the fox"]
    encoding = tokenizer(rows, padding=True, padding_side=side, return_tensors="np")
    ids, mask = encoding["input_ids"], encoding["attention_mask"]
    assert ids.dtype == mask.dtype == np.int64
    assert ids.shape == mask.shape == (2, 6)
    assert (ids == 0).tolist() == (mask == 0).tolist()
    assert mask[0].tolist() == ([0, 0, 0, 1, 1, 1] if side == "left" else [1, 1, 1, 0, 0, 0])
    tokenizer.padding_side = side
    assert np.array_equal(tokenizer(rows, padding=True, return_tensors="np")["input_ids"], ids)


def test_padding_to_a_length(tokenizer):
    assert len(tokenizer.encode("the", padding="max_length", max_length=9)) == 9
    assert len(tokenizer.encode("the", padding="max_length")) == 64  # model_max_length
    assert len(tokenizer.encode("the", padding=True, pad_to_multiple_of=8)) == 8
    tokenizer.model_max_length = int(1e30)
    assert len(tokenizer.encode("the", padding="max_length")) == 3  # no limit to fill up to


def test_truncation(tokenizer):
    text = "the fox the fox the fox"
    whole = tokenizer.encode(text)
    assert tokenizer.encode(text, truncation=True, max_length=5) == [*whole[:4], 2]
    assert tokenizer.encode(text, max_length=5) == [*whole[:4], 2]
    assert tokenizer.encode(text, truncation=False, max_length=5) == whole
    assert tokenizer.encode(text, add_special_tokens=False, max_length=1) == whole[1:2]
    tokenizer.truncation_side = "left"
    assert tokenizer.encode(text, truncation=True, max_length=5) == [1, *whole[-4:]]
    tokenizer.model_max_length = 4
    assert len(tokenizer.encode(text, truncation=True)) == 4
    assert tokenizer.encode(text) == whole  # what one call set does not outlive it


def test_truncation_of_pairs(tokenizer):
    first, second = "the the the the the the", "fox fox"
    whole = tokenizer(first, second)
    counts = [whole.sequence_ids().count(i) for i in (0, 1)]
    kept = {}
    for strategy in ("longest_first", "only_first", "only_second"):
        encoding = tokenizer(
            first, second, truncation=strategy, max_length=len(whole.input_ids) - 2
        )
        kept[strategy] = [encoding.sequence_ids().count(i) for i in (0, 1)]
    assert kept["only_first"] == [counts[0] - 2, counts[1]]
    assert kept["only_second"] == [counts[0], counts[1] - 2]
    assert sum(kept["longest_first"]) == sum(counts) - 2
    with pytest.raises(TokenizerError, match="Second sequence not provided"):
        tokenizer(first, truncation="only_second", max_length=4)


def test_overflow(tokenizer):
    text = "the fox the fox the fox"
    encoding = tokenizer(
        [text, "the"],
        truncation=True,
        max_length=5,
        stride=1,
        return_overflowing_tokens=True,
        return_length=True,
    )
    assert encoding["overflow_to_sample_mapping"] == [0, 0, 0, 1]
    rows = [tokenizer.convert_ids_to_tokens(row) for row in encoding["input_ids"]]
    assert rows[1][1] == rows[0][3]  # the stride: one token in common
    assert encoding["length"] == [len(row) for row in rows]


def test_further_columns(tokenizer):
    encoding = tokenizer(
        "the fox",
        return_special_tokens_mask=True,
        return_offsets_mapping=True,
        return_token_type_ids=True,
        return_attention_mask=False,
        return_length=True,
    )
    assert list(encoding) == [
        "input_ids",
        "token_type_ids",
        "special_tokens_mask",
        "offset_mapping",
        "length",
    ]
    assert encoding["special_tokens_mask"] == [1, 0, 0, 1]
    assert encoding["offset_mapping"][1] == (0, 3)
    assert encoding["length"] == [4]
    assert tokenizer("a", "b", return_token_type_ids=True)["token_type_ids"][-2:] == [1, 1]


def test_words(tokenizer):
    encoding = tokenizer(["the", "fox"], is_split_into_words=True)
    assert encoding.word_ids()[1] == 0
    assert encoding.word_ids()[-2] == 1
    batch = tokenizer([["the"], ["fox"]], is_split_into_words=True)
    assert len(batch["input_ids"]) == 2


def test_empty_input(tokenizer):
    assert tokenizer("")["input_ids"] == [1, 2]
    assert tokenizer([]).data == {"input_ids": [], "attention_mask": []}
    assert tokenizer.decode([]) == ""
    plain = tokenizer("", add_special_tokens=False, return_tensors="np")
    assert plain["input_ids"].shape == (1, 0)
    assert plain["input_ids"].dtype == np.int64


def test_encoding_is_a_mapping_with_attributes(tokenizer):
    encoding = tokenizer(["the", "the fox"], padding=True, return_tensors="np")
    assert encoding.input_ids is encoding["input_ids"]
    assert dict(**encoding).keys() == {"input_ids", "attention_mask"}
    assert encoding[1].tokens == encoding.tokens(1)
    assert encoding.to("cpu") is encoding
    assert is_array(encoding.input_ids)
    with pytest.raises(AttributeError, match="labels"):
        _ = encoding.labels
    assert np.array_equal(pickle.loads(pickle.dumps(encoding)).input_ids, encoding.input_ids)


def test_the_way_back(tokenizer):
    encoding = tokenizer(["the fox", "a lazy dog"])
    assert encoding.token_to_chars(1) == CharSpan(0, 3)
    assert encoding.token_to_chars(0) is None
    assert encoding.char_to_token(0) == 1
    assert encoding.char_to_token(0, 5) == 2
    assert encoding.word_to_tokens(0) == TokenSpan(1, 2)
    assert encoding.word_to_chars(0, 0) == CharSpan(0, 3)
    assert encoding.char_to_word(1, 0) == encoding.token_to_word(1, 1) == 0
    assert encoding.token_to_sequence(1) == 0
    assert encoding.n_sequences == 1
    with pytest.raises(TokenizerError, match="did not come from text"):
        BatchEncoding({"input_ids": [[1]]}).tokens()


def test_pt_means_np(tokenizer, notes):
    assert isinstance(tokenizer("the", return_tensors="pt")["input_ids"], np.ndarray)
    assert "NumPy" in notes[0]


def test_cp_goes_to_the_device(tokenizer, monkeypatch):
    moved = []
    monkeypatch.setattr(
        "tinyhf.tokenization.batch_encoding.to_device", lambda x, device: moved.append(device) or x
    )
    tokenizer("the", return_tensors="cp").to("cuda:1")
    assert moved == ["cuda", "cuda", "cuda:1", "cuda:1"]


def test_decoding(tokenizer):
    ids = tokenizer.encode("the fox")
    assert tokenizer.decode(ids) == "<s>the fox</s>"
    assert tokenizer.decode(ids, skip_special_tokens=True) == "the fox"
    for batch in ([ids, ids], (tuple(ids), ids), np.array([ids, ids]), list(np.array([ids, ids]))):
        assert tokenizer.decode(batch, skip_special_tokens=True) == ["the fox"] * 2
        assert tokenizer.batch_decode(batch, skip_special_tokens=True) == ["the fox"] * 2
    assert tokenizer.batch_decode(ids) == ["<s>the fox</s>"]
    assert tokenizer.decode(ids[1]) == tokenizer.decode(np.int64(ids[1])) == "the"
    assert tokenizer.convert_ids_to_tokens(ids, skip_special_tokens=True) == ["the", "Ġfox"]
    assert tokenizer.convert_ids_to_tokens(ids[1]) == "the"
    assert tokenizer.convert_ids_to_tokens(10**6) is None
    assert tokenizer.convert_tokens_to_string(["the", "Ġfox"]) == "the fox"
    assert tokenizer.convert_tokens_to_ids(["the", "no such token"]) == [ids[1], None]


def test_pad(tokenizer):
    rows = [{"input_ids": [1, 5, 2], "labels": 7}, {"input_ids": [1, 2], "labels": 8}]
    padded = tokenizer.pad(rows, return_tensors="np")
    assert padded["input_ids"].tolist() == [[1, 5, 2], [1, 2, 0]]
    assert padded["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert padded["labels"].tolist() == [7, 8]
    assert "attention_mask" not in rows[0]  # the caller's rows stay as they were
    one = tokenizer.pad({"input_ids": [1, 2]}, padding="max_length", max_length=4)
    assert one["input_ids"] == [1, 2, 0, 0]
    left = tokenizer.pad(rows, padding_side="left", pad_to_multiple_of=4)
    assert left["input_ids"] == [[0, 1, 5, 2], [0, 0, 1, 2]]
    arrays = tokenizer.pad([{"input_ids": np.array([1, 2])}, {"input_ids": np.array([1])}])
    assert arrays["input_ids"] == [[1, 2], [1, 0]]


def test_special_tokens(tokenizer):
    assert (tokenizer.bos_token, tokenizer.bos_token_id) == ("<s>", 1)
    assert (tokenizer.mask_token, tokenizer.mask_token_id) == (None, None)
    assert tokenizer.all_special_tokens == ["<s>", "</s>", "<pad>"]
    assert tokenizer.all_special_ids == [1, 2, 0]
    size = len(tokenizer)
    added = tokenizer.add_special_tokens({"mask_token": "[M]", "extra_special_tokens": ["<u>"]})
    assert (added, len(tokenizer)) == (2, size + 2)
    assert tokenizer.mask_token_id == size
    assert tokenizer.additional_special_tokens == tokenizer.extra_special_tokens == ["<u>"]
    assert tokenizer.additional_special_tokens_ids == [size + 1]
    ids = tokenizer.encode("the[M]<u>")
    assert ids[2:4] == [size, size + 1]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "the"
    tokenizer.add_special_tokens({"extra_special_tokens": ["<v>"]}, False)
    assert tokenizer.extra_special_tokens == ["<u>", "<v>"]


def test_setting_special_tokens(tokenizer):
    tokenizer.pad_token = tokenizer.eos_token
    assert tokenizer.encode("the", padding="max_length", max_length=5)[-3:] == [2, 2, 2]
    tokenizer.pad_token_id = 0
    assert tokenizer.pad_token == "<pad>"
    tokenizer.sep_token = AddedToken("</s>")
    assert tokenizer.sep_token == "</s>"
    tokenizer.pad_token = None
    assert tokenizer.pad_token_id is None


def test_added_tokens(tokenizer):
    size = len(tokenizer)
    assert tokenizer.add_tokens(["<red>", "<red>", "<blue>"]) == 2
    assert tokenizer.add_tokens("<red>") == 0
    assert tokenizer.get_added_vocab()["<blue>"] == size + 1
    assert tokenizer.vocab_size == size
    assert tokenizer.get_vocab()["<red>"] == tokenizer.encode("<red>")[1] == size


def test_notes(tokenizer, notes):
    tokenizer("<s>the")
    assert "<s> twice" in notes[0]
    tokenizer(["<s>the", "a longer text"], padding=True, padding_side="left")
    assert len(notes) == 2
    tokenizer("the fox " * 40)
    assert "64 tokens" in notes[2]
    tokenizer("the", padding=True, max_length=5)
    assert "max_length has no effect" in notes[3]
    tokenizer("<s>the", add_special_tokens=False)
    tokenizer("<s>the", verbose=False)
    tokenizer.pad_token = "<s>"
    tokenizer(["the", "the fox"], padding="max_length", padding_side="left", max_length=9)
    assert len(notes) == 4


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda t: t(None), TokenizerError, "only text has tokens"),
        (lambda t: t(5), TokenizerError, "wanted strings, got"),
        (lambda t: t(["a", None]), TokenizerError, "only text has tokens"),
        (lambda t: t("a", is_split_into_words=True), TokenizerError, "lists of strings"),
        (lambda t: t("a", pading=True), ArgumentError, "Did you mean padding"),
        (lambda t: t("a", zzz=True), ArgumentError, "There are: text"),
        (lambda t: t("a", padding="long"), ArgumentError, "longest, max_length, do_not_pad"),
        (lambda t: t("a", truncation="first"), ArgumentError, "only_first"),
        (lambda t: t("a", padding_side="top"), ArgumentError, "padding_side"),
        (lambda t: t("a", return_tensors="tf"), ArgumentError, '"np", "cp" or "pt"'),
        (lambda t: t(["a", "bb bb"], return_tensors="np"), TokenizerError, "padding=True"),
        (lambda t: t(["a", "b"], "c"), ArgumentError, "wanted 2 texts, got 'one string'"),
        (lambda t: t(["a", "b"], ["c"]), ArgumentError, "wanted 2 texts, got 1"),
        (lambda t: t("a", max_length=1), ArgumentError, "no room for the special tokens"),
        (lambda t: t("a", "b", max_length=2), ArgumentError, "no room for the special tokens"),
        (lambda t: t("a", max_length=-1), ArgumentError, "(got (-1, 0))"),
        (lambda t: t("a", max_length="5"), ArgumentError, "max_length, stride: rows cannot be cut"),
        (lambda t: t("a", max_length=6, stride=5), ArgumentError, "effective max length of 4"),
        (
            lambda t: t("a b c d", "e f g h", max_length=6, stride=2),
            TokenizerError,
            "cannot be cut as asked: `stride` must be strictly less",
        ),
        (
            lambda t: t("a", padding=True, truncation=True, max_length=9, pad_to_multiple_of=8),
            ArgumentError,
            "not a multiple of pad_to_multiple_of=8",
        ),
        (lambda t: t.decode([1, -100]), TokenizerError, "-100"),
        (lambda t: t.decode([1.5]), TokenizerError, "not token ids"),
        (lambda t: t.decode("text"), TokenizerError, "not token ids"),
        (lambda t: t.pad([{"ids": [1]}]), TokenizerError, "wanted input_ids"),
        (lambda t: t.add_special_tokens({"odd": "<o>"}), ArgumentError, "bos_token, eos_token"),
        (lambda t: setattr(t, "bos_token", 5), ArgumentError, "bos_token: a special token is a st"),
    ],
)
def test_refusals(tokenizer, call, error, sentence):
    with pytest.raises(error) as caught:
        call(tokenizer)
    assert sentence in str(caught.value)


def test_padding_without_a_pad_token(backend):
    tokenizer = PreTrainedTokenizerFast(backend, eos_token="</s>")
    with pytest.raises(TokenizerError, match=r"tokenizer\.pad_token = tokenizer\.eos_token"):
        tokenizer(["a", "b c"], padding=True)
    with pytest.raises(TokenizerError, match=r"no token to pad with"):
        tokenizer.pad([{"input_ids": [1]}, {"input_ids": [1, 2]}])


def test_an_unknown_attribute(tokenizer):
    with pytest.raises(AttributeError, match="no attribute 'boss_token'"):
        _ = tokenizer.boss_token
    assert pickle.loads(pickle.dumps(tokenizer)).encode("the") == tokenizer.encode("the")


@pytest.fixture(scope="module")
def shared_tokenizer():
    return PreTrainedTokenizerFast(Tokenizer.from_str(byte_level_json()), **SETTINGS)


@given(text=st.text(max_size=60))
def test_round_trip(shared_tokenizer, text):
    """Byte-level BPE loses nothing, whatever the text; only special tokens are taken out."""
    ids = shared_tokenizer.encode(text, add_special_tokens=False)
    assert shared_tokenizer.decode(ids) == text


@given(
    rows=st.lists(st.text(max_size=30), min_size=1, max_size=5),
    side=st.sampled_from(["left", "right"]),
    multiple=st.sampled_from([None, 4]),
)
def test_a_padded_batch_holds_its_rows(shared_tokenizer, rows, side, multiple):
    batch = shared_tokenizer(
        rows, padding=True, padding_side=side, pad_to_multiple_of=multiple, return_tensors="np"
    )
    for text, ids, mask in zip(rows, batch.input_ids, batch.attention_mask, strict=True):
        assert ids[mask == 1].tolist() == shared_tokenizer.encode(text)
        assert (ids[mask == 0] == 0).all()
    again = shared_tokenizer.pad(
        {"input_ids": [shared_tokenizer.encode(text) for text in rows]},
        padding_side=side,
        pad_to_multiple_of=multiple,
    )
    assert again["input_ids"] == batch.input_ids.tolist()


@given(
    text=st.text("abc ", max_size=30),
    pair=st.none() | st.text("abc ", max_size=30),
    length=st.integers(-1, 12),
    stride=st.integers(-1, 12),
    strategy=st.sampled_from(["longest_first", "only_first", "only_second"]),
)
def test_cutting_succeeds_or_explains(shared_tokenizer, text, pair, length, stride, strategy):
    options = {"truncation": strategy, "max_length": length, "stride": stride}
    try:
        encoding = shared_tokenizer(text, pair, return_overflowing_tokens=True, **options)
    except (ArgumentError, TokenizerError):
        return
    assert len(encoding["input_ids"][0]) <= length
