"""docs/stepping.md tells the truth: its lines exist, are met in its order, and show its values."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.breakpoints import PAGE, PLACE, read_stops, refresh, run_to

TEXT = PAGE.read_text(encoding="utf-8")
ORIGINAL = re.compile(r"`(\S+\.py)` `([\w.]+)`")
DECIMAL = re.compile(r"-?\d+\.\d*")


@pytest.fixture(scope="module")
def stops():
    return read_stops(TEXT)


@pytest.fixture(scope="module")
def met(stops):
    return run_to(stops)


def functions_around(source, number):
    """The full name of the innermost function or class that holds line ``number``."""
    path, found = [], [ast.parse(source)]
    while found:
        node = found.pop()
        for child in ast.iter_child_nodes(node):
            is_scope = isinstance(child, ast.ClassDef | ast.FunctionDef)
            if is_scope and child.lineno <= number <= child.end_lineno:
                path.append(child.name)
                found = [child]
    return ".".join(path)


def same(page, seen):
    """Equal, but for the last digit of decimals, which another processor may round elsewhere."""
    texts = [DECIMAL.sub("#", text).replace(" ", "") for text in (page, seen)]
    numbers = [[float(number) for number in DECIMAL.findall(text)] for text in (page, seen)]
    close = [abs(a - b) < 0.011 for a, b in zip(*numbers, strict=False)]
    return texts[0] == texts[1] and len(numbers[0]) == len(numbers[1]) and all(close)


def test_every_row_with_a_line_is_a_stop(stops):
    rows = [row for row in TEXT.splitlines() if row.startswith("| ") and "<br>" in row]
    assert len(rows) == len(stops) > 50


def test_every_quoted_line_is_there_once(stops):
    assert [(stop.file, stop.code) for stop in stops if len(stop.lines()) != 1] == []


def test_every_line_is_in_the_function_named(stops):
    for stop in stops:
        source = stop.path.read_text(encoding="utf-8")
        assert functions_around(source, stop.lines()[0]) == stop.function, stop.code


def test_the_programs_meet_the_stops_in_the_order_of_the_page(stops, met):
    assert [stop.code for stop in met] == [stop.code for stop in stops]


def test_every_value_is_what_a_debugger_shows(stops, met):
    wrong = [
        (expression, page, seen)
        for stop in stops
        for (expression, page), seen in zip(stop.sights, stop.seen, strict=True)
        if not same(page, seen)
    ]
    assert wrong == [], "if the code is right: python -m tests.docs.breakpoints --refresh"


def test_refresh_writes_what_was_seen():
    row = next(row for row in TEXT.splitlines() if PLACE.search(row))
    stale = re.sub("→ `[^`]*`", "→ `stale`", row)
    assert refresh(stale) == row + "\n"


def test_other_values_are_told_apart():
    assert same("[[0.14 0.86]]", "[[ 0.15 0.86]]")
    assert not same("[[0.14 0.86]]", "[[0.16 0.86]]")
    assert not same("(1, 8, 5, 16)", "(1, 8, 4, 16)")


@pytest.mark.parity
def test_the_names_in_transformers_exist():
    transformers = Path(pytest.importorskip("transformers").__file__).parent
    for row in TEXT.splitlines():
        if not PLACE.search(row):
            continue
        for file, name in ORIGINAL.findall(row.split(" | ")[-1]):
            node = ast.parse((transformers / file).read_text(encoding="utf-8"))
            for part in name.split("."):
                scopes = (ast.ClassDef, ast.FunctionDef)
                inside = {n.name: n for n in ast.walk(node) if isinstance(n, scopes)}
                assert part in inside, (file, name)
                node = inside[part]
