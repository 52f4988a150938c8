"""docs/stepping_*.md tell the truth: their lines exist, are met in order, and show their values."""

import ast
import re
from pathlib import Path

import pytest

from tests import test_stepping
from tests.docs.breakpoints import (
    PLACE,
    PROGRAMS,
    has_model,
    main,
    read_page,
    read_stops,
    refresh,
    run_to,
)
from tinyhf import AutoModelForCausalLM, pipeline

two_layers = test_stepping.two_layers  # a fixture

ORIGINAL = re.compile(r"`(\S+\.py)` `([\w.]+)`")
DECIMAL = re.compile(r"-?\d+\.\d*")


@pytest.fixture(scope="module", params=PROGRAMS)
def page(request):
    return request.param


@pytest.fixture(scope="module")
def stops(page):
    return read_stops(read_page(page))


@pytest.fixture(scope="module")
def met(page, stops):
    if not has_model(PROGRAMS[page]):
        pytest.skip("needs a bundled model that is not here")
    return run_to(stops, PROGRAMS[page])


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


def test_every_row_with_a_line_is_a_stop(page, stops):
    rows = [row for row in read_page(page).splitlines() if row.startswith("| ") and "<br>" in row]
    assert len(rows) == len(stops) > 14


def test_every_quoted_line_is_there_once(stops):
    assert [(stop.file, stop.code) for stop in stops if len(stop.lines()) != 1] == []


def test_every_line_is_in_the_function_named(stops):
    for stop in stops:
        source = stop.path.read_text(encoding="utf-8")
        assert functions_around(source, stop.lines()[0]) == stop.function, stop.code


def test_the_program_meets_the_stops_in_the_order_of_the_page(stops, met):
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
    page, program = next(iter(PROGRAMS.items()))
    row = next(row for row in read_page(page).splitlines() if PLACE.search(row))
    stale = re.sub("→ `[^`]*`", "→ `stale`", row)
    assert refresh(stale, program) == row + "\n"


def test_the_commands_for_pdb(capsys):
    main(["BertSelfAttention", "attention_scores"])
    (line,) = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"break tinyhf/models/bert\.py:\d+", line)


def test_other_values_are_told_apart():
    assert same("[[0.14 0.86]]", "[[ 0.15 0.86]]")
    assert not same("[[0.14 0.86]]", "[[0.16 0.86]]")
    assert not same("(1, 8, 5, 16)", "(1, 8, 4, 16)")


@pytest.mark.parity
def test_the_names_in_transformers_exist(page):
    transformers = Path(pytest.importorskip("transformers").__file__).parent
    for row in read_page(page).splitlines():
        if not PLACE.search(row):
            continue
        for file, name in ORIGINAL.findall(row.split(" | ")[-1]):
            node = ast.parse((transformers / file).read_text(encoding="utf-8"))
            for part in name.split("."):
                scopes = (ast.ClassDef, ast.FunctionDef)
                inside = {n.name: n for n in ast.walk(node) if isinstance(n, scopes)}
                assert part in inside, (file, name)
                node = inside[part]


# ---- the lines that are stepped through ----------------------------------------------------------


def test_the_measured_lines(two_layers):
    """The page rounds to tens."""
    text = read_page("stepping.md")
    (load,) = re.findall(r"^\| `from_pretrained` \| ([\d,]+) \|", text, re.MULTILINE)
    (first,) = re.findall(r"first token \| (\d+) greedy, (\d+) drawn", text)
    (further,) = re.findall(r"further token \| (\d+) greedy, (\d+) drawn", text)
    written = [int(number.replace(",", "")) for number in (load, *first, *further)]

    AutoModelForCausalLM.from_pretrained(two_layers)
    loading, _ = test_stepping.count_steps(lambda: AutoModelForCausalLM.from_pretrained(two_layers))
    pipe = pipeline("text-generation", str(two_layers))
    kinds = {"do_sample": False}, {"do_sample": True, "seed": 1}
    counted = [(lines_for(pipe, 1, **kind), lines_for(pipe, 11, **kind)) for kind in kinds]
    measured = [loading, *(one for one, _ in counted), *((all - one) / 10 for one, all in counted)]
    assert written == pytest.approx(measured, abs=5)


def lines_for(pipe, tokens, **settings):
    pipe("Once upon a time", max_new_tokens=tokens, **settings)
    return test_stepping.count_steps(
        lambda: pipe("Once upon a time", max_new_tokens=tokens, **settings)
    )[0]
