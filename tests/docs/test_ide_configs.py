"""The debug configurations of VS Code and PyCharm name what exists and stop where they say."""

import inspect
import json
import re
import runpy
import shlex
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.docs.breakpoints import has_model
from tinyhf.inspection import stopping

ROOT = Path(__file__).resolve().parents[2]
STOPS = {
    "step_from_pretrained.py": "model = AutoModelForCausalLM.from_pretrained(",
    "step_generate.py": "pipe = pipeline(",
    "step_encoder.py": "pipe = pipeline(",
    "step_encoder_decoder.py": "pipe = pipeline(",
}
PROGRAMS = [
    "step through from_pretrained",
    "step through generate",
    "step through an encoder",
    "step through an encoder-decoder",
]


def vscode():
    """name → (program or module, arguments)."""
    text = (ROOT / ".vscode" / "launch.json").read_text(encoding="utf-8")
    text = re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)  # VS Code's JSON may hold comments
    configurations = json.loads(text.replace("${workspaceFolder}", str(ROOT)))["configurations"]
    assert all(c["type"] == "debugpy" and c["justMyCode"] for c in configurations)
    return {c["name"]: (c.get("program") or c["module"], c.get("args", [])) for c in configurations}


def pycharm():
    """name → (program or module, arguments)."""
    found = {}
    for path in (ROOT / ".run").glob("*.run.xml"):
        configuration = ElementTree.parse(path).find("configuration")
        options = {o.get("name"): o.get("value") for o in configuration.iter("option")}
        assert configuration.get("type") == "PythonConfigurationType"
        assert options["WORKING_DIRECTORY"] == "$PROJECT_DIR$"
        assert path.name == f"{configuration.get('name')}.run.xml"
        script = options["SCRIPT_NAME"].replace("$PROJECT_DIR$", str(ROOT))
        assert (options["MODULE_MODE"] == "true") == (script == "tinyhf")
        found[configuration.get("name")] = (script, shlex.split(options["PARAMETERS"]))
    return found


def test_both_editors_have_the_same_configurations():
    assert vscode() == pycharm()
    assert set(PROGRAMS) < vscode().keys()


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_stops_right_before_the_line_that_matters(name, monkeypatch):
    program = Path(vscode()[name][0])
    if not has_model(program.name):
        pytest.skip("needs a bundled model that is not here")
    lines = []
    monkeypatch.setattr(
        sys, "breakpointhook", lambda: lines.append(inspect.currentframe().f_back.f_lineno)
    )
    runpy.run_path(str(program))
    (line,) = lines
    assert program.read_text(encoding="utf-8").splitlines()[line].startswith(STOPS[program.name])


def test_the_command_that_stops_at_a_value(monkeypatch, capsys):
    frames = []
    module, arguments = vscode()["tinyhf generate --stop-at (a value by name)"]
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    monkeypatch.setattr(stopping, "open_debugger", lambda frame, title: frames.append(frame))
    with pytest.raises(SystemExit) as end:
        runpy.run_module(module, run_name="__main__")
    assert end.value.code in (0, None)
    assert [type(frame.f_locals["self"]).__name__ for frame in frames] == ["LlamaAttention"]


def test_the_command_runs(monkeypatch, capsys):
    module, arguments = vscode()["tinyhf generate (the command)"]
    monkeypatch.setattr(sys, "argv", [module, *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_module(module, run_name="__main__")
    assert end.value.code in (0, None)
    assert capsys.readouterr().out.startswith("Once upon a time, ")
