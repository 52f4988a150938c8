"""Adapters and the Trainer: article 004's code, and what is saved."""

import re
from pathlib import Path

import numpy
import pytest

from tests import strict_device
from tests.tiny_llamas import our_llama
from tinyhf import AutoTokenizer, LlamaConfig, LlamaForCausalLM
from tinyhf.autograd import Tensor, plain
from tinyhf.backend import arrays
from tinyhf.backend.random import set_seed
from tinyhf.peft import LoraConfig, PeftModel, PrefixTuningConfig, get_peft_model
from tinyhf.training import Trainer, TrainingArguments

ARTICLES = Path(__file__).resolve().parents[3] / "shared" / "articles"
QUIET = {"report_to": "none", "disable_tqdm": True}


def dataset(count=12):
    rng = numpy.random.default_rng(0)
    rows = [rng.integers(1, 96, 8).tolist() for _ in range(count)]
    return [{"input_ids": row, "labels": row} for row in rows]


CONFIGS = [LoraConfig(r=4, lora_dropout=0.05), LoraConfig(use_dora=True, r=2)]
CONFIGS += [PrefixTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=3)]


@pytest.mark.parametrize("config", CONFIGS, ids=["lora", "dora", "prefix"])
def test_trainer_trains_and_saves_the_adapter_alone(config, tmp_path):
    base = our_llama()
    frozen = {name: value.copy() for name, value in base.state_dict().items()}
    model = get_peft_model(base, config)
    before = {n: p.array.copy() for n, p in model.named_parameters() if isinstance(p, Tensor)}
    args = TrainingArguments(
        tmp_path / "out", num_train_epochs=8, learning_rate=3e-2, save_steps=20, **QUIET
    )
    trainer = Trainer(model=model, args=args, train_dataset=dataset())
    first = plain(model(numpy.array([r["input_ids"] for r in dataset()])).logits)
    trainer.train()
    parameters = dict(model.named_parameters())
    assert all((parameters[name].array != array).any() for name, array in before.items())
    base = model.unload()
    assert all((base.get_parameter(name) == value).all() for name, value in frozen.items())
    saved = next((tmp_path / "out").glob("checkpoint-*"))
    assert (saved / "adapter_model.safetensors").exists()
    assert not (saved / "model.safetensors").exists()
    again = PeftModel.from_pretrained(our_llama(), saved)
    assert (plain(again(numpy.array([r["input_ids"] for r in dataset()])).logits) != first).any()


@pytest.mark.skipif(not ARTICLES.is_dir(), reason="the articles lie beside the project")
def test_article_004(monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(arrays.LIBRARIES, "cuda", strict_device.NAME)
    tokenizer = AutoTokenizer.from_pretrained("little-tales")
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, eos_token_id=None, bos_token_id=None,
    )  # fmt: skip
    folder = "meta-llama/Llama-2-7b-chat-hf"
    LlamaForCausalLM(config).init_weights(0).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    text = (ARTICLES / "004.md").read_text(encoding="utf-8")
    code = next(b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "LoraConfig" in b)
    for theirs, ours in {
        "from transformers import TrainingArguments, Trainer":
            "from tinyhf.training import TrainingArguments, Trainer",
        "from transformers import": "from tinyhf import",
        "from peft import": "from tinyhf.peft import",
        "import torch": "import tinyhf as torch",
    }.items():  # fmt: skip
        code = code.replace(theirs, ours)
    rng = numpy.random.default_rng(0)
    rows = [rng.integers(1, 99, 8).tolist() for _ in range(8)]
    train_dataset = [{"input_ids": row, "labels": row} for row in rows]
    exec(compile(code, "004.md", "exec"), {"train_dataset": train_dataset})
    printed = capsys.readouterr().out
    assert printed.startswith("trainable params: ") and "What is PEFT?" in printed
    assert Path("lora_finetuned/adapter_model.safetensors").exists()


def test_resume_ends_where_the_whole_run_ends(tmp_path):
    def run(steps, resume=None):
        set_seed(0)
        model = get_peft_model(our_llama(), LoraConfig(r=4, lora_dropout=0.1))
        args = TrainingArguments(
            tmp_path / "out", max_steps=6, save_steps=steps, learning_rate=1e-2, **QUIET
        )
        Trainer(model=model, args=args, train_dataset=dataset()).train(resume)
        return {n: p.array for n, p in model.named_parameters() if isinstance(p, Tensor)}

    whole = run(3)
    again = run(100, resume=str(tmp_path / "out" / "checkpoint-3"))
    assert all((again[name] == array).all() for name, array in whole.items())
