"""``tinyhf generate`` where all is well: the text, where it goes, and what the options do."""

import io

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models

import tinyhf as package
from tests.cli.tiny_folder import CONTEXT
from tinyhf import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast
from tinyhf.cli import main
from tinyhf.cli.generate import DEFAULT_PROMPT
from tinyhf.cli.streaming import WholeTextStreamer


class Terminal(io.StringIO):
    def isatty(self):
        return True


def generated_by_the_api(folder, prompt, **settings):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    ids = model.generate(tokenizer(prompt, return_tensors="np")["input_ids"], **settings)
    return tokenizer.decode(ids[0], skip_special_tokens=True) + "\n"


def test_a_real_model_gives_its_published_text(tinyhf, stories260k):
    folder, expected = stories260k
    new_tokens = expected["greedy_ids_total"] - len(expected["prompt_ids"])
    options = ("--model", folder, "--greedy", "--max-new-tokens", new_tokens)
    code, out, _ = tinyhf("generate", expected["prompt"], *options)
    assert (code, out) == (0, expected["greedy_text"] + "\n")


def test_only_the_text_goes_to_the_standard_output(tinyhf, tiny):
    options = ("--model", tiny, "--greedy", "--max-new-tokens", 30)
    code, out, err = tinyhf("generate", "Once <s>upon", *options)
    assert code == 0
    assert out == generated_by_the_api(tiny, "Once <s>upon", do_sample=False, max_new_tokens=30)
    assert "<s>" not in out
    assert "Loading checkpoint shards" in err


def test_sampling_options_reach_the_model(tinyhf, tiny):
    settings = {"temperature": 2.0, "top_k": 9, "top_p": 0.9, "repetition_penalty": 1.3, "seed": 5}
    options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    _, out, _ = tinyhf("generate", "A fox", "--model", tiny, "--max-new-tokens", 20, *options)
    wanted = generated_by_the_api(tiny, "A fox", do_sample=True, max_new_tokens=20, **settings)
    assert out == wanted
    assert out != generated_by_the_api(tiny, "A fox", do_sample=False, max_new_tokens=20)


def test_the_bundled_model_is_the_default(tinyhf):
    code, out, err = tinyhf("generate", "--greedy", "--max-new-tokens", 8, "Once upon a time")
    assert (code, out.startswith("Once upon a time")) == (0, True)
    assert "note" not in err  # its own max_length gives way without a word


@pytest.mark.parametrize("argument", [[], ["-"]])
def test_a_pipe_is_read_without_its_last_line_end(tinyhf, tiny, monkeypatch, argument):
    monkeypatch.setattr("sys.stdin", io.StringIO("A little\nfox\n"))
    options = ("--model", tiny, "--greedy", "--max-new-tokens", 5)
    _, out, _ = tinyhf("generate", *argument, *options)
    wanted = generated_by_the_api(tiny, "A little\nfox", do_sample=False, max_new_tokens=5)
    assert out == wanted


def test_at_a_terminal_there_is_a_prompt_to_try(tinyhf, tiny, monkeypatch):
    monkeypatch.setattr("sys.stdin", Terminal("never read"))
    code, out, _ = tinyhf("generate", "--model", tiny, "--max-new-tokens", 1)
    assert (code, out.startswith(DEFAULT_PROMPT)) == (0, True)


def test_what_the_library_notes_goes_to_the_standard_error(tinyhf, tiny):
    options = ("--model", tiny, "--max-new-tokens", CONTEXT)
    code, _, err = tinyhf("generate", "A little fox", *options)
    assert code == 0
    assert "tinyhf: note: The text may grow" in err


def test_a_line_end_costs_the_next_word_no_space(capsys):
    backend = Tokenizer(models.WordLevel({"▁A": 0, "\n": 1, "▁B": 2}, unk_token="▁A"))
    backend.decoder = decoders.Metaspace()
    streamer = WholeTextStreamer(PreTrainedTokenizerFast(backend))
    for token_id in (0, 1, 2):
        streamer.put(np.array([token_id]))
    streamer.end()
    assert capsys.readouterr().out == "A\n B\n"


def test_the_arguments_of_run_generation(tinyhf, tiny):
    """Those of transformers' example script, with underscores and with dashes."""
    old = (
        "--model_type llama --fp16 --prompt Once --length 9 --k 5 --p 0.9 --seed 3 --temperature 2"
    )
    new = "Once --dtype float16 --max-new-tokens 9 --top-k 5 --top-p 0.9 --seed 3 --temperature=2"
    code, out, _ = tinyhf("generate", "--model_name_or_path", tiny, *old.split())
    assert (code, out) == (0, tinyhf("generate", "--model", tiny, *new.split())[1])
    dashed = [word.replace("_", "-") for word in old.split()]
    assert tinyhf("generate", "--model-name-or-path", tiny, *dashed)[1] == out


def test_several_sequences_each_below_its_number(tinyhf, tiny):
    options = ["--num_return_sequences", "3", "--seed", "2", "--length", "5"]
    code, out, _ = tinyhf("generate", "Once", "--model", tiny, *options)
    heads, texts = out.splitlines()[::2], out.splitlines()[1::2]
    assert (code, heads) == (0, [f"=== GENERATED SEQUENCE {number} ===" for number in (1, 2, 3)])
    assert len(set(texts)) == 3
    assert all(text.startswith("Once") for text in texts)


def test_only_names_of_options_get_dashes(tinyhf, tiny):
    options = ("--model", tiny, "--max_new_tokens=1", "--greedy")
    for prompt in (["a_b"], ["--prompt=--a_b"], ["--", "--a_b"]):
        _, out, _ = tinyhf("generate", *options, *prompt)
        assert "a_b" in out


def test_version_and_help(capsys):
    for option, words in (("--version", package.__version__), ("--help", "examples:")):
        with pytest.raises(SystemExit) as exit_code:
            main([option])
        assert exit_code.value.code == 0
        assert words in capsys.readouterr().out
