"""The code blocks of README.md and docs/*.md run, and every link leads somewhere.

Every ```python block runs, but for those right below "<!-- not run: why -->"; those of one page
share their names. A ```console block runs if it stands below "<!-- run -->": it holds commands
after "$ ", what is typed into pdb after "(Pdb) ", and what they print, where "..." is anything.
"""

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = {path.name: path for path in [*ROOT.glob("*.md"), *sorted((ROOT / "docs").glob("*.md"))]}
BLOCKS = {
    "python": re.compile(r"(?<!-->\n)^```python\n(.*?)^```", re.MULTILINE | re.DOTALL),
    "console": re.compile(r"^<!-- run -->\n```console\n(.*?)^```", re.MULTILINE | re.DOTALL),
}
LINK = re.compile(r"\]\((?!\w+:|#)([^)#\s]+)")
WILD = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def blocks(page, language):
    return BLOCKS[language].findall(PAGES[page].read_text(encoding="utf-8"))


def run(command, typed):
    """What a command prints; ``python`` is this one, and tinyhf need not be installed."""
    for name, module in {"python": "", "tinyhf": "-m tinyhf"}.items():
        command = re.sub(rf"^{name}\b", f'"{sys.executable}" {module}', command)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    done = subprocess.run(
        command, shell=True, cwd=ROOT, env=env, input=typed, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_python_blocks(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for code in blocks(page, "python"):
        exec(compile(code, page, "exec"), namespace)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "console")])
def test_console_blocks(page):
    for block in blocks(page, "console"):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, wanted = example.partition("\n")
            typed = "".join(re.findall(r"^\(Pdb\) (.*\n)", wanted, flags=re.MULTILINE))
            wanted = re.sub(r"^\(Pdb\) .*\n", "", wanted, flags=re.MULTILINE)
            printed = run(command, typed).replace("(Pdb) ", "")
            assert doctest.OutputChecker().check_output(wanted, printed, WILD), printed


@pytest.mark.parametrize("page", PAGES)
def test_links(page):
    links = LINK.findall(PAGES[page].read_text(encoding="utf-8"))
    assert [link for link in links if not (PAGES[page].parent / link).exists()] == []
