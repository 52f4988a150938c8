"""``tinyhf generate --stop-at NAME``: the debugger opens in the stage, in a real process."""

import subprocess
import sys

PROMPT = [sys.executable, "-m", "tinyhf", "generate", "Once upon a time", "--max-new-tokens", "1"]


def run(name, typed):
    command = [*PROMPT, "--stop-at", name]
    return subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60)


def test_the_debugger_opens_in_the_stage():
    done = run("model.layers.2.self_attn.scores", "p scores.shape\np self.layer_idx\ncontinue\n")
    assert done.returncode == 0, done.stderr
    assert "model.layers.2.self_attn.scores: (1, 8, 5, 5) float32" in done.stdout
    assert "(Pdb) (1, 8, 5, 5)\n(Pdb) 2\n" in done.stdout


def test_quit_ends_the_command():
    done = run("model.norm", "quit\n")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr


def test_a_name_that_no_value_has():
    done = run("model.layers.2.self_attn.skores", "")
    assert done.returncode == 2
    *_, sentence = done.stderr.splitlines()
    assert sentence.startswith(
        "tinyhf: error: stop_at: model.layers.2.self_attn.skores: no value had this name. "
        "Nearest: model.layers.2.self_attn.scores"
    )
