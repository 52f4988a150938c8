"""The rules of the house: imports flow one way, and each floor says only what it may."""

import ast
import functools
from pathlib import Path

import tinyhf

PACKAGE = Path(tinyhf.__file__).parent

FLOORS = {
    "errors": 0,
    "backend": 0,
    "hub": 1,
    "checkpoint": 1,
    "autograd": 1,
    "functional": 2,
    "nn": 3,
    "configuration": 4,
    "tokenization": 4,
    "models": 5,
    "generation": 6,
    "training": 6,
    "peft": 6,
    "inspection": 6,
    "pipelines": 7,
    "recipes": 8,
    "cli": 8,
    "__main__": 8,
    "__init__": 8,
}
ROOF = 8
#: The array floors, and rooms whose numbers stay on the host: weight files, ids, draws.
MAY_NAME_NUMPY = {
    "backend",
    "functional",
    "nn",
    "autograd",
    "checkpoint",
    "inspection",
    "recipes",
    "training",
    "tokenization",
    "generation",
}
MAY_PRINT = {"cli", "__main__", "recipes", "peft"}
MOST_LINES = 300

NAMES = sorted(
    path.relative_to(PACKAGE).with_suffix("").as_posix() for path in PACKAGE.rglob("*.py")
)


@functools.cache
def source(name):
    return (PACKAGE / f"{name}.py").read_text(encoding="utf-8")


@functools.cache
def parse(name):
    return ast.parse(source(name))


def nodes(name, kind):
    return [node for node in ast.walk(parse(name)) if isinstance(node, kind)]


def room(name):
    return name.partition("/")[0]


@functools.cache
def imported(name):
    """The full names of all modules and objects a file imports, those in functions too."""
    package = ["tinyhf", *name.split("/")][:-1]
    found = [alias.name for node in nodes(name, ast.Import) for alias in node.names]
    for node in nodes(name, ast.ImportFrom):
        start = package[: len(package) + 1 - node.level] if node.level else []
        module = ".".join([*start, *filter(None, [node.module])])
        found += [f"{module}.{alias.name}" for alias in node.names]
    return found


def libraries(name):
    return {module.partition(".")[0] for module in imported(name)}


def may_import(own, other):
    """A room knows itself, the floors below it, and errors; on the roof all know each other."""
    below = FLOORS.get(other, ROOF) < FLOORS[own]
    return own == other or below or other == "errors" or FLOORS[own] == ROOF


def test_every_room_has_a_floor():
    assert {room(name) for name in NAMES} <= set(FLOORS), "enter the new room in FLOORS"


def test_imports_flow_one_way():
    uphill = [
        f"{name}.py imports {module}"
        for name in NAMES
        for module in imported(name)
        if module.partition(".")[0] == "tinyhf"
        and not may_import(room(name), module.split(".")[1] if "." in module else "__init__")
    ]
    assert uphill == []


def test_no_deep_learning_framework():
    frameworks = {"torch", "transformers", "tensorflow", "jax", "accelerate", "peft"}
    assert [name for name in NAMES if libraries(name) & frameworks] == []


def test_only_some_rooms_name_numpy():
    naming = {room(name) for name in NAMES if libraries(name) & {"numpy", "cupy", "ml_dtypes"}}
    assert naming <= MAY_NAME_NUMPY


def test_families_do_not_say_xp():
    """Only what they share asks an array for its library."""
    shared = "models/shared_stages"
    families = [name for name in NAMES if room(name) == "models" and name != shared]
    saying = [
        name
        for name in families
        if {"xp", "array_module"} & {node.id for node in nodes(name, ast.Name)}
    ]
    assert saying == []
    assert "models/llama" in families


def test_the_library_does_not_print():
    printing = {
        name
        for name in NAMES
        for call in nodes(name, ast.Call)
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    }
    assert {name for name in printing if room(name) not in MAY_PRINT} == set()


def test_a_file_holds_one_idea():
    assert [name for name in NAMES if len(source(name).splitlines()) > MOST_LINES] == []
    assert [name for name in NAMES if not ast.get_docstring(parse(name))] == []


def test_the_walk_sees_relative_and_late_imports():
    assert "tinyhf.errors.HubError" in imported("hub/files")
    assert "tinyhf.hub.repository.find_in_repository" in imported("hub/files")
    assert "tinyhf.models.LlamaForCausalLM" in imported("__init__")
    assert not may_import("functional", "nn")
    assert not may_import("tokenization", "configuration")
    assert not may_import("models", "__init__")
