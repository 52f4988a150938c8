"""Floor 4 · The tokenizer classes by family: other defaults, and other files to be built from.

Mirrors transformers/models/*/tokenization_*.py. A model's files go before these defaults, and a
default special token counts only if the vocabulary has it.
"""

from tokenizers import AddedToken

from tinyhf.tokenization.builders import (
    build_byte_level,
    build_qwen2,
    build_roberta,
    build_word_piece,
    set_bert_options,
)
from tinyhf.tokenization.fast import PreTrainedTokenizerFast
from tinyhf.tokenization.sentencepiece_builders import build_llama, build_t5


class BertTokenizer(PreTrainedTokenizerFast):
    vocab_files_names = {"vocab_file": "vocab.txt"}
    build_backend = staticmethod(build_word_piece)
    model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    default_special_tokens = {
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }

    def _apply(self, settings):
        super()._apply(settings)
        set_bert_options(self._tokenizer, settings)


class DistilBertTokenizer(BertTokenizer):
    model_input_names = ["input_ids", "attention_mask"]


class GPT2Tokenizer(PreTrainedTokenizerFast):
    vocab_files_names = {"vocab_file": "vocab.json", "merges_file": "merges.txt"}
    build_backend = staticmethod(build_byte_level)
    default_special_tokens = {
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
    }


class Qwen2Tokenizer(PreTrainedTokenizerFast):
    vocab_files_names = {"vocab_file": "vocab.json", "merges_file": "merges.txt"}
    build_backend = staticmethod(build_qwen2)
    default_special_tokens = {
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>",
    }


class RobertaTokenizer(PreTrainedTokenizerFast):
    vocab_files_names = {"vocab_file": "vocab.json", "merges_file": "merges.txt"}
    build_backend = staticmethod(build_roberta)
    default_special_tokens = {
        "bos_token": "<s>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "sep_token": "</s>",
        "pad_token": "<pad>",
        "cls_token": "<s>",
        # A word to be guessed was trained with its space: "is <mask>" has none left over.
        "mask_token": AddedToken("<mask>", lstrip=True, special=True),
    }


class LlamaTokenizer(PreTrainedTokenizerFast):
    vocab_files_names = {"vocab_file": "tokenizer.model"}
    build_backend = staticmethod(build_llama)
    padding_side = "left"
    default_special_tokens = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


class T5Tokenizer(PreTrainedTokenizerFast):
    vocab_files_names = {"vocab_file": "spiece.model"}
    build_backend = staticmethod(build_t5)
    default_special_tokens = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}

    def _init_special_tokens(self, named, extra):
        """T5's blanks are special tokens even where no file says so."""
        blanks = [f"<extra_id_{i}>" for i in range(100)]
        known = [token for token in blanks if self._tokenizer.token_to_id(token) is not None]
        super()._init_special_tokens(named, extra or known)


BartTokenizer = BartTokenizerFast = RobertaTokenizerFast = RobertaTokenizer
BertTokenizerFast = BertTokenizer
DistilBertTokenizerFast = DistilBertTokenizer
GPT2TokenizerFast = GPT2Tokenizer
LlamaTokenizerFast = LlamaTokenizer
Qwen2TokenizerFast = Qwen2Tokenizer
T5TokenizerFast = T5Tokenizer
