"""Recipe · The tokenizer of the little tasks: BERT's WordPiece, with capital letters."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from tinyhf import BertTokenizer
from tinyhf.recipes.little_tales import corpus
from tinyhf.recipes.little_tasks import questions, sentiment

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCAB_SIZE, LONGEST = 1600, 128


def train_tokenizer():
    """A BertTokenizer that knows the words of tales, sentences and questions.

    It keeps capital letters, because they tell names from other words.
    """
    texts = corpus(4000) + [row["text"] for row in sentiment.examples(6000)]
    texts += [f"{row['question']} {row['context']}" for row in questions.examples(1500)]
    with TemporaryDirectory() as folder:
        Path(folder, "vocab.txt").write_text("\n".join(find_pieces(texts)))
        return BertTokenizer.from_pretrained(folder, do_lower_case=False, model_max_length=LONGEST)


def find_pieces(texts):
    """The lines of vocab.txt: special tokens, letters, and the longer pieces they grow to."""
    # Left to itself the trainer numbers the letters inside words differently in every run.
    inside = sorted({f"##{c}" for text in texts for c in re.findall(r"(?<=\w)\w", text)})
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(
        vocab_size=VOCAB_SIZE, special_tokens=SPECIAL_TOKENS + inside, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    vocab = tokenizer.get_vocab()
    return sorted(vocab, key=vocab.get)
