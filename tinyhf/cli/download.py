"""Floor 8 · ``tinyhf download``: a repository's files, into the cache that loading reads."""

import fnmatch
import os
from pathlib import Path

from tinyhf.backend import human_size
from tinyhf.cli.messages import note
from tinyhf.errors import HubError
from tinyhf.hub import HubOptions, bundled_folder, cached_file

EXAMPLES = """examples:
  tinyhf download HuggingFaceTB/SmolLM2-135M-Instruct
  tinyhf download gpt2 --mirror https://hub.example.org
  tinyhf download gpt2 config.json "tokenizer*"
"""

#: What loading may ask for; all other files are fetched only when they are named.
READ_BY_TINYHF = ("*.json", "*.txt", "*.jinja", "*.model", "*.spm", "*.safetensors")
TORCH_WEIGHTS = "pytorch_model*.bin"


def add_options(command):
    """The repository, and which files of it, from where."""
    command.add_argument("repo", metavar="REPO", help='a repository on the hub, "owner/name"')
    command.add_argument(
        "files",
        metavar="FILE",
        nargs="*",
        help='files or patterns, such as "*.md"; without any, those that tinyhf reads',
    )
    command.add_argument("--mirror", metavar="URL", help="another hub, as HF_ENDPOINT names it")
    command.add_argument("--revision", metavar="R", help='branch, tag or commit (default: "main")')
    command.add_argument("--token", metavar="T", help="access token, if not from `hf auth login`")


def command(args):
    """Fetch a model's files into the cache, and show where they lie."""
    if args.mirror is not None:
        os.environ["HF_ENDPOINT"] = args.mirror  # the hub's client reads it when it is imported
    if folder := local_folder(args.repo):
        note(f"{args.repo} lies on this computer, there is nothing to download.")
        show(folder, sorted(path.name for path in folder.iterdir() if path.is_file()))
        return
    options = HubOptions(revision=args.revision, token=args.token)
    names = choose(list_files(args.repo, options), args.files, args.repo)
    for name in names:
        path = Path(cached_file(args.repo, name, options))
    show(path.parents[name.count("/")], names)


def local_folder(name):
    """The folder that loading takes for ``name`` without asking the hub, or None."""
    return Path(name) if Path(name).is_dir() else bundled_folder(name)


def list_files(name, options):
    """The names of all files of a repository. Raises HubError."""
    from huggingface_hub import HfApi, constants

    from tinyhf.hub.explain import explain
    from tinyhf.hub.repository import FAILURES

    if constants.HF_HUB_OFFLINE:
        fix = "Unset HF_HUB_OFFLINE"
        raise HubError("offline mode forbids a download", where=name, fix=fix)
    try:
        info = HfApi().model_info(name, revision=options.revision, token=options.token)
    except FAILURES as error:
        raise explain(error, name, options) from error
    return [file.rfilename for file in info.siblings]


def choose(names, patterns, repo):
    """Those of the files that were asked for, or that loading would read.

    Raises:
        HubError: a pattern fits no file.
    """
    if not patterns:
        names = [name for name in names if "/" not in name]
        chosen = matching(names, READ_BY_TINYHF)
        if not any(name.endswith(".safetensors") for name in chosen):
            chosen += matching(names, [TORCH_WEIGHTS])
        if not chosen:
            raise HubError("it has no file that tinyhf reads", where=repo)
        return chosen
    for pattern in patterns:
        if not matching(names, [pattern]):
            wanted = ", ".join(names)
            raise HubError("it has no such file", where=repo, wanted=wanted, got=pattern)
    return matching(names, patterns)


def matching(names, patterns):
    """Those of the names that fit one of the patterns."""
    return [
        name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
    ]


def show(folder, names):
    """Where the files lie, and how large they are."""
    from tinyhf.cli.tables import print_table  # rich is not needed by every command

    sizes = {name: (folder / name).stat().st_size for name in names}
    sizes["together"] = sum(sizes.values())
    print(folder)
    rows = [[name, human_size(size)] for name, size in sizes.items()]
    print_table(["file", "size"], rows, right=["size"])
