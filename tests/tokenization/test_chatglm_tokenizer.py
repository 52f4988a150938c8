"""ChatGLM's tokenizer: cases of the reference, small ones here and real ones in the workshop."""

import json
import shutil

import numpy
import pytest

from tests.tiny_chatglms import (
    GOLDEN,
    REFERENCE,
    needs_reference,
    our_tokenizer,
    reference_json,
    tokenizer_folder,
)
from tinyhf import AutoTokenizer, ChatGLMTokenizer
from tinyhf.errors import ArgumentError, TokenizerError
from tinyhf.generation.chatglm import build_prompt
from tinyhf.tokenization.chatglm_pieces import LAST_PIECES
from tinyhf.tokenization.sentencepiece_model import read_fields, read_sentencepiece_model

CASES = json.loads((GOLDEN / "tokenizer_cases.json").read_text(encoding="utf-8"))
IMAGES = 20000  # ids before all others in the first release


@pytest.fixture(scope="module")
def tokenizer():
    return our_tokenizer()


@pytest.fixture(scope="module")
def real():
    return AutoTokenizer.from_pretrained(REFERENCE / "tokenizer")


# ---- the reference's cases -----------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES["texts"], ids=lambda case: repr(case["text"][:12]))
def test_texts(tokenizer, case):
    assert dict(tokenizer(case["text"])) == {"input_ids": case["input_ids"]}
    assert tokenizer.tokenize(case["text"]) == case["pieces"]
    assert tokenizer.decode(case["input_ids"]) == case["decoded"]


def test_a_padded_batch_brings_mask_and_positions(tokenizer):
    batch = tokenizer(CASES["batch_texts"], padding=True, return_tensors="np")
    assert {name: rows.tolist() for name, rows in batch.items()} == CASES["batch"]
    assert batch["attention_mask"].dtype == bool
    assert batch["position_ids"].dtype == batch["input_ids"].dtype == numpy.int64


@needs_reference
def test_real_texts(real):
    for case in reference_json("tokenizer/golden_tokenizer_slim.json")["texts"]:
        text, ids, inner = case["text"], case["input_ids"], case["ids_no_special"]
        assert dict(real(text)) == {"input_ids": ids}
        assert real(text, add_special_tokens=False)["input_ids"] == inner
        assert real.tokenize(text) == case["pieces"]
        assert real.decode(inner) == case["decoded"]
        no_clean_up = real.decode(inner, clean_up_tokenization_spaces=False)
        assert no_clean_up == case["decoded_no_cleanup"]
        assert real.decode(ids) == case["decoded_with_special"]
        assert real.decode(ids, skip_special_tokens=True) == case["decoded_skip_special"]


@needs_reference
def test_real_pairs_and_prompts(real):
    golden = reference_json("tokenizer/golden_tokenizer_slim.json")
    for case in golden["pairs"]:
        assert real(case["a"], case["b"])["input_ids"] == case["input_ids"]
    for case in golden["prompts"]:
        assert build_prompt(case["query"], case["history"]) == case["prompt"]
        assert real(case["prompt"])["input_ids"] == case["input_ids"]


@needs_reference
def test_real_decoding(real):
    for case in reference_json("tokenizer/golden_tokenizer_slim.json")["decode"]:
        if isinstance(case["decoded"], dict):  # an id that no piece has
            with pytest.raises(TokenizerError, match="there is no such id"):
                real.decode(case["ids"])
            continue
        assert real.decode(case["ids"]) == case["decoded"]
        no_clean_up = real.decode(case["ids"], clean_up_tokenization_spaces=False)
        assert no_clean_up == case["decoded_no_cleanup"]
        skipped = real.decode(case["ids"], skip_special_tokens=True)
        assert skipped == case["decoded_skip_special"]


@needs_reference
def test_real_special_tokens(real):
    special = reference_json("tokenizer/golden_tokenizer_slim.json")["meta"]["special"]
    assert real.all_special_tokens == special["all_special_tokens"]
    assert len(real) == real.vocab_size == special["len"]
    ids = {name: getattr(real, f"{name}_token_id") for name in ("unk", "pad", "bos", "eos", "mask")}
    assert ids == {name: special[name] for name in ids}
    assert real.gmask_token_id == special["gmask"]
    assert real.class_reason == "tokenizer_class 'ChatGLMTokenizer' in tokenizer_config.json"


# ---- the first release ---------------------------------------------------------------------------


