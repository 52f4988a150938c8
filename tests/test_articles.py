"""The articles' own code about models, run word for word: only the import says tinyhf.

The names they load are folders below the current one, as made here; their "cuda" is the strict
device, so that ``.to("cuda")`` and ``device_map="auto"`` do what they would on a GPU.
"""

import re
from pathlib import Path

import numpy
import pytest

from tests import strict_device
from tinyhf import AutoTokenizer, BertConfig, LlamaConfig, LlamaForCausalLM
from tinyhf.backend import arrays

ARTICLES = Path(__file__).resolve().parents[2] / "shared" / "articles"
LLAMA = "meta-llama/Llama-2-7b-chat-hf"


@pytest.fixture
def article():
    """``article("004.md", "AutoModelForCausalLM, AutoTokenizer")``: the block with these words."""
    if not ARTICLES.is_dir():
        pytest.skip("needs ../shared/articles, which lie beside the project in its workshop only")

    def block(name, words):
        text = (ARTICLES / name).read_text(encoding="utf-8")
        blocks = re.findall(r"```(?:python|bash)\n(.*?)```", text, re.DOTALL)
        return next(block for block in blocks if words in block)

    return block


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs code in a folder where the articles' names are; returns its variables and its output."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(arrays.LIBRARIES, "cuda", strict_device.NAME)

    def run(code):
        variables = {}
        exec(re.sub(r"\b(from|import) transformers\b", r"\1 tinyhf", code), variables)
        return variables, capsys.readouterr().out

    return run


@pytest.fixture
def llama(tmp_path):
    """A tiny Llama with the bundled tokenizer, under the articles' name."""
    folder = tmp_path / LLAMA
    tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales")
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    config = LlamaConfig(vocab_size=len(tokenizer), num_attention_heads=4, **sizes)
    LlamaForCausalLM(config).init_weights(seed=0).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_load_and_generate(article, run, llama):
    """Article 004: Auto classes, dtype and device "auto", inputs to the GPU, max_length."""
    variables, output = run(article("004.md", "AutoModelForCausalLM, AutoTokenizer\n\n# "))
    assert variables["model"].device == "cuda:0"
    assert len(variables["outputs"][0]) <= 100
    assert output.startswith("What is transformers?")


def test_generate_with_pipeline(article, run, llama):
    """Article 001: the six settings, and the pipeline called with a prompt."""
    model = AutoTokenizer.from_pretrained(llama), LlamaForCausalLM.from_pretrained(llama)
    code = "from tinyhf import pipeline\n" + article("001.md", "pipe = pipeline(")
    code = code.replace("max_new_tokens=512", "max_new_tokens=5")
    variables = {"tokenizer": model[0], "model": model[1]}
    exec(code, variables)
    text = variables["pipe"]("Once upon a time")[0]["generated_text"]
    assert text.startswith("Once upon a time")


def test_config_without_arguments(article, run):
    """Article 003: ``print(BertConfig())`` needs no download."""
    (code,) = re.findall(
        r"from transformers import BertConfig.*", (ARTICLES / "003.md").read_text()
    )
    _, output = run(f"{code}\nconfig = BertConfig()\nprint(config)")
    assert output.startswith("BertConfig {") and '"hidden_size": 768' in output
    assert BertConfig().num_hidden_layers == 12


def test_forms_of_to(run):
    """Article 001: what ``Tensor.to`` does with a device, a BatchEncoding does."""
    tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales")
    inputs = tokenizer("Once upon a time", return_tensors="np").to("cuda:0")
    assert type(inputs["input_ids"]) is strict_device.ndarray
    assert isinstance(inputs.to("cpu")["input_ids"], numpy.ndarray)


def test_a_truncated_model(run, llama, caplog):
    """Article 003: a config with fewer layers loads the layers it has, and names the others."""
    variables, output = run(
        "from transformers import AutoConfig, AutoModel\n"
        f"config = AutoConfig.from_pretrained({LLAMA!r}, trust_remote_code=True)\n"
        "config.num_hidden_layers = 1\n"
        f"model = AutoModel.from_pretrained({LLAMA!r}, config=config, trust_remote_code=True)\n"
        "print(model)"
    )
    assert len(variables["model"].layers) == 1
    assert "LlamaModel(" in output
    assert "num_hidden_layers = 1, the checkpoint has 2" in caplog.text
