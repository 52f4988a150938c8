"""The real command at a real terminal: text appears while it is made, and it can be stopped."""

import os
import signal
import subprocess
import sys

import pytest

pty = pytest.importorskip("pty", reason="needs the terminals of Unix")

PROMPT = "Once upon a time"


@pytest.fixture
def command(tiny):
    """Would write for a long time: the random model knows no end."""
    options = ["--model", str(tiny), "--seed=1", "--max-new-tokens=9000"]
    return [sys.executable, "-m", "tinyhf", "generate", PROMPT, *options]


@pytest.fixture
def at_a_terminal(command):
    """The process in a terminal of its own, and the text read so far, which is a bit of its own."""
    ours, its = pty.openpty()
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=subprocess.PIPE) as process:
        os.close(its)
        text = ""
        while len(text) < len(PROMPT) + 20:
            text += os.read(ours, 4096).decode(errors="replace")
        yield process, text
        process.kill()
    os.close(ours)


def test_text_streams_before_the_end(at_a_terminal):
    process, text = at_a_terminal
    assert text.startswith(PROMPT)
    assert process.poll() is None


def test_ctrl_c_ends_quietly(at_a_terminal):
    process, _ = at_a_terminal
    process.send_signal(signal.SIGINT)
    err = process.stderr.read()
    assert process.wait() == 130
    assert b"Traceback" not in err
    assert b"error" not in err


def test_a_reader_that_has_enough_ends_it_quietly(command):
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.read(4) == b"Once"
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait() == 0
    assert b"Traceback" not in err
    assert b"error" not in err
