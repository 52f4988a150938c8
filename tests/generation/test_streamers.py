"""Which text comes out after which token."""

import queue
import threading

import numpy as np
import pytest

from tinyhf.errors import ArgumentError
from tinyhf.generation import BaseStreamer, TextIteratorStreamer, TextStreamer

PIECES = ("Once", " upon", " a", " time", ".\n", "Then", "你", "好", "s ")


class Pieces(TextStreamer):
    """Keeps what the base class would write."""

    def __init__(self, *arguments, **kwargs):
        super().__init__(*arguments, **kwargs)
        self.written = []

    def on_finalized_text(self, text, stream_end=False):
        self.written.append(text + ("|" if stream_end else ""))


def stream(streamer, prompt, *tokens):
    streamer.put(np.array([prompt]))
    for token in tokens:
        streamer.put(np.array([token]))
    streamer.end()
    return streamer.written


def test_words_come_out_when_the_next_one_begins(piece_tokenizer):
    streamer = Pieces(piece_tokenizer(*PIECES))
    written = stream(streamer, [0], 1, 2, 3)
    assert written == ["", "Once ", "upon ", "a ", "time|"]


def test_a_line_end_and_ideographs_come_out_at_once(piece_tokenizer):
    streamer = Pieces(piece_tokenizer(*PIECES))
    written = stream(streamer, [0, 1], 4, 5, 6, 7, 5)
    assert written == ["Once ", "upon.\n", "", "Then你", "好", "", "Then|"]


def test_skip_prompt_also_in_the_next_call(piece_tokenizer):
    streamer = Pieces(piece_tokenizer(*PIECES), skip_prompt=True)
    assert stream(streamer, [0, 1], 8) == ["s ", "|"]
    assert stream(streamer, [0, 1], 8) == ["s ", "|"] * 2


def test_nothing_streamed_is_nothing_written(piece_tokenizer):
    streamer = Pieces(piece_tokenizer(*PIECES))
    streamer.end()
    assert streamer.written == ["|"]


def test_text_streamer_writes_to_standard_output(piece_tokenizer, capsys):
    streamer = TextStreamer(piece_tokenizer(*PIECES))
    streamer.put(np.array([[0, 1]]))
    streamer.end()
    assert capsys.readouterr().out == "Once upon\n"


def test_decode_arguments_reach_the_tokenizer():
    asked = []

    class Tokenizer:
        def decode(self, ids, **kwargs):
            asked.append(kwargs)
            return ""

    TextStreamer(Tokenizer(), skip_special_tokens=True).put(np.array([1]))
    assert asked == [{"skip_special_tokens": True}]


def test_more_than_one_row(piece_tokenizer):
    with pytest.raises(ArgumentError, match=r"one row only \(wanted batch 1, got 2\)"):
        TextStreamer(piece_tokenizer(*PIECES)).put(np.array([[0], [1]]))


def test_iterator_gives_the_text_of_another_thread(piece_tokenizer, counting_model):
    streamer = TextIteratorStreamer(piece_tokenizer(*"a b c d e "), timeout=5.0)
    arguments = {"inputs": [[0]], "max_new_tokens": 4, "streamer": streamer}
    thread = threading.Thread(target=counting_model().generate, kwargs=arguments)
    thread.start()
    assert "".join(streamer) == "a b c"
    thread.join()


def test_iterator_waits_no_longer_than_its_timeout(piece_tokenizer):
    with pytest.raises(queue.Empty):
        next(TextIteratorStreamer(piece_tokenizer("a"), timeout=0.01))


def test_the_base_class_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="BaseStreamer has no put"):
        BaseStreamer().put(None)
    with pytest.raises(NotImplementedError, match="BaseStreamer has no end"):
        BaseStreamer().end()


@pytest.mark.parity
def test_pieces_equal_transformers(piece_tokenizer):
    theirs = pytest.importorskip("transformers").TextStreamer
    torch = pytest.importorskip("torch")

    class TheirPieces(theirs):
        def on_finalized_text(self, text, stream_end=False):
            self.written.append(text + ("|" if stream_end else ""))

    numbers = np.random.default_rng(0)
    for skip_prompt in (False, True):
        for _ in range(20):
            ids = numbers.integers(0, len(PIECES), 12).tolist()
            ours = Pieces(piece_tokenizer(*PIECES), skip_prompt)
            theirs = TheirPieces(piece_tokenizer(*PIECES), skip_prompt)
            theirs.written = []
            theirs.put(torch.tensor([ids[:3]]))
            for token in ids[3:]:
                theirs.put(torch.tensor([token]))
            theirs.end()
            assert stream(ours, ids[:3], *ids[3:]) == theirs.written
