"""What the tests work on: a small tokenizer made here, and the real ones of ../shared/data."""

import functools
import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from tinyhf.tokenization import AutoTokenizer

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


SENTENCES = [
    "the quick brown fox jumps over the lazy dog",
    "once upon a time there was a little fox named Lily, she liked to play",
    "Hello world! How are you? I'm fine, thanks.",
    "<user>",
    "<assistant>",
]


@functools.cache
def byte_level_json():
    """A byte-level BPE of 350 tokens with BOS before and EOS after every text, as JSON."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=350,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> $B:1 </s>:1",
        special_tokens=[("<s>", 1), ("</s>", 2)],
    )
    return tokenizer.to_str()


SETTINGS = {
    "bos_token": "<s>",
    "eos_token": "</s>",
    "pad_token": "<pad>",
    "model_max_length": 64,
    "tokenizer_class": "PreTrainedTokenizerFast",
}


def real_folder(name):
    """The folder of a real tokenizer below ../shared/data; skips the test without it."""
    folder = DATA / name
    if not folder.is_dir():
        pytest.skip(f"needs the real tokenizer files in ../shared/data/{name}")
    return folder


@functools.cache
def real_tokenizer(name):
    return AutoTokenizer.from_pretrained(real_folder(name))


def write_config(folder, **changes):
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}), encoding="utf-8")
