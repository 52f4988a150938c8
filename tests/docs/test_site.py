"""The site of docs/ hangs together: what CI would find when it builds it, without building it."""

import ast
import fnmatch
import importlib
import re
import runpy
from pathlib import Path

import pytest

import tinyhf
from tests.docs.check_site import broken_links
from tests.docs.notebooks import NOTEBOOKS, ROOT
from tests.test_imports import FLOORS

DOCS = ROOT / "docs"
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in DOCS.glob("*.md")}
TOCTREE = re.compile(r"^```\{toctree\}\n(?::[^\n]*\n)*\n(.*?)^```", re.MULTILINE | re.DOTALL)
LISTED = [
    line for text in PAGES.values() for block in TOCTREE.findall(text) for line in block.split()
]
MAP = PAGES["map"]
#: Rooms that are no stage on the way: programs that made the bundled models, and doors.
NOT_ON_THE_MAP = {"recipes", "__main__", "__init__"}


def is_listed(page):
    return any(fnmatch.fnmatchcase(page, pattern) for pattern in LISTED)


def test_every_page_and_notebook_is_in_a_toctree():
    pages = {*PAGES, *(f"notebooks/{path.stem}" for path in NOTEBOOKS)} - {"index"}
    assert [page for page in sorted(pages) if not is_listed(page)] == []


def test_every_entry_of_a_toctree_exists():
    there = {*PAGES, *(f"notebooks/{path.stem}" for path in NOTEBOOKS)}
    assert [entry for entry in LISTED if not fnmatch.filter(there, entry)] == []


def test_the_map_names_files_that_exist():
    files = re.findall(r"\[`([\w/.]+)`\]\(\.\./tinyhf/([\w/.]+)\)", MAP)
    assert len(files) > 40
    assert [shown for shown, file in files if shown != file] == []
    assert [file for _, file in files if not (ROOT / "tinyhf" / file).is_file()] == []


def test_the_map_covers_every_room_in_the_order_of_floors():
    rooms = re.findall(r"\]\(\.\./tinyhf/(\w+)", MAP)
    there = {path.stem for path in (ROOT / "tinyhf").iterdir()} & FLOORS.keys()
    assert there - NOT_ON_THE_MAP == {*rooms}
    assert [FLOORS[room] for room in rooms] == sorted(FLOORS[room] for room in rooms)


def test_the_map_links_every_notebook():
    links = dict(re.findall(r"^\[(\d\d)\]: \.\./notebooks/(.+)$", MAP, re.MULTILINE))
    assert [*links.values()] == [path.name for path in NOTEBOOKS]
    assert all(name.startswith(number) for number, name in links.items())
    assert {*re.findall(r"\[(\d\d)\](?!:)", MAP)} <= links.keys()


@pytest.mark.parity
def test_the_map_names_files_of_transformers_that_exist():
    transformers = pytest.importorskip("transformers")
    rows = [line.split("|") for line in MAP.splitlines() if line.count("|") == 6]
    paths = [path for row in rows for path in re.findall(r"`([\w/]+\.py)`", row[3])]
    own = {"modeling_chatglm.py", "run_generation.py"}  # of a checkpoint, of the examples
    folder = Path(transformers.__file__).parent
    assert len(paths) > 30
    assert [path for path in paths if path not in own and not (folder / path).is_file()] == []


def test_the_reference_has_every_public_name():
    rooms = re.findall(r"^   (tinyhf\.[\w.]+)$", PAGES["api"], re.MULTILINE)
    modules = [importlib.import_module(room) for room in rooms]
    names = {name for module in modules for name in vars(module)}
    names |= {room.removeprefix("tinyhf.") for room in rooms}
    assert {*tinyhf.__all__} - names == set()
    assert [f"tinyhf.{room}" for room in public_rooms() if f"tinyhf.{room}" not in rooms] == []


def public_rooms():
    """Rooms with an ``__all__``: those meant to be imported from."""
    for path in (ROOT / "tinyhf").glob("*/__init__.py"):
        names = {
            node.targets[0].id
            for node in ast.parse(path.read_text()).body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        if "__all__" in names and path.parent.name not in NOT_ON_THE_MAP:
            yield path.parent.name


def test_the_picture_of_the_house_is_the_house():
    drawing = runpy.run_path(str(DOCS / "images" / "draw_house.py"))
    assert (DOCS / "images" / "house.svg").read_text(encoding="utf-8") == drawing["house"]()
    drawn = {room: floor for floor, rooms in enumerate(drawing["FLOORS"]) for room, _ in rooms}
    assert drawn == {room: FLOORS[room] for room in drawn}
    assert {path.stem for path in (ROOT / "tinyhf").iterdir()} & FLOORS.keys() - NOT_ON_THE_MAP == {
        *drawn
    }


@pytest.mark.slow
def test_the_figure_of_a_trace_can_be_drawn_anew(tmp_path):
    pytest.importorskip("matplotlib", reason="figures need: pip install -e '.[notebooks]'").use(
        "Agg"
    )
    drawing = runpy.run_path(str(DOCS / "images" / "make_trace_figure.py"))
    drawing["main"](tmp_path / "trace.png")
    assert 20_000 < (tmp_path / "trace.png").stat().st_size < 80_000


def test_broken_links_are_found(tmp_path):
    (tmp_path / "a.html").write_text('<a href="b.html#here"></a><a href="https://x.org"></a>')
    (tmp_path / "b.html").write_text('<p id="here"><a href="a.html"></a></p>')
    assert [*broken_links(tmp_path)] == []
    (tmp_path / "b.html").write_text('<a href="a.html#there"></a><img src="c.png">')
    broken = {"a.html: b.html#here", "b.html: a.html#there", "b.html: c.png"}
    assert {*broken_links(tmp_path)} == broken
