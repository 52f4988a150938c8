"""``tinyhf inspect``: the plan as a person sees it, at a terminal and in a pipe."""

import io

import pytest

from tinyhf.cli import main
from tinyhf.inspection import plan_load, show_plan


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_terminal(width):
    screen = io.StringIO()
    show_plan(plan_load("tinyhf/little-tales"), screen, width)
    lines = screen.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    (row,) = [line for line in lines if "post_attention_layernorm.weight" in line]
    assert "(128,)" in row
    assert "bfloat16" in row


def test_in_a_pipe_it_is_plain_text(capsys, tiny):
    assert main(["inspect", str(tiny)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "\x1b" not in out
    for words in (
        "model.safetensors.index.json  local folder",
        'LlamaForCausalLM, by model_type "llama" in config.json',
        "num_key_value_heads",
        "layers.0-2",
        "3 × LlamaDecoderLayer",
        "up_proj.weight",
        "(24, 16)",
        "bfloat16",
        "fits",
    ):
        assert words in out


def test_an_incomplete_model_is_shown_and_then_refused(capsys, copy):
    for shard in copy.glob("model-*.safetensors"):
        shard.unlink()
    assert main(["inspect", str(copy)]) == 2
    out, err = capsys.readouterr()
    assert "missing" in out
    assert "layers.0-2" in out
    assert err.count("\n") == 1
    assert "weight files are missing" in err


def test_a_name_that_leads_nowhere(capsys):
    assert main(["inspect", "./no/such/folder"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("tinyhf: error: ./no/such/folder: this is neither a local folder")