@needs_reference
@pytest.mark.slow
def test_the_first_release(real, tmp_path, shared_data):
    """Its file ends after 130000 pieces; the rest is the same, 20000 ids later."""
    config = shared_data / "configs" / "chatglm-6b-first-release" / "tokenizer_config.json"
    shutil.copyfile(config, tmp_path / "tokenizer_config.json")
    pieces = (REFERENCE / "tokenizer" / "ice_text.model").read_bytes()
    (tmp_path / "ice_text.model").write_bytes(first_pieces(pieces, 130000))
    old = AutoTokenizer.from_pretrained(tmp_path)
    for text in ("你好", "  a\n\tb<sop>c 😀", "x [MASK] y"):
        ids = old(text)["input_ids"]
        assert [index - IMAGES for index in ids] == real(text)["input_ids"]
        assert old.decode(ids) == real.decode(real(text)["input_ids"])
    assert old("a", "b")["input_ids"][-1] == old.convert_tokens_to_ids("<eop>") == 150005
    assert old.decode([7, *old("a")["input_ids"]]) == "a"  # images are no text
    assert len(old) == 150344


@needs_reference
@pytest.mark.slow
def test_what_the_first_release_lacks_is_what_the_file_ends_with_today():
    model = read_sentencepiece_model(REFERENCE / "tokenizer" / "ice_text.model")
    assert [p for pieces in LAST_PIECES.values() for p in pieces] == model.pieces[130000:]
    kinds = [kind for kind, pieces in LAST_PIECES.items() for _ in pieces]
    assert kinds == model.types[130000:]


def first_pieces(message, count):
    """A SentencePiece file without the pieces after the first ``count``."""
    kept, pieces = [], 0
    for number, value in read_fields(message):
        pieces += number == 1
        if number != 1 or pieces <= count:
            kept += [bytes([number << 3 | 2]), varint(len(value)), value]
    return b"".join(kept)


def varint(number):
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


# ---- what must hold ------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1, 2, 79, 80, 81, 82, 160, 161])
def test_runs_of_spaces_come_back(tokenizer, length):
    text = f"a{' ' * length}b"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_special_tokens_in_a_text_take_the_space_around_them(tokenizer):
    assert tokenizer.tokenize("a \n <sop>\t b") == ["▁", "a", "<sop>", "▁", "b"]
    assert "[gMASK]" not in tokenizer.tokenize("[gMASK]")
    assert "</s>" not in tokenizer.tokenize("</s>")


def test_written_bytes_are_no_bytes(tokenizer):
    """A piece such as <0x41> is only for characters that no other piece has."""
    assert "<0x41>" not in tokenizer.tokenize("<0x41>")
    assert tokenizer.tokenize("A") == ["▁", "<0x41>"]


def test_bytes_of_half_a_character(tokenizer):
    tokens = ["<0xE4>", "<0xBD>", "<0xA0>", "<0xE4>", "<sop>", "<0xBD>"]
    assert tokenizer.convert_tokens_to_string(tokens) == "你\ufffd\ufffd"


def test_truncation_keeps_the_end_of_the_prompt(tokenizer):
    ids = tokenizer("hello world", max_length=4, truncation=True)["input_ids"]
    assert ids[-2:] == [tokenizer.gmask_token_id, tokenizer.bos_token_id]
    assert len(ids) == 4


def test_one_padded_text_without_arrays(tokenizer):
    columns = tokenizer("你好", padding="max_length", max_length=5)
    assert columns["input_ids"] == [3, 3, 19, 161, 164]
    assert columns["position_ids"] == [[0, 0, 0, 1, 1], [0, 0, 0, 0, 1]]
    mask = numpy.array(columns["attention_mask"])
    assert mask.shape == (1, 5, 5)
    assert mask[0, -1].tolist() == [True, True, False, False, False]


def test_saved_and_read_again(tokenizer, tmp_path):
    again = ChatGLMTokenizer.from_pretrained(tokenizer_folder(tmp_path))
    again.save_pretrained(tmp_path / "saved")
    files = {path.name for path in (tmp_path / "saved").iterdir()}
    assert files == {"ice_text.model", "tokenizer_config.json"}
    saved = AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert type(saved) is ChatGLMTokenizer
    for case in CASES["texts"]:
        assert saved(case["text"])["input_ids"] == case["input_ids"]
    assert repr(saved).replace("/saved", "") == repr(again)


# ---- mistakes ------------------------------------------------------------------------------------


def test_padding_on_the_right(tokenizer):
    with pytest.raises(ArgumentError, match="padding_side: ChatGLM reads on from the last token"):
        tokenizer(["a", "b c"], padding=True, padding_side="right")


def test_offsets_are_not_known(tokenizer):
    with pytest.raises(ArgumentError, match="do not know their place in the text"):
        tokenizer("a", return_offsets_mapping=True)


def test_only_text(tokenizer):
    with pytest.raises(TokenizerError, match="only text has tokens"):
        tokenizer([1, 2])


def test_an_id_that_no_piece_has(tokenizer):
    with pytest.raises(TokenizerError, match="there is no such id"):
        tokenizer.decode([len(tokenizer)])


def test_a_folder_without_the_file(tmp_path):
    tokenizer_folder(tmp_path)
    (tmp_path / "ice_text.model").unlink()
    with pytest.raises(TokenizerError, match=r"ice_text\.model"):
        AutoTokenizer.from_pretrained(tmp_path)
