"""When rows end."""

import time

import numpy as np
import pytest

from tinyhf.generation import (
    EosTokenCriteria,
    MaxLengthCriteria,
    MaxTimeCriteria,
    StoppingCriteria,
    StoppingCriteriaList,
    StopStringCriteria,
)

IDS = np.array([[3, 4, 5], [3, 4, 6]])


def ends(criterion, ids=IDS):
    return StoppingCriteriaList([criterion])(ids, None).tolist()


def test_max_length_counts_all_tokens():
    assert ends(MaxLengthCriteria(3)) == [True, True]
    assert ends(MaxLengthCriteria(4)) == [False, False]


def test_eos_looks_at_the_last_token_only():
    assert ends(EosTokenCriteria(5)) == [True, False]
    assert ends(EosTokenCriteria([6, 3])) == [False, True]
    assert ends(EosTokenCriteria(4)) == [False, False]


def test_max_time():
    assert ends(MaxTimeCriteria(60.0)) == [False, False]
    assert ends(MaxTimeCriteria(60.0, initial_timestamp=time.time() - 61)) == [True, True]


def test_a_list_ends_a_row_when_any_criterion_does():
    class SecondRow(StoppingCriteria):
        def __call__(self, input_ids, scores):
            return [False, True]

    criteria = StoppingCriteriaList([SecondRow(), EosTokenCriteria(5)])
    assert criteria(IDS, None).tolist() == [True, True]
    assert StoppingCriteriaList()(IDS, None).tolist() == [False, False]


@pytest.mark.parametrize(
    ("ids", "stop_strings", "wanted"),
    [
        ([0, 1], "stop", True),  # " st" + "opped": the token may go on
        ([1, 0], "stop", False),
        ([0, 1, 2], "stop", False),  # completed one token earlier
        ([2, 2], "aa", True),
        ([2], "aa", False),
        ([3], "aa", True),  # "xaay": inside one token
        ([0, 1], ["never", "ped"], True),
        ([2, 4], "a", False),  # the last token is empty
    ],
)
def test_stop_strings(piece_tokenizer, ids, stop_strings, wanted):
    tokenizer = piece_tokenizer(" st", "opped", "a", "xaay", "")
    assert ends(StopStringCriteria(tokenizer, stop_strings), np.array([ids])) == [wanted]


def test_a_stop_string_may_be_the_first_token_with_its_space(piece_tokenizer):
    assert ends(StopStringCriteria(piece_tokenizer(" st"), " s"), np.array([[0]])) == [True]


def test_a_criterion_without_call_says_so():
    with pytest.raises(NotImplementedError, match="StoppingCriteria has no __call__"):
        StoppingCriteria()(IDS, None)


def byte_level_tokenizer():
    """Trained on a few words: most tokens are single bytes."""
    transformers = pytest.importorskip("transformers")
    backend = pytest.importorskip("tokenizers").ByteLevelBPETokenizer()
    words = ["the cat stopped. über Stöpsel 你好 stop\nstops stop-start été"] * 3
    backend.train_from_iterator(words, vocab_size=290, show_progress=False)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend._tokenizer, bos_token="<s>"
    )


def sentencepiece_tokenizer():
    """As Llama-2's: "▁" is a space, the first of which is dropped, and bytes are a fallback."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    pieces = [*"abcdefgst op", "▁", "▁st", "op", "▁the", "stop", "p▁s", "▁stops"]
    pieces = ["<unk>", "<s>", *pieces, *(f"<0x{byte:02X}>" for byte in range(256))]
    vocab = {piece: number for number, piece in enumerate(pieces)}
    backend = tokenizers.Tokenizer(
        tokenizers.models.BPE(vocab=vocab, merges=[], unk_token="<unk>", byte_fallback=True)
    )
    backend.normalizer = tokenizers.normalizers.Sequence(
        [tokenizers.normalizers.Prepend("▁"), tokenizers.normalizers.Replace(" ", "▁")]
    )
    backend.decoder = tokenizers.decoders.Sequence(
        [
            tokenizers.decoders.Replace("▁", " "),
            tokenizers.decoders.ByteFallback(),
            tokenizers.decoders.Fuse(),
            tokenizers.decoders.Strip(" ", 1, 0),
        ]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", unk_token="<unk>"
    )


@pytest.mark.parity
@pytest.mark.parametrize("make_tokenizer", [byte_level_tokenizer, sentencepiece_tokenizer])
@pytest.mark.parametrize("stop_strings", ["stop", "ö", " st", ["你好", "op"], "p s", "<s>"])
def test_stop_strings_equal_transformers(make_tokenizer, stop_strings):
    torch = pytest.importorskip("torch")
    theirs = pytest.importorskip("transformers.generation.stopping_criteria")
    tokenizer = make_tokenizer()
    their_criterion = theirs.StopStringCriteria(tokenizer, stop_strings)
    our_criterion = StopStringCriteria(tokenizer, stop_strings)
    numbers = np.random.default_rng(0)
    whole_pieces = [
        number for piece, number in tokenizer.get_vocab().items() if not piece.startswith("<0x")
    ]
    found = 0
    for _ in range(300):
        text = numbers.choice([*np.atleast_1d(stop_strings), "the"])
        middle = tokenizer(str(text), add_special_tokens=False)["input_ids"]
        before = numbers.choice(whole_pieces, numbers.integers(0, 4))
        after = numbers.choice(whole_pieces, numbers.integers(0, 2))
        ids = np.array([[*before, *middle, *after]])
        wanted = their_criterion(torch.tensor(ids), None).tolist()
        assert our_criterion(ids, None).tolist() == wanted, (ids, tokenizer.decode(ids[0]))
        found += wanted[0]
    assert 20 < found < 250
