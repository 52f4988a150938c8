"""``tinyhf trace`` and ``tinyhf compare``."""

import sys

import numpy as np
import pytest

import tinyhf
from tests.cli.tiny_folder import make_tiny_bert
from tests.tiny_encoder_decoders import our_model
from tinyhf.cli import main


@pytest.fixture
def run(capsys):
    """``run("trace", …)`` → (exit code, standard output, standard error)."""

    def call(*argv):
        code = main([str(argument) for argument in argv])
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def trace_file(run, tiny, tmp_path):
    path = tmp_path / "t.safetensors"
    assert run("trace", "Once upon a time", "--model", tiny, "-o", path)[0] == 0
    return path


def test_trace_shows_a_table_or_writes_a_file(run, tiny, trace_file):
    code, out, _ = run("trace", "Once upon", "--model", tiny, "--names", "*.pattern")
    assert code == 0
    lines = out.splitlines()
    assert lines[0].startswith("path ") and lines[1].startswith("model.layers.0.self_attn.pattern")
    assert len(lines) == 4
    t = tinyhf.load_trace(trace_file)
    model = tinyhf.AutoModelForCausalLM.from_pretrained(tiny)
    np.testing.assert_array_equal(t["logits"], model(t["input_ids"]).logits)


def test_trace_of_generate(run, tiny, tmp_path):
    path = tmp_path / "t.safetensors"
    code, out, _ = run("trace", "Once", "--model", tiny, "-o", path, "--max-new-tokens", 3)
    assert code == 0 and out.endswith("steps: 3\n")
    assert "next_tokens" in tinyhf.load_trace(path).step(2)


def test_trace_of_other_kinds_of_models(run, tmp_path):
    folder = make_tiny_bert(tmp_path / "bert", "ForMaskedLM")
    code, out, _ = run("trace", "the dog is [MASK]", "--model", folder)
    assert code == 0 and "bert.encoder.layer.1.attention.self.pattern" in out


def test_compare_two_files(run, tiny, trace_file, tmp_path):
    code, out, _ = run("compare", trace_file, trace_file)
    assert code == 0 and out.endswith("No difference at all.\n")
    wrong = dict(tinyhf.load_trace(trace_file))
    wrong["model.layers.1.mlp"] = wrong["model.layers.1.mlp"] + 1
    np.savez(tmp_path / "wrong.npz", **wrong)
    code, out, _ = run("compare", trace_file, tmp_path / "wrong.npz", "--all")
    assert code == 1
    assert "First difference: model.layers.1.mlp: differs." in out
    assert len(out.splitlines()) > len(wrong)


def test_compare_with_a_model_and_renamed(run, tiny, trace_file, tmp_path):
    assert run("compare", trace_file, tiny)[0] == 0
    np.savez(tmp_path / "x.npz", embd=tinyhf.load_trace(trace_file)["model.embed_tokens"])
    renamed = ("--rename", "embd=model.embed_tokens")
    assert run("compare", trace_file, tmp_path / "x.npz", *renamed)[0] == 0


def test_compare_two_models_that_read_the_prompt(run, tiny):
    code, out, _ = run("compare", tiny, tiny, "--prompt", "One day")
    assert code == 0 and out.rstrip().endswith("No difference at all.")


@pytest.mark.parametrize(
    ("argv", "sentence"),
    [
        (("a.npz",), "give either B or --against transformers"),
        (("a.npz", "b.npz", "--against", "transformers"), "give either B or"),
        (("a.npz", "b.npz"), "a.npz: there is no such file or folder"),
        (("a.npz", "b.npz", "--rename", "x"), "--rename: not a pair"),
    ],
)
def test_wrong_use_ends_with_2(run, argv, sentence):
    code, out, err = run("compare", *argv)
    assert (code, out) == (2, "") and sentence in err


def test_without_transformers(run, tiny, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    code, _, err = run("compare", tiny, "--against", "transformers")
    assert code == 2 and "pip install 'tinyhf[parity]'" in err


@pytest.mark.parity
def test_against_transformers(run, tiny, tmp_path):
    pytest.importorskip("transformers")
    code, out, _ = run("compare", tiny, "--against", "transformers", "--prompt", "a little fox")
    assert code == 0 and "(torch)" in out
    assert run("compare", "little-tales", "--against", "transformers")[0] == 0
    code, out, _ = run(
        "compare", "tinyhf/little-tales", "--against", "transformers", "--dtype", "bfloat16"
    )
    assert code == 0


def test_an_encoder_decoder_reads_its_start_token(run, tmp_path, monkeypatch):
    our_model("t5").save_pretrained(tmp_path)
    tokenizer = {"input_ids": np.array([[5, 6]])}
    monkeypatch.setattr(
        "tinyhf.cli.trace.AutoTokenizer.from_pretrained", lambda name: lambda *_, **__: tokenizer
    )
    code, out, _ = run("trace", "five six", "--model", tmp_path, "--names", "*decoder_input_ids")
    assert code == 0 and "decoder_input_ids  (1,1)" in out
