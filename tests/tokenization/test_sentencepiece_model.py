"""The protobuf reader and the table of replacements, on files written here and on real ones."""

import pytest
import sentencepiece_for_tests as small
from hypothesis import given
from hypothesis import strategies as st
from tokenizers_for_tests import real_folder

from tinyhf.errors import TokenizerError
from tinyhf.tokenization import sentencepiece_model as spm
from tinyhf.tokenization.charsmap import Charsmap
from tinyhf.tokenization.unigram import UnigramCutter


def test_pieces_and_settings(tmp_path):
    path = tmp_path / "m.model"
    pieces = [("<unk>", 0.0, 2), ("▁你", -1.5, 1), ("<n>", 0.0, 4), ("<0x0A>", 0.0, 6)]
    trainer = {3: 2, 4: 8000, 35: 1, 40: 5, 43: -1, 45: "<u>"}
    normalizer = {1: "nfkc", 2: b"\0\1", 3: 0, 4: 0, 7: "what later versions add"}
    path.write_bytes(small.model_file(pieces, trainer, normalizer) + small.field(9, 1.0))
    model = spm.read_sentencepiece_model(path)
    assert model.pieces == ["<unk>", "▁你", "<n>", "<0x0A>"]
    assert model.scores == [0.0, -1.5, 0.0, 0.0]
    assert model.types == [spm.UNKNOWN, spm.NORMAL, spm.USER_DEFINED, spm.BYTE]
    assert model.trainer == spm.TrainerSpec(
        model_type=spm.BPE, byte_fallback=True, unk_id=5, pad_id=-1, unk_piece="<u>"
    )
    assert model.normalizer == spm.NormalizerSpec("nfkc", b"\0\1", False, False, True)


def test_defaults(tmp_path):
    path = tmp_path / "m.model"
    path.write_bytes(small.field(1, small.message({1: "a"})))
    model = spm.read_sentencepiece_model(path)
    assert (model.pieces, model.scores, model.types) == (["a"], [0.0], [spm.NORMAL])
    assert model.trainer == spm.TrainerSpec()
    assert model.normalizer.add_dummy_prefix


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "has no pieces"),
        (b"\x0a\x05abc", "this is no SentencePiece model: field 1 ends 2 bytes too late"),
        (b"\x0b", "no fields of kind 3"),
        (b"\x80" * 20, "more than ten bytes"),
        (b"\x08", "this is no SentencePiece model"),
        (small.field(1, 7), "this is no SentencePiece model"),
        (small.field(1, small.field(1, b"\xff")), "this is no SentencePiece model: 'utf-8'"),
        (small.field(1, small.field(2, b"abc")), "this is no SentencePiece model"),
        (b"IQ== 0\nIg== 1\n", "SentencePiece model"),  # a tiktoken file
    ],
)
def test_damaged_files(tmp_path, content, sentence):
    path = tmp_path / "tokenizer.model"
    path.write_bytes(content)
    with pytest.raises(TokenizerError) as caught:
        spm.read_sentencepiece_model(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)


@given(content=st.binary(max_size=60), cut=st.integers(0, 200))
def test_any_bytes_succeed_or_explain(tmp_path_factory, content, cut):
    path = tmp_path_factory.getbasetemp() / "any.model"
    whole = small.model_file(small.SPECIAL, {3: 1}, {2: content})
    path.write_bytes(whole[:cut] + content)
    try:
        spm.read_sentencepiece_model(path)
    except TokenizerError as error:
        assert "SentencePiece model" in str(error)


def test_charsmap_of_one_entry():
    table = Charsmap(small.charsmap("x", "ks"))
    assert table.replace("ax你x🙂é") == "aks你ks🙂é"
    assert Charsmap(b"").replace("ax你🙂\ud800") == "ax你🙂?"
    with pytest.raises(TokenizerError, match="precompiled_charsmap: the table is damaged"):
        Charsmap(b"\xff\0\0\0abc")


def test_charsmap_of_a_real_file():
    path = real_folder("tokenizers/opus-mt-en-mg") / "source.spm"
    table = Charsmap(spm.read_sentencepiece_model(path).normalizer.precompiled_charsmap)
    for text, replaced in {
        "ﬁ①Ⅳ½": "fi1IV1⁄2",
        "e\u0301 ｶﾞ": "é ガ",  # the second is where normalizers.Precompiled differs
        "a\u00a0b\tc\u3000d\u200be": "a b c d e",
        "a\u0007b\0c": "a\u0007b\0c",
        "你好 🙂": "你好 🙂",
    }.items():
        assert table.replace(text) == replaced


@pytest.fixture
def cutter(tmp_path):
    """Pieces by score: "ab" -1, "abc" -2.5, "bc" -1.2, "c" -1.6; "<n>" is user-defined."""
    scores = {"▁": -3.0, "a": -4.0, "b": -4.0, "ab": -1.0, "abc": -2.5, "bc": -1.2, "c": -1.6}
    pieces = [(piece, score, small.NORMAL) for piece, score in scores.items()]
    pieces += [*small.SPECIAL, ("<n>", 0.0, small.USER_DEFINED)]
    path = tmp_path / "u.model"
    path.write_bytes(small.model_file(pieces, normalizer={2: small.charsmap("x", "c")}))
    return UnigramCutter(spm.read_sentencepiece_model(path))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("   ", []),
        ("abc", ["▁", "abc"]),  # -2.5 is more than "ab" + "c", -2.6, and "a" + "bc", -5.2
        ("abab", ["▁", "ab", "ab"]),
        ("  ab   x ", ["▁", "ab", "▁", "c"]),
        ("你好ab你", ["▁", "你好", "ab", "你"]),
        ("ab<n>c<", ["▁", "ab", "<n>", "c", "<"]),
        ("<s>", ["▁", "<s>"]),  # unknown characters, not the control piece
    ],
)
def test_the_best_way_to_cut(cutter, text, pieces):
    assert cutter.pieces_of(text) == pieces


def test_ties_are_decided_by_rounding(tmp_path):
    """What sentencepiece answers; in 64 bits "a" + "aa" + "aa" would come out."""
    pieces = [("▁", -8.70236, 1), ("a", -11.35, 1), ("aa", -10.88, 1)]
    (tmp_path / "u.model").write_bytes(small.model_file([*pieces, *small.SPECIAL]))
    cutter = UnigramCutter(spm.read_sentencepiece_model(tmp_path / "u.model"))
    assert cutter.pieces_of("aaaaa") == ["▁", "aa", "a", "aa"]
