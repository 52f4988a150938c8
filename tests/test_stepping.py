"""How many lines a person steps through with F11, measured as ``sys.settrace`` sees them.

A warm 2-layer Llama, float32, as DESIGN.md counts transformers: only tinyhf's own lines and frames.
"""

import sys
from pathlib import Path

import pytest

import tinyhf
from tinyhf import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM, pipeline

PACKAGE = str(Path(tinyhf.__file__).parent)

MOST_LINES_TO_LOAD = 2500
MOST_LINES_FOR_THE_FIRST_TOKEN = 900
MOST_LINES_FOR_A_FURTHER_TOKEN = 400
MOST_FRAMES = 18


def count_steps(function):
    """(lines, deepest number of frames) of tinyhf's own code while ``function()`` runs."""
    lines, depth, deepest = 0, 0, 0

    def trace(frame, event, _):
        nonlocal lines, depth, deepest
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "call":
            depth += 1
            deepest = max(deepest, depth)
        elif event == "line":
            lines += 1
        elif event == "return":
            depth -= 1
        return trace

    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(None)
    return lines, deepest


@pytest.fixture(scope="module")
def two_layers(tmp_path_factory):
    """A folder with a 2-layer Llama and the bundled tokenizer."""
    folder = tmp_path_factory.mktemp("two_layers")
    tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales")
    tokenizer.save_pretrained(folder)
    config = tinyhf.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        eos_token_id=None,
    )
    LlamaForCausalLM(config).init_weights(seed=0).save_pretrained(folder)
    return folder


def test_loading(two_layers):
    def load():
        AutoModelForCausalLM.from_pretrained(two_layers)

    load()
    lines, frames = count_steps(load)
    print(f"from_pretrained: {lines} lines, {frames} frames")
    assert lines <= MOST_LINES_TO_LOAD
    assert frames <= MOST_FRAMES


SIX_SETTINGS = {
    "temperature": 0.7,
    "top_p": 0.95,
    "top_k": 40,
    "repetition_penalty": 1.1,
    "seed": 1,
}


@pytest.mark.parametrize(
    ("settings", "preparing_processors"),
    [({"do_sample": False}, 0), ({"do_sample": True, "seed": 1}, 0), (SIX_SETTINGS, 60)],
    ids=["greedy", "sampling", "the articles' settings"],
)
def test_tokens(two_layers, settings, preparing_processors):
    pipe = pipeline("text-generation", str(two_layers))

    def lines_for(tokens):
        return count_steps(lambda: pipe("Once upon a time", max_new_tokens=tokens, **settings))

    lines_for(1)
    first, frames = lines_for(1)
    eleven, _ = lines_for(11)
    further = (eleven - first) / 10
    print(f"{settings}: first token {first} lines, each further {further}, {frames} frames")
    assert first <= MOST_LINES_FOR_THE_FIRST_TOKEN + preparing_processors
    assert further <= MOST_LINES_FOR_A_FURTHER_TOKEN
    assert frames <= MOST_FRAMES
