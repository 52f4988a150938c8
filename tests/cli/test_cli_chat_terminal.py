"""``tinyhf chat`` at real terminals: a test types and reads the screen."""

import importlib.util
import json
import shutil

import pytest

from tests.cli.terminals import CTRL_C, CTRL_D, ENTER, Pty, Tmux, chat
from tests.cli.tiny_folder import TEMPLATE
from tinyhf.hub import bundled_folder

if importlib.util.find_spec("termios") is None:
    pytest.skip("needs the terminals of Unix", allow_module_level=True)

without_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    """The story model, which now knows no end of a story."""
    folder = tmp_path_factory.mktemp("models") / "endless"
    shutil.copytree(bundled_folder("tinyhf/little-tales"), folder)
    change_json(folder / "generation_config.json", eos_token_id=None)
    change_json(folder / "config.json", eos_token_id=None, max_position_embeddings=100_000)
    return folder


@pytest.fixture(scope="module")
def talker(endless):
    """The same with a chat template."""
    folder = shutil.copytree(endless, endless.parent / "talker")
    change_json(folder / "tokenizer_config.json", chat_template=TEMPLATE)
    return folder


def change_json(path, **fields):
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


@pytest.fixture(params=[Pty, pytest.param(Tmux, marks=[without_tmux, pytest.mark.slow])])
def open_terminal(request, tmp_path):
    """Opens a chat in a terminal, whose working folder is ``tmp_path``."""
    opened = []

    def open_it(*options):
        opened.append(request.param(chat(*options), tmp_path))
        opened[0].wait_for("listens", "\n>")
        return opened[0]

    yield open_it
    for terminal in opened:
        terminal.close()


def test_a_story_is_told_stopped_gone_on_with_and_saved(open_terminal, endless, tmp_path):
    terminal = open_terminal("--model", endless, "--seed", 1, "--max-new-tokens", 90_000)
    terminal.wait_for("no chat template: it goes on with the text as it stands")
    terminal.type("Once upon a time" + ENTER)
    screen = terminal.wait_for("> Once upon a time\n", ".")  # while it is made …
    assert "\n>" not in screen.partition("upon a time\n")[2]  # … since no new prompt is there
    terminal.type(CTRL_C)
    terminal.wait_for("upon a time\n", "\n>")

    terminal.type("/save story.txt" + ENTER)
    terminal.wait_for("Saved in story.txt")
    story = (tmp_path / "story.txt").read_text()
    assert story.startswith("Once upon a time")
    assert story[16:40] in screen.partition("upon a time\n")[2]

    terminal.type("The dog" + ENTER)
    terminal.wait_for("> The dog\n", " ")
    terminal.type(CTRL_C)
    terminal.wait_for("> The dog\n", "\n>")
    terminal.type("/save more.txt" + ENTER)
    terminal.wait_for("Saved in more.txt")
    more = (tmp_path / "more.txt").read_text()
    assert more.startswith(story.rstrip("\n"))
    assert "The dog" in more[len(story.rstrip("\n")) :]

    terminal.type("/reset" + ENTER)
    terminal.wait_for("begins anew", "\n>")
    terminal.type("forgotten")
    terminal.wait_for("forgotten")
    terminal.type(CTRL_C)
    terminal.wait_for("forgotten", "\n>")
    terminal.type("/exti" + ENTER)
    terminal.wait_for("forgotten", "there is no command /exti. Did you mean /exit?", "\n>")
    terminal.type(CTRL_D)
    assert "Traceback" not in terminal.wait_for("\nended with 0")


def test_a_chat_has_a_system_message_and_a_history(open_terminal, talker, tmp_path):
    terminal = open_terminal("--model", talker, "--greedy", "--max-new-tokens", 5)
    terminal.type("/system Be kind" + ENTER)
    terminal.wait_for("told this first", "\n>")
    for number, text in enumerate(("Hello", "Good"), start=1):
        terminal.type(text + ENTER)
        terminal.wait_for(f"> {text}\n", "\n>")
        terminal.type(f"/save {number}.json" + ENTER)
        terminal.wait_for(f"Saved in {number}.json", "\n>")
    first, second = (json.loads((tmp_path / f"{n}.json").read_text()) for n in (1, 2))
    assert [message["role"] for message in second] == ["system", *["user", "assistant"] * 2]
    assert second[:3] == first
    assert second[2]["content"].strip() in terminal.screen()
    terminal.type("/exit" + ENTER)
    terminal.wait_for("\nended with 0")
