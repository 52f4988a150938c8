"""Floor 6 · A ``LoadPlan`` for people: a few small tables, in the order of loading."""

from rich.console import Console
from rich.table import Table

from tinyhf.backend import bfloat16, float16, float32, human_size
from tinyhf.inspection.parameter_tree import Leaf

UNLIMITED = 1000


def show_plan(plan, file=None, width=None):
    """Print the plan.

    Args:
        file: where to; None is the standard output.
        width: characters in a line; None is the terminal's width, and no limit in a pipe or file.
    """
    console = Console(file=file, width=width, markup=False, highlight=False, emoji=False)
    if width is None and not console.is_terminal:
        console.width = UNLIMITED
    console.print(plan.name, style="bold")
    console.print(f"in {plan.folder}")
    for title, content in sections(plan):
        console.print(f"\n{title}", style="bold")
        console.print(content)


def sections(plan):
    """(title, text or table), in the order in which loading meets them."""
    yield "Files, in the order they are asked for", files_table(plan)
    yield "Classes, and what decided", classes_table(plan)
    yield type(plan.config).__name__, config_table(plan.config)
    if plan.shards:
        yield "Weight files", shards_table(plan.shards)
    yield f"Parameters: {plan.tree.count:,} numbers", parameters_table(plan.tree)
    if plan.differences:
        yield "Checkpoint and model differ", "\n".join(plan.differences)
    yield "Memory for the weights", memory_table(plan)
    yield f'Places, with device_map="auto" and {plan.placement.dtype.name}', str(plan.placement)


def files_table(plan):
    """Every file once, under the stage that asked first; shards have a table of their own."""
    table = new_table("stage", "file", "found")
    seen = {shard.file for shard in plan.shards if shard.expected is not None}
    for stage, lookups in plan.lookups.items():
        for lookup in lookups:
            if lookup.filename not in seen:
                seen.add(lookup.filename)
                table.add_row(stage, lookup.filename, lookup.reason)
                stage = ""
    return table


def classes_table(plan):
    """Two rows, for model and tokenizer."""
    table = new_table("", "", show_header=False)
    table.add_row("model", f"{plan.tree.kind}, by {plan.config.decided_by} in config.json")
    table.add_row("tokenizer", plan.tokenizer)
    return table


def config_table(config):
    """The fields of this family that are set, side by side in two columns."""
    fields = {name: getattr(config, name) for name in ("dtype", *type(config).__annotations__)}
    for name in [name for name, value in fields.items() if isinstance(value, dict)]:
        inner = fields.pop(name)
        fields |= {f"{name}.{key}": value for key, value in inner.items()}
    shown = [(name, str(value)) for name, value in fields.items() if value is not None]
    half = (len(shown) + 1) // 2
    table = new_table("", "", "", "", show_header=False)
    for left, right in zip(shown[:half], [*shown[half:], ("", "")], strict=False):
        table.add_row(*left, *right)
    return table


def shards_table(shards):
    """A row for each file, and their sum."""
    table = new_table("file", "tensors", "dtypes", "size", right=("tensors", "size"))
    for shard in shards:
        dtypes = sorted({info.dtype.name for info in shard.tensors.values()})
        tensors = len(shard.tensors) or shard.expected or "?"
        size = human_size(shard.nbytes) if shard.state == "ready" else shard.state
        table.add_row(shard.file, str(tensors), ", ".join(dtypes), size)
    if len(shards) > 1:
        tensors = sum(len(shard.tensors) or shard.expected for shard in shards)
        nbytes = sum(shard.nbytes or 0 for shard in shards)
        size = human_size(nbytes) if nbytes else ""
        table.add_row("together", str(tensors), "", size, style="bold")
    return table


def parameters_table(tree):
    """The tree as rows; deeper names are indented."""
    table = new_table("name", "shape", "dtype", "size", right=("size",))
    add_rows(table, tree.children, indent="")
    return table


def add_rows(table, items, indent):
    """One row for a parameter; one for a branch, and those of what hangs on it below."""
    for item in items:
        if not isinstance(item, Leaf):
            kind = item.kind if item.repeats == 1 else f"{item.repeats} × {item.kind}"
            table.add_row(indent + item.name, kind, "", human_size(item.nbytes), style="bold")
            add_rows(table, item.children, indent + "  ")
        elif item.tied_to:
            last_words = ".".join(item.tied_to.split(".")[-2:])
            table.add_row(indent + item.name, f"= {last_words}")
        else:
            size = human_size(item.nbytes)
            table.add_row(indent + item.name, str(item.shape), item.dtype.name, size)


def memory_table(plan):
    """What each dtype needs, and whether that is free on each device."""
    known = {device: free for device, free in plan.free_memory.items() if free is not None}
    columns = [f"{human_size(free)} free on {device}" for device, free in known.items()]
    table = new_table("dtype", "needed", *columns, right=("needed",))
    for dtype in (float32, float16, bfloat16):
        needed = plan.tree.count * dtype.itemsize
        fits = ["fits" if needed <= free else "too large" for free in known.values()]
        table.add_row(dtype.name, human_size(needed), *fits)
    return table


def new_table(*columns, right=(), **options):
    """A table without lines; what does not fit goes on below, nothing is cut."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", **options)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table
