"""A small byte-level tokenizer, and a model folder with its files."""

import json

import pytest
from tokenizers import Tokenizer
from tokenizers_for_tests import SETTINGS, byte_level_json

from tinyhf.tokenization import PreTrainedTokenizerFast


@pytest.fixture
def backend():
    return Tokenizer.from_str(byte_level_json())


@pytest.fixture
def tokenizer(backend):
    return PreTrainedTokenizerFast(backend, name_or_path="small", **SETTINGS)


@pytest.fixture
def folder(tmp_path):
    """A model folder with tokenizer.json and tokenizer_config.json; change the files at will."""
    (tmp_path / "tokenizer.json").write_text(byte_level_json(), encoding="utf-8")
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    return tmp_path


@pytest.fixture
def notes(monkeypatch):
    """The notes logged by the tokenizer, in order; each counts even if it was logged before."""
    logged = []
    for module in ("base", "batch_encoding", "surprises", "switches"):
        monkeypatch.setattr(f"tinyhf.tokenization.{module}.note_once", logged.append)
    return logged
