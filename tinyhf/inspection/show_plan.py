"""Floor 6 · A ``LoadPlan`` on the screen.

The width is that of the terminal; in a pipe or a file lines are as long as they need to be.
"""

from rich.console import Console
from rich.table import Table

from tinyhf.backend import bfloat16, float16, float32, human_size
from tinyhf.inspection.parameter_tree import Leaf

WIDTH_OF_A_FILE = 1000


def show_plan(plan, file=None):
    """Print the plan to ``file``; None is the standard output."""
    console = Console(file=file, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = WIDTH_OF_A_FILE
    for title, content in sections(plan):
        console.print(f"\n{title}", style="bold")
        console.print(content)


def sections(plan):
    """(title, table or text) in the order in which loading meets them."""
    yield plan.name, plan.folder
    yield "Files, in the order they are asked for", files_table(plan)
    yield "Classes, and what decided", classes_table(plan)
    yield f"Config: {type(plan.config).__name__}", config_text(plan.config)
    if plan.shards:
        yield "Weight files", shards_table(plan.shards)
    yield f"Parameters: {plan.tree.count:,} numbers", parameters_table(plan.tree)
    if plan.differences:
        yield "Checkpoint and model differ", "\n".join(plan.differences)
    yield "Memory for the weights", memory_table(plan)


def files_table(plan):
    """Each file once, under the stage that asked first."""
    table = new_table("stage", "file", "found")
    seen = set()
    for stage, lookups in plan.lookups.items():
        label = stage
        for lookup in lookups:
            if lookup.filename not in seen:
                seen.add(lookup.filename)
                table.add_row(label, lookup.filename, lookup.reason)
                label = ""
    return table


def classes_table(plan):
    table = new_table("", "", header=False)
    table.add_row("model", f"{plan.tree.kind}: {plan.config.decided_by}")
    table.add_row("tokenizer", plan.tokenizer)
    return table


def config_text(config):
    """The fields of this family, as far as they say something."""
    names = ("dtype", *type(config).__annotations__)
    fields = {name: getattr(config, name) for name in names}
    shown = [f"{name}={value}" for name, value in fields.items() if value is not None]
    return "  ".join(shown)


def shards_table(shards):
    table = new_table("file", "tensors", "dtypes", "size", right=("tensors", "size"))
    for shard in shards:
        dtypes = sorted({info.dtype.name for info in shard.tensors.values()})
        size = shard.state if shard.state != "ready" else human_size(shard.nbytes)
        tensors = len(shard.tensors) or shard.expected
        table.add_row(shard.file, str(tensors or "?"), ", ".join(dtypes), size)
    return table
