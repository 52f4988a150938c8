"""Floor 8 · The command line: how options are read, and those that several commands share.

The options that ``run_generation.py`` of transformers' examples had are other names of ours.
"""

import argparse

from tinyhf.configuration import GenerationConfig
from tinyhf.errors import ArgumentError
from tinyhf.pipelines import SUPPORTED_TASKS

BUNDLED_MODEL, _ = SUPPORTED_TASKS["text-generation"]["default"]["model"]

SETTINGS = (
    "max_new_tokens",
    "num_return_sequences",
    "temperature",
    "top_k",
    "top_p",
    "repetition_penalty",
    "seed",
)
DRAWING = ("num_return_sequences", "temperature", "top_k", "top_p", "seed")


class Parser(argparse.ArgumentParser):
    """Wrong options end as all errors do: with one sentence."""

    def error(self, message):
        raise ArgumentError(message, fix=f"See: {self.prog} --help")


def with_dashes(argv):
    """``--top_k=5`` is ``--top-k=5``; what stands behind ``--`` is no option."""
    end = argv.index("--") if "--" in argv else len(argv)
    return [with_dashes_before_value(word) for word in argv[:end]] + argv[end:]


def with_dashes_before_value(word):
    """One word of the command line."""
    name, equals, value = word.partition("=")
    is_option = name.startswith("--") and not any(map(str.isspace, name))
    return (name.replace("_", "-") if is_option else name) + equals + value


def add_model_options(command, default, default_help):
    """Which model, where, and how it is kept in memory."""
    command.add_argument(
        "--model",
        "--model-name-or-path",
        metavar="MODEL",
        default=default,
        help=f"a folder, or a name on the hub (default: {default_help})",
    )
    command.add_argument("--device", default="cpu", help='"cpu" (default), "cuda" or "auto"')
    command.add_argument(
        "--dtype",
        help='how weights are kept in memory: "float32" (default), "float16", "bfloat16", or "auto"'
        " for the type they have in the files",
    )


def add_sampling_options(command):
    """How the next token is chosen, and when to stop; returns the group."""
    how = command.add_argument_group("how to write", "what is not given, the model's files decide")
    how.add_argument(
        "--max-new-tokens", "--length", type=int, metavar="N", help="stop after N tokens"
    )
    how.add_argument("--greedy", action="store_true", help="always the most probable token")
    how.add_argument("--temperature", type=float, metavar="T", help="below 1 safer, above 1 wilder")
    how.add_argument(
        "--top-k", "--k", type=int, metavar="K", help="draw from the K most probable tokens"
    )
    how.add_argument(
        "--top-p", "--p", type=float, metavar="P", help="… from those that make up P in all"
    )
    how.add_argument("--repetition-penalty", type=float, metavar="R", help="above 1: repeat less")
    how.add_argument("--seed", type=int, metavar="S", help="the same seed gives the same text")
    return how


def generation_settings(args):
    """The keywords for ``generate`` that the command line names, checked before anything loads.

    Raises:
        ArgumentError: an impossible value, or one that greedy decoding would ignore.
    """
    given = {name: value for name in SETTINGS if (value := getattr(args, name, None)) is not None}
    drawing = [name for name in given if name in DRAWING]
    if args.greedy and drawing:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in drawing)
        raise ArgumentError(
            "greedy decoding takes the most probable token, it draws none",
            where=f"--greedy with {options}",
            fix=f"Leave out --greedy, or {options}.",
        )
    if args.greedy or drawing:
        given["do_sample"] = not args.greedy
    GenerationConfig(**given)  # refuses impossible values
    return given
