"""Floor 6 · Prompt tuning: learnt vectors stand before those of the text.

Mirrors peft/tuners/prompt_tuning (Lester et al., 2021).
"""

import math
from dataclasses import dataclass
from enum import Enum

from tinyhf.autograd import plain
from tinyhf.backend import array_module, cast, float32, to_host
from tinyhf.backend.random import default_generator
from tinyhf.nn import Embedding, Module
from tinyhf.peft.config import PeftType
from tinyhf.peft.lora_layers import normal
from tinyhf.peft.prompt_learning import PromptLearningConfig
from tinyhf.tokenization import AutoTokenizer


class PromptTuningInit(str, Enum):
    """What the vectors begin as."""

    RANDOM = "RANDOM"
    TEXT = "TEXT"
    SAMPLE_VOCAB = "SAMPLE_VOCAB"


@dataclass(kw_only=True)
class PromptTuningConfig(PromptLearningConfig):
    """How long the prompt is and what it begins as; see also ``PromptLearningConfig``.

    Args:
        prompt_tuning_init: a ``PromptTuningInit`` or its name.
        prompt_tuning_init_text, tokenizer_name_or_path: for "TEXT": whose vectors it begins as.
        tokenizer_kwargs: for that tokenizer.
    """

    peft_type = PeftType.PROMPT_TUNING
    prompt_tuning_init: str = PromptTuningInit.RANDOM
    prompt_tuning_init_text: str | None = None
    tokenizer_name_or_path: str | None = None
    tokenizer_kwargs: dict | None = None

    def __post_init__(self):
        super().__post_init__()
        self.require_known("prompt_tuning_init", [start.value for start in PromptTuningInit])
        self.prompt_tuning_init = PromptTuningInit(self.prompt_tuning_init)
        if self.prompt_tuning_init == PromptTuningInit.TEXT:
            for field in ("prompt_tuning_init_text", "tokenizer_name_or_path"):
                if not getattr(self, field):
                    raise self.error(field, 'is needed for prompt_tuning_init="TEXT"')


class PromptEmbedding(Module):
    """Numbers of virtual tokens → their learnt vectors."""

    def __init__(self, config, word_embeddings):
        shape = config.num_virtual_tokens, config.token_dim
        self.embedding = Embedding(*shape)
        self.embedding.weight = normal(shape)
        if config.prompt_tuning_init != PromptTuningInit.RANDOM and not config.inference_mode:
            self.embedding.weight = first_vectors(config, to_host(plain(word_embeddings.weight)))

    def flat(self, virtual_tokens):
        """(batch, virtual) → (batch, virtual, hidden)."""
        return self.embedding(virtual_tokens)

    def forward(self, virtual_tokens):
        return self.flat(virtual_tokens)


def first_vectors(config, table):
    """The vectors of a text, repeated or cut, or of random words of the vocabulary."""
    count = config.num_virtual_tokens
    if config.prompt_tuning_init == PromptTuningInit.TEXT:
        name, options = config.tokenizer_name_or_path, config.tokenizer_kwargs or {}
        tokenizer = AutoTokenizer.from_pretrained(name, **options)
        ids = tokenizer(config.prompt_tuning_init_text)["input_ids"]
        ids = (ids * math.ceil(count / len(ids)))[:count]
    else:
        ids = default_generator().randint(len(table), count)
    return cast(array_module(table).array(table[ids]), float32)
