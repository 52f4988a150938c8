"""Floor 8 · The command ``tinyhf``: use a model from a terminal, or look into it.

Only what was asked for goes to the standard output; notes, progress and errors go to the standard
error. Exit codes: 0 done, 2 something a user can put right, 1 anything else (for ``compare``: there
is a difference), 130 stopped by Ctrl-C or from the debugger.

Reading order: messages → options → streaming → tables, then one file a command: its examples, its
options, and ``command(args)``, whose first line is its help.
"""

import argparse
import bdb
import os
import sys

import tinyhf
from tinyhf.cli import chat, compare, download, env, generate, inspect, run, trace
from tinyhf.cli.messages import notes_on_stderr, tell
from tinyhf.cli.options import Parser, with_dashes

COMMANDS = {
    "generate": generate,
    "run": run,
    "chat": chat,
    "inspect": inspect,
    "trace": trace,
    "compare": compare,
    "download": download,
    "env": env,
}


def main(argv=None):
    """Run one command; returns the exit code."""
    argv = with_dashes(sys.argv[1:] if argv is None else argv)
    with notes_on_stderr():
        try:
            args = build_parser().parse_args(argv)
            code = args.command(args) or 0
            sys.stdout.flush()  # a pipe that is closed shows here, not after the end of main
            return code
        except KeyboardInterrupt:
            print(file=sys.stderr)  # the shell goes on in a new line
            return 130
        except bdb.BdbQuit:  # `q` in the debugger
            return 130
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except Exception as error:
            if "--debug" in argv:
                raise
            return tell(error)


def build_parser():
    """All commands and their options."""
    examples = "".join(module.EXAMPLES.partition("\n")[2] for module in COMMANDS.values())
    parser = Parser(
        prog="tinyhf",
        description="HuggingFace Transformers in plain NumPy arrays, so that you can see it.",
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tinyhf {tinyhf.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        add_command(commands, name, module)
    return parser


def add_command(commands, name, module):
    """The command of one file, with the option all commands share."""
    help = module.command.__doc__.partition("\n")[0]
    command = commands.add_parser(
        name,
        help=help,
        description=help,
        epilog=module.EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.set_defaults(command=module.command)
    module.add_options(command)
    command.add_argument("--debug", action="store_true", help="show where an error happened")
