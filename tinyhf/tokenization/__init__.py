"""Floor 4 · Text → ids → text.

Read in this order: ``backend_files`` (which files), ``special_tokens``, ``switches``,
``chat_template``, ``base`` (load, save, vocabulary), ``padding``, ``batch_encoding``,
``surprises``, ``fast`` (encode, decode). Then what is done where there is no tokenizer.json:
``builders``, ``sentencepiece_model``, ``sentencepiece_builders``, and to watch it at work
``charsmap`` and ``unigram``; last the classes:
``concrete``, ``two_stages``, ``marian``, ``chatglm_pieces``, ``chatglm``, ``auto``.
"""

from tinyhf.tokenization.auto import AutoTokenizer
from tinyhf.tokenization.base import PreTrainedTokenizerBase
from tinyhf.tokenization.batch_encoding import BatchEncoding, CharSpan, TokenSpan
from tinyhf.tokenization.chatglm import ChatGLMTokenizer
from tinyhf.tokenization.concrete import (
    BartTokenizer,
    BartTokenizerFast,
    BertTokenizer,
    BertTokenizerFast,
    DistilBertTokenizer,
    DistilBertTokenizerFast,
    GPT2Tokenizer,
    GPT2TokenizerFast,
    LlamaTokenizer,
    LlamaTokenizerFast,
    Qwen2Tokenizer,
    Qwen2TokenizerFast,
    RobertaTokenizer,
    RobertaTokenizerFast,
    T5Tokenizer,
    T5TokenizerFast,
)
from tinyhf.tokenization.fast import PreTrainedTokenizerFast
from tinyhf.tokenization.marian import MarianTokenizer

# Other names of the same classes, met in articles and in older code.
PretrainedTokenizerBase = PreTrainedTokenizerBase
PreTrainedTokenizer = TokenizersBackend = PreTrainedTokenizerFast

__all__ = [
    "AutoTokenizer",
    "BartTokenizer",
    "BartTokenizerFast",
    "BatchEncoding",
    "BertTokenizer",
    "BertTokenizerFast",
    "CharSpan",
    "ChatGLMTokenizer",
    "DistilBertTokenizer",
    "DistilBertTokenizerFast",
    "GPT2Tokenizer",
    "GPT2TokenizerFast",
    "LlamaTokenizer",
    "LlamaTokenizerFast",
    "MarianTokenizer",
    "PreTrainedTokenizer",
    "PreTrainedTokenizerBase",
    "PreTrainedTokenizerFast",
    "PretrainedTokenizerBase",
    "Qwen2Tokenizer",
    "Qwen2TokenizerFast",
    "RobertaTokenizer",
    "RobertaTokenizerFast",
    "T5Tokenizer",
    "T5TokenizerFast",
    "TokenSpan",
    "TokenizersBackend",
]
