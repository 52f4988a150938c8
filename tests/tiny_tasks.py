"""Folders with tiny random models and their tokenizers, for the tasks transformers 5 dropped."""

import json
from pathlib import Path

from tokenizers import Tokenizer

from tests.tiny_encoder_decoders import our_model
from tests.tiny_encoders import our_encoder
from tests.tokenization.sentencepiece_for_tests import write_marian
from tests.tokenization.tokenizers_for_tests import SETTINGS, byte_level_json

WORDS = ["tom", "went", "to", "the", "old", "garden", "where", "is", "who", "saw", "a", "little"]
CONTEXT = "Tom went to the old garden. He saw a little cat, and gave it milk! "
QUESTION = "Where is the cat?"


def _write(path, content):
    text = content if isinstance(content, str) else json.dumps(content)
    path.write_text(text, encoding="utf-8")


def write_wordpiece(folder, tokenizer_class):
    """Words and letters; returns how many."""
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *".,!?"]
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    pieces = [*special, *letters, *(f"##{letter}" for letter in letters), *WORDS]
    pieces = list(dict.fromkeys(pieces))
    _write(folder / "vocab.txt", "\n".join(pieces) + "\n")
    settings = {"tokenizer_class": tokenizer_class, "model_max_length": 64, "do_lower_case": True}
    _write(folder / "tokenizer_config.json", settings)
    return len(pieces)


def write_byte_level(folder, tokenizer_class="RobertaTokenizer"):
    """The 256 bytes and a few merges, as RoBERTa has them; returns how many."""
    merges = ["t h", "th e", "Ġ the", "i t", "Ġ t", "Ġt o", "c a", "ca t"]
    alphabet = sorted(json.loads(byte_level_json())["model"]["vocab"], key=len)[:256]
    merged = [merge.replace(" ", "") for merge in merges]
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *alphabet, *merged, "<mask>"]
    _write(folder / "vocab.json", {piece: index for index, piece in enumerate(pieces)})
    _write(folder / "merges.txt", "#version: 0.2\n" + "\n".join(merges) + "\n")
    settings = {"tokenizer_class": tokenizer_class, "model_max_length": 64}
    _write(folder / "tokenizer_config.json", settings)
    return len(pieces)


def question_answerer(folder, family="Bert"):
    """A folder with a random model that marks answers; ``family`` also "Roberta", "DistilBert"."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write = write_byte_level if family == "Roberta" else write_wordpiece
    vocab_size = write(folder, f"{family}Tokenizer")
    name = f"{family}ForQuestionAnswering"
    special = {"pad_token_id": 1} if family == "Roberta" else {}
    our_encoder(name, vocab_size=vocab_size, max_position_embeddings=80, **special).save_pretrained(
        folder
    )
    return folder


def writer(folder, variant="t5", **fields):
    """A folder with a random encoder–decoder: "t5", "bart" or "marian" (en → qya)."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if variant == "marian":
        write_marian(folder)
        ids = {"vocab_size": 11, "pad_token_id": 10, "eos_token_id": 0, "bos_token_id": None}
        ids["decoder_start_token_id"] = 10
    else:
        backend = json.loads(byte_level_json())
        backend["post_processor"] = _END_ONLY if variant == "t5" else backend["post_processor"]
        Tokenizer.from_str(json.dumps(backend)).save(str(folder / "tokenizer.json"))
        _write(folder / "tokenizer_config.json", SETTINGS)
        ids = {"vocab_size": len(backend["model"]["vocab"]), "pad_token_id": 0, "eos_token_id": 2}
        ids["decoder_start_token_id"] = 0 if variant == "t5" else 2
    layers = {"num_decoder_layers": 2}  # as many as encoder layers: transformers 5.23 needs that
    sizes = layers if variant == "t5" else {"max_position_embeddings": 64}
    our_model(variant, **{**ids, **sizes, **fields}).save_pretrained(folder)
    return folder


_END_ONLY = {
    "type": "TemplateProcessing",
    "single": [
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "</s>", "type_id": 0}},
    ],
    "pair": [
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "</s>", "type_id": 0}},
        {"Sequence": {"id": "B", "type_id": 1}},
        {"SpecialToken": {"id": "</s>", "type_id": 1}},
    ],
    "special_tokens": {"</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}},
}
