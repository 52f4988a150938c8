"""Floor 8 · What can be typed into a chat besides messages: ``/help`` and its like."""

import difflib
import json
from pathlib import Path

from tinyhf.cli.messages import note
from tinyhf.errors import ArgumentError


def show_help(conversation, text):
    """/help: show this."""
    for function in COMMANDS.values():
        print(function.__doc__)
    print("Ctrl-C: end an answer. Ctrl-D: leave. A space before the / makes it a message.")


def reset(conversation, text):
    """/reset: forget what was said; what the model was told first stays."""
    conversation.messages = []
    note("The conversation begins anew.")


def set_system(conversation, text):
    """/system TEXT: what the model is told first, from the next answer on; no TEXT: nothing."""
    conversation.set_system(text)
    note("From now on the model is told this first." if text else "The model is told nothing.")


def save(conversation, text):
    """/save FILE: write the conversation as text, or as messages if FILE ends with .json."""
    if not text:
        fix = "Write /save FILE"
        raise ArgumentError("it needs the name of a file", where="/save", fix=fix)
    path, messages = Path(text).expanduser(), conversation.all_messages()
    if path.suffix == ".json":
        content = json.dumps(messages, ensure_ascii=False, indent=2)
    else:
        content = conversation.as_text(messages)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(content + "\n")
    except FileExistsError as error:
        fix = "Choose another name"
        raise ArgumentError("there is such a file already", where=str(path), fix=fix) from error
    except OSError as error:
        raise ArgumentError(f"cannot be written: {error.strerror}", where=str(path)) from error
    note(f"Saved in {path}.")


def leave(conversation, text):
    """/exit: leave."""
    raise EOFError


COMMANDS = {
    "/help": show_help,
    "/reset": reset,
    "/system": set_system,
    "/save": save,
    "/exit": leave,
}


def obey(conversation, line):
    """Run the command on ``line``.

    Raises:
        ArgumentError: there is no such command, or it cannot be done.
        EOFError: the user leaves.
    """
    name, _, text = line.partition(" ")
    if name not in COMMANDS:
        nearest = difflib.get_close_matches(name, COMMANDS, n=1)
        fix = f"Did you mean {nearest[0]}?" if nearest else "Choose one: " + " ".join(COMMANDS)
        raise ArgumentError(f"there is no command {name}", fix=fix)
    COMMANDS[name](conversation, text.strip())
