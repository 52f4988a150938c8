"""The articles' own code about models, run word for word: only the import says tinyhf.

The names they load are folders below the current one, as made here; their "cuda" is the strict
device, so that ``.to("cuda")`` and ``device_map="auto"`` do what they would on a GPU.
"""

import ast
import re
import shutil
from pathlib import Path

import numpy
import pytest

import tinyhf
from tests import strict_device
from tests.tiny_tasks import question_answerer, writer
from tinyhf import (
    AutoTokenizer,
    BertConfig,
    GPTBigCodeConfig,
    GPTBigCodeForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    pipeline,
)
from tinyhf.backend import arrays
from tinyhf.pipelines import SUPPORTED_TASKS, TextGenerationPipeline, check_task

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


def make_gpt_bigcode(folder):
    """A tiny StarCoder with the bundled tokenizer."""
    tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales")
    sizes = {"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 64}
    GPTBigCodeForCausalLM(GPTBigCodeConfig(vocab_size=len(tokenizer), **sizes)).init_weights(
        seed=0
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def test_every_pipeline(article, run, llama, tmp_path):
    """Article 004: text generation, classification, translation, question answering, code."""
    sentiment = pipeline("text-classification")  # the bundled one, under the article's name
    sentiment.save_pretrained(tmp_path / "distilbert-base-uncased-finetuned-sst-2-english")
    writer(tmp_path / "Helsinki-NLP/opus-mt-en-fr", "marian")
    question_answerer(tmp_path / "deepset/roberta-base-squad2", "Roberta")
    make_gpt_bigcode(tmp_path / "bigcode/starcoder")
    _, output = run(article("004.md", "classifier = pipeline("))
    text, label, french, answer, code = map(ast.literal_eval, output.splitlines())
    assert text[0]["generated_text"].startswith("What is the meaning of life?")
    assert label[0].keys() == {"label", "score"} and label[0]["label"] in ("POSITIVE", "NEGATIVE")
    assert french[0].keys() == {"translation_text"}
    assert answer["answer"] and answer.keys() == {"score", "start", "end", "answer"}
    assert code[0]["generated_text"].startswith("def fibonacci(n):")


def test_pipeline_with_model_kwargs(article, llama, tmp_path, monkeypatch):
    """Article 002: the dtype in model_kwargs, device_map; then one call with max_length.

    ``import torch`` is there for ``torch.bfloat16`` only, which tinyhf has under the same name.
    """
    monkeypatch.chdir(tmp_path)
    shutil.copytree(llama, tmp_path / "meta-llama" / "Meta-Llama-3.1-8B-Instruct")
    code = article("002.md", "transformers.pipeline(").replace("import transformers\n", "")
    variables = {"transformers": tinyhf, "torch": tinyhf}
    exec(code.replace("import torch\n", ""), variables)
    assert variables["pipeline"].model.dtype == tinyhf.bfloat16
    exec(article("002.md", "Write a story about a cat"), variables)
    assert variables["output"][0]["generated_text"].startswith("Write a story about a cat")


def test_registry_of_tasks(article):
    """Articles 001 and 002: what ``pipeline`` looks up."""
    normalized_task, targeted_task, task_options = check_task("text-generation")
    row = SUPPORTED_TASKS["text-generation"]
    assert (normalized_task, targeted_task, task_options) == ("text-generation", row, None)
    assert row["impl"] is TextGenerationPipeline and row["type"] == "text"
    named = re.findall(
        r'"([a-z-]+)"', article("002.md", "SUPPORTED_TASKS = {").partition("# Many")[2]
    )
    assert named and set(named) <= set(SUPPORTED_TASKS)


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
