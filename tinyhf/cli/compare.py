"""Floor 8 · ``tinyhf compare``: where two runs of a model begin to differ."""

import importlib
from pathlib import Path

from tinyhf.cli.trace import load_with_inputs, read_prompt
from tinyhf.configuration import AutoConfig
from tinyhf.errors import ArgumentError, MissingExtraError
from tinyhf.hub.bundled import bundled_folder
from tinyhf.inspection import compare
from tinyhf.models.auto import stored_class

EXAMPLES = """examples:
  tinyhf compare ours.safetensors theirs.safetensors
  tinyhf compare t.safetensors ./their-arrays --rename blk=model.layers
  tinyhf compare tinyhf/little-tales --against transformers --prompt "Once upon a time"
"""


def add_options(command):
    """The two sides, and how names of one are called in the other."""
    command.add_argument(
        "a", metavar="A", help="a file or folder with a trace or arrays by name, or a model"
    )
    command.add_argument("b", metavar="B", nargs="?", help="the other one")
    command.add_argument(
        "--against", choices=["transformers"], help="in place of B: A, run by transformers"
    )
    command.add_argument("--prompt", default="Once upon a time", help="what two models read")
    command.add_argument(
        "--rename",
        metavar="B_NAME=A_NAME",
        action="append",
        default=[],
        help="what a name of B, or its beginning, is called in A",
    )
    command.add_argument("--names", metavar="GLOB", action="append", help="compare only these")
    command.add_argument("--all", action="store_true", help="show every stage")
    command.add_argument("--device", default="cpu", help='where tinyhf runs: "cpu" (default) …')
    command.add_argument("--dtype", help='of models: "float32" (default), "bfloat16" …')


def command(args):
    """Find the first stage in which two runs of a model differ; exit code 1 if there is one."""
    if (args.b is None) == (args.against is None):
        raise ArgumentError("give either B or --against transformers", where="tinyhf compare")
    settings = {"rename": renames(args.rename), "names": args.names}
    if args.against is None:
        a, b = side(args.a, args), side(args.b, args)
        both_run = not isinstance(a, str) and not isinstance(b, str)
        inputs = read_prompt(args.a, a.config, args.prompt) if both_run else None
        found = compare(a, b, inputs=inputs, **settings)
    else:
        ours, theirs, inputs = both(args)
        found = compare(ours, theirs, inputs=inputs, **settings)
    print(found.table(all=args.all), found.summary(), sep="\n\n")
    return 0 if found else 1


def renames(pairs):
    """``["blk=model.layers"]`` as a dict."""
    wrong = next((pair for pair in pairs if pair.count("=") != 1), None)
    if wrong is not None:
        raise ArgumentError("not a pair", where="--rename", wanted="B_NAME=A_NAME", got=wrong)
    return dict(pair.split("=") for pair in pairs) or None


def side(name, args):
    """A model, if it comes with tinyhf or is a folder with a config; else the file or folder."""
    if not (bundled_folder(name) or Path(name) / "config.json").exists():
        return name
    config = AutoConfig.from_pretrained(name)
    return stored_class(config).from_pretrained(
        name, config=config, dtype=args.dtype, device_map=args.device
    )


def both(args):
    """(our model, transformers' of the same class, inputs).

    Raises:
        MissingExtraError: transformers or torch is not installed.
        ArgumentError: transformers does not know this class.
    """
    try:
        importlib.import_module("torch")
        transformers = importlib.import_module("transformers")
    except ImportError as error:
        problem = "--against transformers needs torch and transformers, not installed"
        fix = "Install them with: pip install 'tinyhf[parity]'"
        raise MissingExtraError(problem, fix=fix) from error
    args.model = args.a
    ours, inputs = load_with_inputs(args)
    kind = type(ours).__name__
    if not hasattr(transformers, kind):
        raise ArgumentError(f"transformers has no {kind}", where="--against transformers")
    name = bundled_folder(args.a) or args.a
    theirs = getattr(transformers, kind).from_pretrained(name, dtype=args.dtype or "float32")
    return ours, theirs.eval(), inputs
