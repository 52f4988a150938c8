"""The debugger opens where a value is made."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import tinyhf
from tests.inspection.debug_adapter import DebugAdapter
from tests.tiny_encoder_decoders import inputs as encoder_decoder_inputs
from tests.tiny_encoder_decoders import our_model
from tests.tiny_llamas import inputs, our_llama
from tinyhf.errors import ArgumentError
from tinyhf.inspection import stopping
from tinyhf.nn import Module

TEXT = {"input_ids": inputs(1, 5)["input_ids"]}


@pytest.fixture
def opened(monkeypatch):
    """Instead of a debugger: a list of (title, function, line of code) where it would open."""
    found = []

    def note(frame, title):
        stage = frame.f_locals["self"]
        found.append((title, f"{type(stage).__name__}.{frame.f_code.co_name}", stage))

    monkeypatch.setattr(stopping, "open_debugger", note)
    yield found
    for stop in list(stopping.STOPS):
        stop.remove()


def test_an_in_between_value(opened):
    llama = our_llama()
    stop = tinyhf.stop_at("model.layers.1.self_attn.scores")
    llama(**TEXT)
    ((title, function, module),) = opened
    assert title == "model.layers.1.self_attn.scores: (1, 4, 5, 5) float32"
    assert function == "LlamaAttention.forward" and module is llama.model.layers[1].self_attn
    stop.remove()
    stop.remove()
    llama(**TEXT)
    assert len(opened) == 1
    assert (Module.record, Module.__call__) == stopping.UNWATCHED
    assert Module.record.__self__ == {}


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("model.layers.0.mlp", "LlamaDecoderLayer.forward"),
        ("blocks.1.attn.hook_rot_k", "LlamaAttention.forward"),
        ("model", "LlamaForCausalLM.forward"),
    ],
)
def test_names_of_modules_and_of_transformerlens(opened, name, function):
    with tinyhf.stop_at(name):
        our_llama()(**TEXT)
    assert [where for _, where, _ in opened] == [function]


def test_when_decides(opened):
    with tinyhf.stop_at("*.self_attn.scores", when=lambda x: x.shape[2] == 1) as stop:
        our_llama().generate(**TEXT, max_new_tokens=3)
    assert stop.hits == len(opened) == 4  # two further tokens, two layers
    assert repr(stop) == "stop_at('*.self_attn.scores', when=…), 4 hits"


def test_the_encoder_within_generate(opened):
    model = our_model("t5")
    with tinyhf.stop_at("encoder.block.1.layer.0.SelfAttention.pattern"):
        model.generate(input_ids=encoder_decoder_inputs("t5")["input_ids"], max_new_tokens=2)
    assert [where for _, where, _ in opened] == ["T5Attention.forward"]


@pytest.mark.parametrize("trace_first", [True, False])
def test_beside_a_trace(opened, trace_first):
    llama = our_llama()
    stop = None if trace_first else tinyhf.stop_at("model.layers.0.self_attn.z")
    with tinyhf.trace(llama) as t:
        stop = stop or tinyhf.stop_at("model.layers.0.mlp")
        llama(**TEXT)
    assert "model.layers.0.self_attn.z" in t
    if not trace_first:
        assert [where for _, where, _ in opened] == ["LlamaAttention.forward"]
    stop.remove()
    llama(**TEXT)
    assert len(opened) <= 1


def test_a_name_that_no_value_has(opened):
    message = r"model\.layers\.0\.skores: no value had this name"
    with pytest.raises(ArgumentError, match=message), tinyhf.stop_at("model.layers.0.skores"):
        our_llama()(**TEXT)


def test_the_nearest_names_are_told(opened):
    fix = r"Nearest: model\.layers\.0\.self_attn\.scores"
    with pytest.raises(ArgumentError, match=fix), tinyhf.stop_at("model.layers.0.self_attn.score"):
        our_llama()(**TEXT)


def test_modules_of_a_model_on_several_devices(opened, tmp_path, strict_library):
    """Its parts have hooks of their own."""
    our_llama().save_pretrained(tmp_path)
    llama = tinyhf.LlamaForCausalLM.from_pretrained(
        tmp_path, device_map={"": "cpu", "model.layers.1": "strict"}
    )
    with tinyhf.stop_at("model.layers.*") as stop:
        llama(**TEXT)
    assert stop.hits > 2


@pytest.mark.parametrize(
    ("is_connected", "environment", "wanted"),
    [(True, "", "ide"), (False, "", "pdb"), (False, "0", "hook"), (None, "", "pdb")],
)
def test_which_debugger(monkeypatch, is_connected, environment, wanted):
    """pydevd may be imported without an IDE."""
    asked = []
    debugger = None if is_connected is None else SimpleNamespace(ready_to_run=is_connected)
    pydevd = SimpleNamespace(
        get_global_debugger=lambda: debugger, settrace=lambda **_: asked.append("ide")
    )
    monkeypatch.setitem(sys.modules, "pydevd", pydevd)
    monkeypatch.setenv("PYTHONBREAKPOINT", environment)
    monkeypatch.setattr(sys, "breakpointhook", lambda: asked.append("hook"))
    monkeypatch.setattr(stopping, "start_pdb", lambda *_: asked.append("pdb"))
    stopping.open_debugger(sys._getframe(), "a value")
    assert asked == [wanted]


def test_in_pdb():
    """A whole session: the prompt stands in the stage, with its value."""
    code = (
        "import tinyhf; from tests.tiny_llamas import inputs, our_llama; "
        "tinyhf.stop_at('model.layers.1.self_attn.pattern'); "
        "our_llama()(input_ids=inputs(1, 5)['input_ids']); print('the end')"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        input="p weights.shape\np self.layer_idx\nnext\np mixed.shape\n" + 50 * "step\n" + "c\n",
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONBREAKPOINT": ""},
    )
    shown = process.stdout
    assert process.returncode == 0, process.stderr
    assert "model.layers.1.self_attn.pattern: (1, 4, 5, 5) float32" in shown
    assert 'mixed = self.record("z"' in shown.split("(Pdb)")[0]
    assert "inspection" not in shown, "step leads into the code of stop_at"
    for text in ("(1, 4, 5, 5)\n", "(Pdb) 1\n", "(1, 4, 5, 8)\n", "the end"):
        assert text in shown


@pytest.mark.slow
def test_in_the_debugger_of_an_ide(tmp_path):
    """The frame that VS Code shows is the stage's own, at the line after the value's."""
    pytest.importorskip("debugpy", reason="needs debugpy, the debugger of VS Code")
    root = Path(tinyhf.__file__).parents[1]
    program = tmp_path / "program.py"
    program.write_text(
        "import tinyhf\nfrom tests.tiny_llamas import inputs, our_llama\n"
        "tinyhf.stop_at('model.layers.1.self_attn.scores')\n"
        "tinyhf.stop_at('model.norm')\n"
        "our_llama()(input_ids=inputs(1, 5)['input_ids'])\n"
    )
    adapter = DebugAdapter(program, root)
    try:
        thread, frame = adapter.stopped_frame()
        code = Path(frame["source"]["path"]).read_text(encoding="utf-8").splitlines()
        assert frame["source"]["path"] == str(root / "tinyhf" / "models" / "llama.py")
        assert frame["name"].endswith("forward")
        assert 'self.record("scores"' in code[frame["line"] - 2]
        assert {"query", "key", "scores"} <= adapter.variables(frame)
        shape = adapter.ask("evaluate", expression="scores.shape", frameId=frame["id"])
        assert shape["result"] == "(1, 4, 5, 5)"
        adapter.send("continue", threadId=thread)
        _, frame = adapter.stopped_frame()
        assert "self.norm(" in code[frame["line"] - 2]
    finally:
        adapter.close()


@pytest.mark.slow
def test_in_a_notebook():
    """A kernel imports debugpy, but nobody is connected to it: pdb opens, below the cell."""
    manager = pytest.importorskip("jupyter_client.manager", reason="needs jupyter_client")
    pytest.importorskip("ipykernel", reason="needs ipykernel")
    root = Path(tinyhf.__file__).parents[1]
    kernel, client = manager.start_new_kernel(cwd=str(root))
    typed, shown = iter(["p scores.shape", "continue"]), []
    try:
        client.execute_interactive(
            "import tinyhf\nfrom tests.tiny_llamas import inputs, our_llama\n"
            "with tinyhf.stop_at('model.layers.1.self_attn.scores') as stop:\n"
            "    our_llama()(input_ids=inputs(1, 5)['input_ids'])\n"
            "print(stop)",
            timeout=60,
            stdin_hook=lambda message: client.input(next(typed)),
            output_hook=lambda message: shown.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
    text = "".join(shown)
    assert "(1, 4, 5, 5)\n" in text
    assert "stop_at('model.layers.1.self_attn.scores'), 1 hits" in text
