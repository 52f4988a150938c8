"""The debugger opens where a value is made."""

import os
import subprocess
import sys

import pytest

import tinyhf
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
    assert Module.record.__self__ == {} and Module._forward_hooks == ()


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


def test_in_pdb():
    """A whole session: the prompt stands in the stage, with its value."""
    code = (
        "import tinyhf; from tests.tiny_llamas import inputs, our_llama; "
        "tinyhf.stop_at('model.layers.1.self_attn.pattern'); "
        "our_llama()(input_ids=inputs(1, 5)['input_ids']); print('the end')"
    )
    process = subprocess.run(
        [sys.executable, "-c", code],
        input="p weights.shape\np self.layer_idx\nnext\np mixed.shape\ncontinue\n",
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONBREAKPOINT": ""},
    )
    shown = process.stdout
    assert process.returncode == 0, process.stderr
    assert "model.layers.1.self_attn.pattern: (1, 4, 5, 5) float32" in shown
    assert 'mixed = self.record("z"' in shown.split("(Pdb)")[0]
    for text in ("(1, 4, 5, 5)\n", "(Pdb) 1\n", "(1, 4, 5, 8)\n", "the end"):
        assert text in shown
