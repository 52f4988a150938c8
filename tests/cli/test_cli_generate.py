"""``tinyhf generate`` where all is well: the text, where it goes, and what the options do."""

import io

import numpy as np
import pytest
from tokenizers import Tokenizer, decoders, models

import tinyhf as package
from tests.cli.tiny_folder import CONTEXT
from tinyhf import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast
from tinyhf.cli import DEFAULT_PROMPT, WholeTextStreamer, main


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


def test_version_and_help(capsys):
    for option, words in (("--version", package.__version__), ("--help", "examples:")):
        with pytest.raises(SystemExit) as exit_code:
            main([option])
        assert exit_code.value.code == 0
        assert words in capsys.readouterr().out
