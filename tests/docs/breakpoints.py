"""The stops of docs/stepping_*.md: where each quoted line is, and what a debugger shows there.

    python -m tests.docs.breakpoints attention    # pdb's "break" commands for the attention stops
    python -m tests.docs.breakpoints --refresh    # runs the programs, puts what it saw in the pages

A stop is a row of a table on a page; its second cell says where, its third what to look at:

    | … | `models/llama.py` `LlamaMLP.forward`<br>`the line` | `x.shape` → `(1, 5, 128)` | … |
"""

import re
import runpy
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from tinyhf.hub.bundled import bundled_folder

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
#: Page → the program whose stops it lists.
PROGRAMS = {
    "stepping_loading.md": "step_from_pretrained.py",
    "stepping_generating.md": "step_generate.py",
    "stepping_encoders.md": "step_encoder.py",
    "stepping_encoder_decoders.md": "step_encoder_decoder.py",
}

PLACE = re.compile(r"`(\S+\.py)` `(\S+)`<br>`([^`]+)`(?: \(visit (\d+)\))?")
SIGHT = re.compile(r"`([^`]+)` → `([^`]*)`")


@dataclass(eq=False)
class Stop:
    """One row: the line to stop at, and the expressions to look at before it runs.

    Args:
        file: below ``tinyhf/``.
        function: the innermost function the line is in, with its class.
        code: the line, without its indentation.
        visit: at which of its visits; nearly always the first.
        sights: (expression, what the page says it is).
        seen: what it was in a run, in the order of ``sights``.
    """

    file: str
    function: str
    code: str
    visit: int
    sights: list
    seen: list = field(default_factory=list)

    @property
    def path(self):
        return ROOT / "tinyhf" / self.file

    def lines(self):
        """The numbers of the lines that read ``code``: there should be just one."""
        source = self.path.read_text(encoding="utf-8").splitlines()
        return [number for number, line in enumerate(source, 1) if line.strip() == self.code]


def read_page(page):
    return (DOCS / page).read_text(encoding="utf-8")


def read_stops(text):
    """The stops of a page, in its order."""
    stops = []
    for row in text.splitlines():
        if row.startswith("| ") and (place := PLACE.search(row)):
            file, function, code, visit = place.groups()
            sights = SIGHT.findall(row[place.end() :])
            stops.append(Stop(file, function, code.replace(r"\|", "|"), int(visit or 1), sights))
    return stops


def run_to(stops, program):
    """Run a program, and fill in what is ``seen`` at each stop.

    Returns:
        The stops in the order in which they were met.
    """
    waiting = defaultdict(list)  # (path, line) → the stops there
    for stop in stops:
        waiting[str(stop.path), stop.lines()[0]].append(stop)
    functions = {(str(stop.path), stop.function.rpartition(".")[2]) for stop in stops}
    visits, met = Counter(), []

    def trace(frame, event, _):
        place = (frame.f_code.co_filename, frame.f_lineno)
        if event == "call":
            return trace if (place[0], frame.f_code.co_name) in functions else None
        if event == "line" and place in waiting:
            visits[place] += 1
            for stop in waiting[place]:
                if visits[place] == stop.visit:
                    stop.seen = [shown(look(expression, frame)) for expression, _ in stop.sights]
                    met.append(stop)
        return trace

    with mock.patch("sys.breakpointhook", lambda: sys.settrace(trace)):
        try:
            runpy.run_path(str(DOCS / program))
        finally:
            sys.settrace(None)
    return met


def look(expression, frame):
    """The value of an expression in a frame, as a debugger shows it."""
    return eval(expression, {**frame.f_globals, **frame.f_locals})


def shown(value):
    """A value in one line."""
    text = repr(value) if isinstance(value, str) else str(value)
    return re.sub(r"\s+", " ", text)


def refresh(text, program):
    """The text of a page with what a run shows now."""
    stops = read_stops(text)
    run_to(stops, program)
    seen = iter([value for stop in stops for value in stop.seen])
    rows = [
        SIGHT.sub(lambda sight: f"`{sight[1]}` → `{next(seen)}`", row) if PLACE.search(row) else row
        for row in text.splitlines()
    ]
    return "\n".join(rows) + "\n"


def has_model(program):
    """Whether the bundled model of a program is here."""
    (name,) = set(re.findall(r'"(tinyhf/[\w-]+)"', (DOCS / program).read_text(encoding="utf-8")))
    return bundled_folder(name) is not None


def main(words):
    for page, program in PROGRAMS.items():
        if words == ["--refresh"]:
            (DOCS / page).write_text(refresh(read_page(page), program), encoding="utf-8")
            continue
        for stop in read_stops(read_page(page)):
            place = f"{stop.file} {stop.function} {stop.code}"
            if all(word in place for word in words):
                print(f"break tinyhf/{stop.file}:{stop.lines()[0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
