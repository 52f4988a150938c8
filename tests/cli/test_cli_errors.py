"""What can be wrong with a model or a command line: each ends with one sentence and exit code 2."""

import json
import shutil

import pytest

from tests.cli.tiny_folder import CONTEXT, make_tiny_folder
from tinyhf.cli import main


def change_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def first_shard(folder):
    return min(folder.glob("model-*.safetensors"))


def rename_in_index(folder, name):
    def change(index):
        index["weight_map"] = dict.fromkeys(index["weight_map"], name)

    change_json(folder / "model.safetensors.index.json", change)


def set_in_config(**fields):
    return lambda folder: change_json(folder / "config.json", lambda config: config.update(fields))


def write(file, text):
    return lambda folder: (folder / file).write_text(text)


def remove(file):
    return lambda folder: (folder / file).unlink()


def cut(folder):
    shard = first_shard(folder)
    shard.write_bytes(shard.read_bytes()[:-10])


def lengthen_header(folder):
    shard = first_shard(folder)
    shard.write_bytes((10**9).to_bytes(8, "little") + shard.read_bytes()[8:])


def narrow_vocabulary(folder):
    """The tokenizer knows more ids than the model."""
    shutil.rmtree(folder)
    make_tiny_folder(folder, vocab_size=100)


BROKEN = {
    "truncated shard": (cut, "does not end where its last tensor ends"),
    "empty shard": (lambda folder: first_shard(folder).write_bytes(b""), "too short"),
    "header longer than the file": (lengthen_header, "header longer than the file"),
    "missing shard": (lambda folder: first_shard(folder).unlink(), "which is not there"),
    "index leads up": (lambda folder: rename_in_index(folder, "../a"), "outside its own folder"),
    "index leads away": (lambda folder: rename_in_index(folder, "/a"), "outside its own folder"),
    "index without map": (write("model.safetensors.index.json", "{}"), "is not a shard index"),
    "no weights": (remove("model.safetensors.index.json"), "there are no weights"),
    "no config": (remove("config.json"), "there is no config.json"),
    "config not JSON": (write("config.json", '{"model_type": '), "is not valid JSON"),
    "config not an object": (write("config.json", "[1]"), "must hold a JSON object"),
    "NaN in config": (set_in_config(rms_norm_eps=float("nan")), "must be a finite number"),
    "heads do not divide": (set_in_config(num_key_value_heads=3), "does not divide"),
    "dtype in config": (set_in_config(dtype="floaty"), "unknown dtype"),
    "another family": (set_in_config(model_type="lama", architectures=None), "Did you mean"),
    "no tokenizer": (remove("tokenizer.json"), "no file to build a PreTrainedTokenizerFast"),
    "tokenizer not JSON": (write("tokenizer.json", "{"), "tokenizer.json: cannot be read"),
    "settings not JSON": (write("tokenizer_config.json", "{"), "tokenizer_config.json: this is"),
    "vocabulary too small": (narrow_vocabulary, "outside the vocabulary (wanted 0 to 99"),
    "generation settings": (write("generation_config.json", '{"top_p": 3}'), "top_p: not allowed"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_model(refused, copy, name):
    break_it, words = BROKEN[name]
    break_it(copy)
    before = sorted(copy.iterdir())
    assert words in refused("generate", "Once upon", "--model", copy, "--dtype", "auto")
    assert sorted(copy.iterdir()) == before


def test_shapes_that_differ_are_listed(tinyhf, copy):
    set_in_config(intermediate_size=20)(copy)
    code, out, err = tinyhf("generate", "Once upon", "--model", copy)
    assert (code, out) == (2, "")
    assert "error: " in err
    assert "model.layers.0.mlp.up_proj.weight  (24, 16) in the checkpoint, (20, 16)" in err


OPTIONS = {
    "--dtype int7": "dtype: unknown dtype",
    "--device tpu": "device: there is no such device",
    "--max-new-tokens -1": "max_new_tokens: not allowed",
    "--max-new-tokens 0": "max_new_tokens: not allowed",
    "--temperature 0": "temperature: not allowed",
    "--temperature nan": "temperature: not allowed",
    "--temperature warm": "invalid float value: 'warm'",
    "--top-p 2": "top_p: not allowed",
    "--top-k -1": "top_k: not allowed",
    "--repetition-penalty 0": "repetition_penalty: not allowed",
    "--greedy --temperature 0.5 --seed 1": "--greedy with --temperature, --seed: ",
    "--greedy --num_return_sequences 2": "--greedy with --num-return-sequences: ",
    "--num_return_sequences 0": "num_return_sequences: not allowed",
    "--length 0": "max_new_tokens: not allowed",
    "--fp16 --dtype bfloat16": "--fp16, --dtype: they contradict each other",
    "--prompt Hello": "PROMPT, --prompt: there are two prompts",
    "--model_type gpt2": "--model-type: the model is of another type (wanted llama, got 'gpt2')",
    "--modle x": "unrecognized arguments: --modle x",
    "--model ./no/such/folder": "neither a local folder nor the name of a repository",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_a_wrong_option(refused, tiny, options):
    assert OPTIONS[options] in refused("generate", "Hi", "--model", tiny, *options.split())


def test_an_empty_prompt(refused, tiny):
    for prompt in ("", " \n"):
        assert "prompt: there is nothing in it" in refused("generate", prompt, "--model", tiny)


def test_a_prompt_longer_than_the_context(refused, tiny):
    sentence = refused("generate", "fox " * CONTEXT, "--model", tiny)
    assert f"longer than this model can read (wanted less than {CONTEXT} tokens" in sentence


def test_no_command_and_a_wrong_one(refused):
    assert "required: COMMAND" in refused()
    assert "invalid choice: 'train'" in refused("train")


@pytest.mark.parametrize("error", [MemoryError(), OSError(28, "No space left"), KeyError("x")])
def test_what_nobody_foresaw_is_one_line_too(tinyhf, tiny, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("tinyhf.cli.generate.pipeline", fail)
    code, out, err = tinyhf("generate", "Hi", "--model", tiny)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert err.startswith(f"tinyhf: error: {type(error).__name__}")
    assert "--debug" in err
    with pytest.raises(type(error)):
        main(["generate", "Hi", "--debug"])
