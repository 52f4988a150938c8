"""The notebooks: run them, solve their exercises, store their outputs anew.

    python -m tests.docs.notebooks --refresh                runs all, stores what they show
    python -m tests.docs.notebooks --refresh 05 06          only these

An exercise is a cell with a line ``return None``; what a reader might write in its place stands in
``solutions/<name of the notebook>.txt``, one after the other, with ``---`` between them.
"""

import re
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXERCISE = re.compile("return None.*")


def solutions(path):
    """What solves the exercises of a notebook, in their order."""
    file = Path(__file__).parent / "solutions" / f"{path.stem}.txt"
    return file.read_text(encoding="utf-8").rstrip("\n").split("\n---\n")


def execute(path, answers=()):
    """Run a notebook, with ``answers`` to its exercises; returns it with its outputs."""
    for name in ("nbclient", "ipykernel", "matplotlib"):
        pytest.importorskip(name, reason="notebooks need: pip install -e '.[notebooks]'")
    import nbclient
    import nbformat

    notebook, left = nbformat.read(path, as_version=4), list(answers)
    for cell in notebook.cells:
        if left and cell.cell_type == "code" and EXERCISE.search(cell.source):
            answer = left.pop(0)
            cell.source = EXERCISE.sub(lambda _, answer=answer: answer, cell.source, count=1)
    resources = {"metadata": {"path": str(ROOT)}}
    options = {"timeout": 120, "coalesce_streams": True, "resources": resources}
    nbclient.NotebookClient(notebook, **options).execute()
    return notebook


def printed(notebook):
    """All that the cells of a notebook that ran have printed."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.get("text", "") for output in outputs)


def refresh(path):
    """Run a notebook and store it with its outputs; returns the seconds it took."""
    import nbformat

    start = time.perf_counter()
    notebook = execute(path)
    seconds = time.perf_counter() - start
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day, different in each run
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    notebook.metadata.pop("language_info", None)
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)
    return seconds


if __name__ == "__main__":
    if sys.argv[1:2] != ["--refresh"]:
        sys.exit(__doc__)
    numbers = sys.argv[2:]
    for notebook_path in NOTEBOOKS:
        if not numbers or notebook_path.name[:2] in numbers:
            print(f"{notebook_path.name}: {refresh(notebook_path):.1f} s", flush=True)
