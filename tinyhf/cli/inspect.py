"""Floor 8 · ``tinyhf inspect``: the files, classes, parameters and memory of a model."""

EXAMPLES = """examples:
  tinyhf inspect tinyhf/little-tales
  tinyhf inspect ./my-model
"""


def add_options(command):
    """The model."""
    command.add_argument("model", metavar="MODEL", help="a folder, or a name on the hub")


def command(args):
    """Show what would be loaded, and why; no weights are read."""
    from tinyhf.inspection import plan_load, show_plan  # rich is not needed by every command

    plan = plan_load(args.model)
    show_plan(plan)
    if plan.error is not None:  # from_pretrained would end with it
        raise plan.error
