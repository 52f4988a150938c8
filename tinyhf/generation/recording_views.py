"""Floor 6 · Recorded steps for people: a table of all, a table and a picture of one."""

import io

from rich.console import Console
from rich.table import Table

from tinyhf.errors import MissingExtraError

WIDTH = 1000  # nothing is cut or folded: a notebook or terminal shows long lines as it likes
ENDINGS = ("LogitsProcessor", "LogitsWarper")


class TableText(str):
    """A table that a notebook or the Python prompt shows as it is printed."""

    __slots__ = ()
    __repr__ = str.__str__


def steps_table(steps, tokenizer):
    """A line for each step: what was chosen, and how clearly."""
    table = new_table("row", "step", "id", "token", "p", "rank", "left", "gap", "ahead of", "")
    for step in steps:
        table.add_row(
            str(step.row),
            str(step.step),
            *describe_token(step.token, tokenizer),
            f"{step.probability:.4f}",
            str(step.rank),
            str(step.left),
            "" if step.runner_up is None else f"{step.gap:.3g}",
            name_token(step.runner_up, tokenizer),
            "near-tie" if step.is_near_tie else "",
        )
    return render(table)


def step_table(step, tokenizer):
    """A line for each candidate, a column for each stage; removed ones have a dash."""
    stages = [short_name(name) for name in step.stages]
    table = new_table("", "id", "token", *stages, "p")
    for token, values, p in zip(step.candidates, step.values, step.probabilities, strict=True):
        numbers = [format_score(value) for value in values]
        table.add_row(mark_of(token, step), *describe_token(token, tokenizer), *numbers, f"{p:.4f}")
    removed = [f"-{count}" if count else "" for count in step.removed]
    table.add_row("", "", "removed", *removed, "", style="dim")
    return render(f"{headline(step, tokenizer)}\n", table)


def headline(step, tokenizer):
    """One step in a sentence."""
    verb = "drawn" if step.is_drawn else "chosen"
    token = name_token(step.token, tokenizer)
    text = f"row {step.row}, step {step.step}: {token} {verb}, p {step.probability:.4f}, "
    text += f"rank {step.rank}"
    if step.runner_up is None:
        return f"{text}; no other was left"
    text += f"; {step.gap:.3g} ahead of {name_token(step.runner_up, tokenizer)}"
    return f"{text}: a near-tie, rounding can be {step.rounding:.1g}" if step.is_near_tie else text


def plot_step(step, tokenizer):
    """A pair of bars for each candidate; see ``GenerationSteps.plot``."""
    pyplot = import_pyplot()
    lines = range(len(step.candidates))
    _, axes = pyplot.subplots(figsize=(7, 1.2 + 0.32 * len(lines)), layout="constrained")
    is_left = step.probabilities > 0
    before = ["tab:blue" if left else "grey" for left in is_left]
    axes.barh([y - 0.2 for y in lines], step.probabilities_before, 0.36, color=before, alpha=0.45)
    after = ["tab:red" if token == step.token else "tab:blue" for token in step.candidates]
    axes.barh([y + 0.2 for y in lines], step.probabilities, 0.36, color=after)
    names = [" ".join(describe_token(token, tokenizer)[::-1]) for token in step.candidates]
    axes.set_yticks(lines, names, family="monospace")
    for label, token, left in zip(axes.get_yticklabels(), step.candidates, is_left, strict=True):
        label.set_color("tab:red" if token == step.token else "black" if left else "grey")
    axes.invert_yaxis()
    axes.set_xlabel("probability: pale before the processors, full after them, grey removed")
    axes.set_title(headline(step, tokenizer), fontsize="medium", loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def import_pyplot():
    """matplotlib.pyplot, which only pictures need."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        fix = "Install it with: pip install 'tinyhf[notebooks]'"
        raise MissingExtraError("plot() needs matplotlib, not installed", fix=fix) from error
    return pyplot


# ---- the cells -----------------------------------------------------------------------------------


def describe_token(token, tokenizer):
    """(id, text in quotes), both as text."""
    return str(token), "" if tokenizer is None else repr(tokenizer.decode([int(token)]))


def name_token(token, tokenizer):
    """Id and text in one cell."""
    return "" if token is None else " ".join(filter(None, describe_token(token, tokenizer)[::-1]))


def mark_of(token, step):
    """An arrow at the token that was chosen."""
    return "→" if token == step.token else ""


def format_score(value):
    """Three decimals; a dash where the token is removed."""
    return "–" if value == float("-inf") else f"{value:.3f}"


def short_name(stage):
    """A processor's name without the ending that all of them have."""
    for ending in ENDINGS:
        stage = stage.removesuffix(ending)
    return stage


def new_table(*columns):
    """A table without lines, numbers to the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        is_text = column in ("", "token", "ahead of")
        table.add_column(column, justify="left" if is_text else "right", no_wrap=True)
    return table


def render(*parts):
    """What rich would print, as text."""
    file = io.StringIO()
    console = Console(file=file, width=WIDTH, markup=False, highlight=False, emoji=False)
    for part in parts:
        console.print(part)
    return TableText("\n".join(line.rstrip() for line in file.getvalue().splitlines()))
