"""Floor 8 · What pipelines answer, as tables for people."""

import numbers

from tinyhf.cli.messages import note


def print_answers(texts, answers):
    """One table whose columns are the fields of the answers; several texts have a column too.

    Answers with one field only, such as translations, are printed as they are. Arrays of numbers
    are shown by their shape and first values.
    """
    rows = [
        ("" if number else text, row)  # a text stands in its first row only
        for text, answer in zip(texts, answers, strict=True)
        for number, row in enumerate(rows_of(answer) or [{}])
    ]
    columns = list(dict.fromkeys(name for _, row in rows for name in row))
    if not columns:
        note("Nothing was found.")
    elif len(columns) == 1:
        for _, row in rows:
            print(row.get(columns[0], ""))
    else:
        show(rows, columns, with_text=len(texts) > 1)


def show(rows, columns, with_text):
    """The rows, (text, record) each, as a table."""
    from tinyhf.cli.tables import print_table  # rich is not needed by every command

    right = [name for name in columns if any(is_number(row.get(name)) for _, row in rows)]
    lines = [[cell(row.get(name)) for name in columns] for _, row in rows]
    if with_text:
        columns = ["text", *columns]
        lines = [[text, *line] for (text, _), line in zip(rows, lines, strict=True)]
    print_table(columns, lines, right)


def rows_of(answer):
    """The answer to one text as records, a row each."""
    if isinstance(answer, dict):
        columns = {name: value for name, value in answer.items() if isinstance(value, list)}
        if len({len(column) for column in columns.values()}) != 1:
            return [answer]
        names = [name.removesuffix("s") for name in columns]  # "labels" → a "label" in every row
        return [dict(zip(names, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    if not holds_records(answer):
        return [described(answer)]
    return [row for part in answer for row in rows_of(part)]


def holds_records(answer):
    """Whether it is a list of records, or of lists of them; an empty list is one of no records."""
    while isinstance(answer, list) and answer:
        answer = answer[0]
    return isinstance(answer, dict | list)


def described(values):
    """Nested lists of numbers, or an array, by shape and first values."""
    values = values if isinstance(values, list) else values.tolist()
    shape, row = [], [values]
    while isinstance(row[0], list):
        row = row[0]
        shape.append(len(row))
    first = " ".join(f"{value:.4f}" for value in row[:4])
    return {"shape": " × ".join(map(str, shape)), "first": f"{first} …"}


def is_number(value):
    return isinstance(value, numbers.Real)


def cell(value):
    """A value as it stands in a table."""
    if value is None:
        return ""
    return f"{value:.4f}" if is_number(value) and not isinstance(value, int) else str(value)
