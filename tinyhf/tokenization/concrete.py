"""Floor 4 · The tokenizer classes by family: the same tokenizer with other defaults.

Mirrors transformers/models/*/tokenization_*.py. A model's files go before these defaults, and a
default special token counts only if the vocabulary has it.
"""

from tinyhf.tokenization.fast import PreTrainedTokenizerFast


class BertTokenizer(PreTrainedTokenizerFast):
    model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    default_special_tokens = {
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }


class GPT2Tokenizer(PreTrainedTokenizerFast):
    default_special_tokens = {
        "bos_token": "<|endoftext|>",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
    }


class LlamaTokenizer(PreTrainedTokenizerFast):
    padding_side = "left"
    default_special_tokens = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}


class T5Tokenizer(PreTrainedTokenizerFast):
    default_special_tokens = {"eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


BertTokenizerFast = BertTokenizer
GPT2TokenizerFast = GPT2Tokenizer
LlamaTokenizerFast = LlamaTokenizer
T5TokenizerFast = T5Tokenizer
