"""Floor 8 · ``tinyhf inspect``: the files, classes, parameters and memory of a model."""

import json

EXAMPLES = """examples:
  tinyhf inspect tinyhf/little-tales
  tinyhf inspect ./my-model --tensors
  tinyhf inspect ./my-model --json > story.json
"""


def add_options(command):
    """The model, and how to tell of it."""
    command.add_argument("model", metavar="MODEL", help="a folder, or a name on the hub")
    how = command.add_mutually_exclusive_group()
    how.add_argument(
        "--tensors",
        action="store_true",
        help="the load step by step, then for each parameter: its file and bytes, type and device",
    )
    how.add_argument("--json", action="store_true", help="the same as data")


def command(args):
    """Show what would be loaded, and why; no weights are read."""
    # rich is not needed by every command
    from tinyhf.inspection import load_story, plan_load, show_plan

    if args.json or args.tensors:
        found = load_story(args.model)
        as_json = args.json and json.dumps(found.to_dict(), indent=2, ensure_ascii=False)
        print(as_json or f"{found}\n\n{found.tensor_table()}")
    else:
        found = plan_load(args.model)
        show_plan(found)
    if found.error is not None:  # from_pretrained would end with it
        raise found.error
