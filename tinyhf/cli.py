"""Floor 8 · The command ``tinyhf``: generate text, and look into a model without loading it.

Only what was asked for goes to the standard output; notes, progress and errors go to the standard
error. Exit codes: 0 done, 2 something a user can put right, 1 anything else, 130 stopped by Ctrl-C
or from the debugger.
"""

import argparse
import bdb
import logging
import os
import sys
from contextlib import contextmanager

import tinyhf
from tinyhf.errors import ArgumentError, TinyHFError, logger
from tinyhf.generation import TextStreamer
from tinyhf.pipelines import SUPPORTED_TASKS, pipeline

BUNDLED_MODEL, _ = SUPPORTED_TASKS["text-generation"]["default"]["model"]
DEFAULT_PROMPT = "Once upon a time"

GENERATE_EXAMPLES = """examples:
  tinyhf generate "Once upon a time"
  tinyhf generate "The cat" --temperature 0.7 --top-p 0.95 --seed 1
  tinyhf generate "Hello" --model TinyLlama/TinyLlama-1.1B-Chat-v1.0 --dtype bfloat16 --greedy
  echo "One day" | tinyhf generate --max-new-tokens 50
"""
INSPECT_EXAMPLES = """examples:
  tinyhf inspect tinyhf/little-tales
  tinyhf inspect ./my-model
"""


def main(argv=None):
    """Run one command; returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    with notes_on_stderr():
        try:
            args = build_parser().parse_args(argv)
            args.command(args)
            sys.stdout.flush()  # a pipe that is closed shows here, not after the end of main
            return 0
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


def tell(error):
    """One line about what went wrong, and the exit code for it."""
    if isinstance(error, TinyHFError):
        print(f"tinyhf: error: {error}", file=sys.stderr)
        return 2
    words = " ".join([type(error).__name__, *str(error).split()])
    print(f"tinyhf: error: {words} (--debug shows where it happened)", file=sys.stderr)
    return 1


@contextmanager
def notes_on_stderr():
    """Inside, what the library logs is shown as ``tinyhf: note: …``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("tinyhf: note: %(message)s"))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


# ---- the commands --------------------------------------------------------------------------------


def generate(args):
    """Continue a prompt; the text appears as it is made."""
    settings = generation_settings(args)
    prompt = read_prompt(args.prompt)
    pipe = pipeline("text-generation", args.model, dtype=args.dtype, device_map=args.device)
    check_context(pipe, prompt, args.model)
    streamer = WholeTextStreamer(pipe.tokenizer, skip_special_tokens=True)
    pipe(prompt, streamer=streamer, **settings)


def inspect(args):
    """Show what would be loaded, and why; no weights are read."""
    from tinyhf.inspection import plan_load, show_plan  # rich is needed for this command only

    plan = plan_load(args.model)
    show_plan(plan)
    if plan.error is not None:  # from_pretrained would end with it
        raise plan.error


class WholeTextStreamer(TextStreamer):
    """Decodes the text as a whole, line ends included.

    A new start after each line, as in TextStreamer, is faster, but some decoders drop the space
    before the first word they are given.
    """

    def _forget_tokens(self):
        pass


def generation_settings(args):
    """The keywords for ``generate`` that the command line names, checked before anything loads."""
    names = ("max_new_tokens", "temperature", "top_k", "top_p", "repetition_penalty", "seed")
    given = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    sampling = [name for name in given if name in ("temperature", "top_k", "top_p", "seed")]
    if args.greedy and sampling:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in sampling)
        raise ArgumentError(
            "greedy decoding takes the most probable token, it draws none",
            where=f"--greedy with {options}",
            fix=f"Leave out --greedy, or {options}.",
        )
    tinyhf.GenerationConfig(**given)  # refuses impossible values
    if args.greedy or sampling:
        given["do_sample"] = not args.greedy
    return given


def read_prompt(prompt):
    """The prompt given, or the one in the pipe, or, at a terminal, a first one to try.

    Raises:
        ArgumentError: there is nothing in it.
    """
    if prompt is None and sys.stdin.isatty():
        return DEFAULT_PROMPT
    if prompt in (None, "-"):
        prompt = sys.stdin.read().removesuffix("\n")
    if not prompt.strip():
        fix = f'Write the beginning of a text, such as "{DEFAULT_PROMPT}".'
        raise ArgumentError("there is nothing in it", where="prompt", fix=fix)
    return prompt


def check_context(pipe, prompt, name):
    """Refuse a prompt that leaves no room for an answer."""
    tokens = len(pipe.tokenizer(prompt)["input_ids"])
    context = getattr(pipe.model.config, "max_position_embeddings", None)
    if context is not None and tokens >= context:
        raise ArgumentError(
            "the prompt is longer than this model can read",
            where=name,
            wanted=f"less than {context} tokens (max_position_embeddings)",
            got=tokens,
            fix="Shorten it.",
        )


# ---- the command line ----------------------------------------------------------------------------


class Parser(argparse.ArgumentParser):
    """Wrong options end as all errors do: with one sentence."""

    def error(self, message):
        raise ArgumentError(message, fix=f"See: {self.prog} --help")


def build_parser():
    """All commands and their options."""
    parser = Parser(
        prog="tinyhf",
        description="HuggingFace Transformers in plain NumPy arrays, so that you can see it.",
        epilog=GENERATE_EXAMPLES + INSPECT_EXAMPLES.partition("\n")[2],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"tinyhf {tinyhf.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_generate_options(add_command(commands, generate, GENERATE_EXAMPLES))
    inspecting = add_command(commands, inspect, INSPECT_EXAMPLES)
    inspecting.add_argument("model", metavar="MODEL", help="a folder, or a name on the hub")
    return parser


def add_command(commands, function, examples):
    """The command that runs ``function(args)``, with the option all commands share."""
    command = commands.add_parser(
        function.__name__,
        help=function.__doc__,
        description=function.__doc__,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.set_defaults(command=function)
    command.add_argument("--debug", action="store_true", help="show where an error happened")
    return command


def add_generate_options(command):
    """The prompt and the options of ``tinyhf generate``."""
    command.add_argument(
        "prompt",
        metavar="PROMPT",
        nargs="?",
        help=f'the beginning of the text; "-" or a pipe reads it from the standard input; '
        f'without one, "{DEFAULT_PROMPT}"',
    )
    command.add_argument(
        "--model",
        default=BUNDLED_MODEL,
        help="a folder, or a name on the hub (default: %(default)s, which comes with tinyhf)",
    )
    command.add_argument("--device", default="cpu", help='"cpu" (default), "cuda" or "auto"')
    command.add_argument(
        "--dtype",
        help='how weights are kept in memory: "float32" (default), "float16", "bfloat16", or "auto"'
        " for the type they have in the files",
    )
    how = command.add_argument_group("how to write", "what is not given, the model's files decide")
    how.add_argument("--max-new-tokens", type=int, metavar="N", help="stop after N tokens")
    how.add_argument("--greedy", action="store_true", help="always the most probable token")
    how.add_argument("--temperature", type=float, metavar="T", help="below 1 safer, above 1 wilder")
    how.add_argument("--top-k", type=int, metavar="K", help="draw from the K most probable tokens")
    how.add_argument("--top-p", type=float, metavar="P", help="… from those that make up P in all")
    how.add_argument("--repetition-penalty", type=float, metavar="R", help="above 1: repeat less")
    how.add_argument("--seed", type=int, metavar="S", help="the same seed gives the same text")
