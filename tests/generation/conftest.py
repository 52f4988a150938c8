"""Stand-ins for a model and a tokenizer, so that generate() is tested without either."""

from types import SimpleNamespace

import numpy as np
import pytest

from tinyhf.configuration.generation import GenerationConfig
from tinyhf.generation import GenerationMixin
from tinyhf.nn import CausalLMOutputWithPast, Module


class TableModel(GenerationMixin, Module):
    """Its logits for the next token are the row of a table that the last token names."""

    device = "cpu"

    def __init__(self, table, **settings):
        self.table = np.asarray(table, np.float32)
        self.config = SimpleNamespace(vocab_size=len(self.table), max_position_embeddings=64)
        self.generation_config = GenerationConfig(**settings)
        self.calls = []

    def can_generate(self):
        return True

    def prepare_inputs_for_generation(self, input_ids, past_key_values=None, **kwargs):
        past = 0 if past_key_values is None else past_key_values
        return {"input_ids": input_ids[:, past:], "past_key_values": past_key_values, **kwargs}

    def forward(
        self,
        input_ids,
        attention_mask=None,
        past_key_values=None,
        use_cache=None,
        output_attentions=None,
        output_hidden_states=None,
        return_dict=None,
        logits_to_keep=0,
    ):
        mask = None if attention_mask is None else attention_mask.tolist()
        self.calls.append(SimpleNamespace(input_ids=input_ids, attention_mask=mask))
        return CausalLMOutputWithPast(
            logits=self.table[input_ids[:, -1:]],
            past_key_values=(past_key_values or 0) + input_ids.shape[1] if use_cache else None,
            attentions=("attentions",) if output_attentions else None,
            hidden_states=("hidden",) if output_hidden_states else None,
        )

    __call__ = forward


class PieceTokenizer:
    """Every id is one piece of text; -1 is the piece that stands for any other text."""

    def __init__(self, *pieces):
        self.pieces = pieces

    def __call__(self, text, add_special_tokens=True):
        self.text = text
        return {"input_ids": [-1]}

    def decode(self, ids, **kwargs):
        return "".join(self.text if token_id == -1 else self.pieces[token_id] for token_id in ids)


@pytest.fixture
def counting_model():
    """Token n is followed by n + 1, and 9 by 0: greedy decoding counts."""

    def make(**settings):
        return TableModel(np.roll(np.eye(10), 1, axis=1) * 5, **settings)

    return make


@pytest.fixture
def random_model():
    """Fifty tokens, each with its own random scores for the next one."""

    def make(**settings):
        table = np.random.default_rng(0).normal(size=(50, 50)) * 2
        return TableModel(table, **settings)

    return make


@pytest.fixture
def piece_tokenizer():
    return PieceTokenizer
