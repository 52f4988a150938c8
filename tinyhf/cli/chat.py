"""Floor 8 · ``tinyhf chat``: a conversation at the terminal.

what is typed ── a /command ── changes or saves the conversation
              └─ else ── messages ── those that fit the context ── answer, as it is made
"""

import contextlib
import sys

from tinyhf.cli.chat_commands import obey
from tinyhf.cli.conversation import Conversation
from tinyhf.cli.messages import note, tell
from tinyhf.cli.options import (
    BUNDLED_MODEL,
    add_model_options,
    add_sampling_options,
    generation_settings,
)
from tinyhf.errors import TinyHFError
from tinyhf.pipelines import pipeline

EXAMPLES = """examples:
  tinyhf chat
  tinyhf chat --model TinyLlama/TinyLlama-1.1B-Chat-v1.0 --system "Answer in one sentence."
"""


def add_options(command):
    """The model, what it is told first, and how to write."""
    add_model_options(command, BUNDLED_MODEL, f"{BUNDLED_MODEL}, which tells stories")
    command.add_argument("--system", metavar="TEXT", help="what the model is told first")
    add_sampling_options(command)


def command(args):
    """Chat with a model; /help shows what else can be typed."""
    settings = generation_settings(args)
    pipe = pipeline("text-generation", args.model, dtype=args.dtype, device_map=args.device)
    conversation = Conversation(pipe, settings)
    if args.system is not None:
        conversation.set_system(args.system)
    with contextlib.suppress(ImportError):  # Windows has none
        import readline  # noqa: F401  (gives input() arrow keys and a history)
    note(f"{args.model} listens. /help shows the commands, Ctrl-D leaves.")
    if not conversation.has_template:
        note(
            "This model has no chat template: it goes on with the text as it stands, what you type"
            " is put behind it, and an empty line lets it go on."
        )
    talk(conversation)


def talk(conversation):
    """Turn by turn, until Ctrl-D or /exit; Ctrl-C ends an answer, or drops the line typed."""
    while True:
        try:
            line = next_line()
            if line.startswith("/"):
                obey(conversation, line)
            elif line.strip() or conversation.can_go_on:
                conversation.answer(line)
        except EOFError:
            return
        except KeyboardInterrupt:
            print()
        except TinyHFError as error:
            tell(error)


def next_line():
    """What is typed, or the next line of a pipe. Raises EOFError when there is no more."""
    if not sys.stdin.isatty():
        return input()
    try:
        return input("> ")
    except EOFError:
        print()  # the shell goes on in a new line
        raise
