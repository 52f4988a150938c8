"""Folders with a random tiny encoder and a tokenizer that fits it, for the pipelines' tests."""

import functools

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from tests.tiny_encoders import family_of, our_encoder
from tinyhf.tokenization import PreTrainedTokenizerFast

WORDS = """the a little cat dog in to is was mat house happy sad sat play ##ed ##ing ##s
    tim lily paris new york this example about animal people . , ! ? text good bad ran"""
LETTERS = [letter for one in "abcdefghijklmnopqrstuvwxyz" for letter in (one, f"##{one}")]
TEXTS = [
    "Tim and Lily played in Paris.",
    "The cat sat.",
    "A sad little dog ran to New York, and it was happy! Is Tim in the house?",
    "good",
]
TOKEN_LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
NLI_LABELS = ["Contradiction", "Neutral", "Entailment"]


@functools.cache
def word_pieces():
    """A BERT-like tokenizer as JSON, and its special tokens: lower case, ##pieces of words."""
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    special_tokens = {name: f"[{name[:-6].upper()}]" for name in names}
    vocabulary = dict.fromkeys([*special_tokens.values(), *WORDS.split(), *LETTERS])
    vocabulary = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return tokenizer.to_str(), special_tokens


@functools.cache
def byte_pairs():
    """A RoBERTa-like tokenizer as JSON, and its special tokens: byte pairs, no words marked."""
    names = ("cls_token", "pad_token", "sep_token", "unk_token", "mask_token")
    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=tokens,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(TEXTS * 3, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return tokenizer.to_str(), dict(zip(names, tokens, strict=True))


def tokenizer_for(family, model_max_length=40, **settings):
    """A tokenizer of the family's kind; DistilBERT and RoBERTa read no token_type_ids."""
    json, special_tokens = byte_pairs() if family == "Roberta" else word_pieces()
    names = ["input_ids", "attention_mask", *(["token_type_ids"] if family == "Bert" else [])]
    return PreTrainedTokenizerFast(
        Tokenizer.from_str(json),
        model_input_names=names,
        model_max_length=model_max_length,
        **special_tokens,
        **settings,
    )


def labelled(labels):
    """The config fields that name the labels."""
    return {
        "num_labels": len(labels),
        "id2label": dict(enumerate(labels)),
        "label2id": {label: number for number, label in enumerate(labels)},
    }


def tiny_folder(folder, name, seed=0, **fields):
    """Write a random model of class ``name`` and its tokenizer into ``folder``; its path."""
    tokenizer = tokenizer_for(family_of(name))
    if name.endswith("TokenClassification"):
        fields = {**labelled(TOKEN_LABELS), **fields}
    sizes = {"vocab_size": len(tokenizer), "max_position_embeddings": 48}
    our_encoder(name, seed, **sizes, **fields).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)
