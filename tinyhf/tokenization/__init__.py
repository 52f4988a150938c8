"""Floor 4 · Text → ids → text.

Read in this order: ``backend_files`` (which files), ``special_tokens``, ``chat_template``, ``base``
(load, save, vocabulary), ``padding``, ``batch_encoding``, ``fast`` (encode, decode), ``concrete``,
``auto``.
"""

from tinyhf.tokenization.auto import AutoTokenizer
from tinyhf.tokenization.base import PreTrainedTokenizerBase
from tinyhf.tokenization.batch_encoding import BatchEncoding, CharSpan, TokenSpan
from tinyhf.tokenization.concrete import (
    BertTokenizer,
    BertTokenizerFast,
    GPT2Tokenizer,
    GPT2TokenizerFast,
    LlamaTokenizer,
    LlamaTokenizerFast,
    T5Tokenizer,
    T5TokenizerFast,
)
from tinyhf.tokenization.fast import PreTrainedTokenizerFast

# Other names of the same classes, met in articles and in older code.
PretrainedTokenizerBase = PreTrainedTokenizerBase
PreTrainedTokenizer = TokenizersBackend = PreTrainedTokenizerFast

__all__ = [
    "AutoTokenizer",
    "BatchEncoding",
    "BertTokenizer",
    "BertTokenizerFast",
    "CharSpan",
    "GPT2Tokenizer",
    "GPT2TokenizerFast",
    "LlamaTokenizer",
    "LlamaTokenizerFast",
    "PreTrainedTokenizer",
    "PreTrainedTokenizerBase",
    "PreTrainedTokenizerFast",
    "PretrainedTokenizerBase",
    "T5Tokenizer",
    "T5TokenizerFast",
    "TokenSpan",
    "TokenizersBackend",
]
