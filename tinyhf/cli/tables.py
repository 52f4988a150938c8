"""Floor 8 · Aligned tables for people."""

from rich.console import Console

from tinyhf.inspection.plan_tables import UNLIMITED, new_table


def print_table(columns, rows, right=()):
    """Print ``rows``, lists of texts, below the names of ``columns``.

    A pipe or file is as wide as it takes: what reads it wants a row on one line.
    """
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = UNLIMITED
    table = new_table(*columns, right=right)
    for row in rows:
        table.add_row(*row)
    console.print(table)
