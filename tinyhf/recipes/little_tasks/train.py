"""Recipe · Makes the bundled models ``little-tales-{gaps,sentiment,tagger,answers}`` from nothing.

    python -m tinyhf.recipes.little_tasks.train --folder models

Stage 1: a WordPiece tokenizer. Stage 2: a small BERT learns to fill gaps. Stage 3: the other three
begin with its encoder, and each learns a head. Stage 4: the cards, with scores on held-out
examples. Stopped at any moment, the same command goes on, and ends where it would have ended.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tinyhf import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    DataCollatorForLanguageModeling,
    DataCollatorForTokenClassification,
    DataCollatorWithPadding,
    set_seed,
)
from tinyhf.backend import float16
from tinyhf.recipes.little_tasks import sentiment, tags
from tinyhf.recipes.little_tasks.card import write_card
from tinyhf.recipes.little_tasks.rows import (
    gap_rows,
    of_like_length,
    question_rows,
    sentiment_rows,
    tag_rows,
)
from tinyhf.recipes.little_tasks.tokenizer import LONGEST, train_tokenizer
from tinyhf.recipes.runs import TRAINING, facts_about, finish, run, save_rounded

BATCH_SIZE = 64
SIZES = {
    "hidden_size": 96,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 256,
    "max_position_embeddings": LONGEST,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
    "initializer_range": 0.04,
}


class Head(NamedTuple):
    """A task for the encoder, and how it is learnt."""

    model_class: type
    labels: list
    make_rows: Callable
    collator: type
    examples: int
    dropout: float
    learning_rate: float


HEADS = {
    "sentiment": Head(
        BertForSequenceClassification,
        sentiment.LABELS,
        sentiment_rows,
        DataCollatorWithPadding,
        examples=300_000,
        dropout=0.1,
        learning_rate=1e-3,
    ),
    "tagger": Head(
        BertForTokenClassification,
        tags.LABELS,
        tag_rows,
        DataCollatorForTokenClassification,
        examples=20_000,
        dropout=0.1,
        learning_rate=1e-3,
    ),
    "answers": Head(
        BertForQuestionAnswering,
        [],
        question_rows,
        DataCollatorWithPadding,
        examples=160_000,
        dropout=0.0,
        learning_rate=2e-3,
    ),
}
GAPS, GAP_EXAMPLES = "gaps", 200_000


def train_gaps(folder, seed):
    """The tokenizer, and the model that the others begin with."""
    tokenizer = train_tokenizer()
    config = BertConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **SIZES)
    model = BertForMaskedLM(config).init_weights(seed)
    collator = DataCollatorForLanguageModeling(tokenizer, mlm=True, mlm_probability=0.2)
    rows = gap_rows(tokenizer, GAP_EXAMPLES)
    fine_tune(model, tokenizer, rows, collator, folder / "little-tales-gaps", 3e-3, seed)


def train_head(name, folder, seed):
    """A model that has the encoder of little-tales-gaps, and a head of its own."""
    head, begin = HEADS[name], folder / "little-tales-gaps"
    tokenizer = AutoTokenizer.from_pretrained(begin)
    rows = head.make_rows(tokenizer, head.examples)
    changes = {"hidden_dropout_prob": head.dropout}
    if head.labels:
        changes["id2label"] = dict(enumerate(head.labels))
        changes["label2id"] = {label: number for number, label in enumerate(head.labels)}
    set_seed(seed)  # the head is new: its weights are drawn
    model = head.model_class.from_pretrained(begin, dtype="float32", **changes)
    collator, target = head.collator(tokenizer), folder / f"little-tales-{name}"
    fine_tune(model, tokenizer, rows, collator, target, head.learning_rate, seed)


def fine_tune(model, tokenizer, rows, collator, folder, learning_rate, seed):
    """Read every row once, save, measure, and tell."""
    trainer = run(
        model,
        list(of_like_length(rows, BATCH_SIZE)),
        collator,
        folder,
        learning_rate=learning_rate,
        warmup_steps=60,
        cool_down=0.5,
        per_device_train_batch_size=BATCH_SIZE,
        train_sampling_strategy="sequential",
        seed=seed,
    )
    save_rounded(model, float16, folder)
    tokenizer.save_pretrained(folder)
    finish(folder, write_card(folder, facts_about(trainer, seed=seed, examples=len(rows))))


def make(name, folder, seed):
    """One model and its card; what is there already is left as it is."""
    target = folder / f"little-tales-{name}"
    if (target / TRAINING).exists():
        print(f"{target} is finished; to make it again, remove it.")
        return
    print(f"{target}: training")
    if name == GAPS:
        train_gaps(folder, seed)
    else:
        train_head(name, folder, seed)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("."))
    parser.add_argument("--only", choices=[GAPS, *HEADS], help="only this one, and gaps before it")
    parser.add_argument("--seed", type=int, default=0, help="for the first weights, gaps, dropout")
    arguments = parser.parse_args()
    for name in [GAPS, *HEADS]:
        if name == GAPS or arguments.only in (None, name):
            make(name, arguments.folder, arguments.seed)


if __name__ == "__main__":
    main()
