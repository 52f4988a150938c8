"""Makes the bundled models `little-tales-{gaps,sentiment,tagger,answers}`, with transformers.

`python -m tests.recipes.train_little_tasks --folder FOLDER`

Stage 1: one WordPiece tokenizer for all four. Stage 2: a small BERT learns to fill gaps. Stage 3:
the other three begin with its encoder, and learn a head each. Stage 4: saving in float16.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from tqdm import tqdm
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForMaskedLM,
    BertForQuestionAnswering,
    BertForSequenceClassification,
    BertForTokenClassification,
    PreTrainedTokenizerFast,
)

from tests.recipes.little_tasks_rows import (
    PAD,
    gap_rows,
    make_batches,
    question_rows,
    sentiment_rows,
    tag_rows,
)
from tinyhf.recipes.little_tales import corpus
from tinyhf.recipes.little_tasks import questions, sentiment, tags

SPECIAL_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
UNKNOWN, CLS, SEP, MASK = range(1, 5)
LONGEST, WARM_UP, COOL_DOWN = 128, 60, 0.5


def train_tokenizer(texts, vocab_size=1600):
    """BERT's WordPiece, with capital letters: they tell names from other words."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocab_size, special_tokens=SPECIAL_TOKENS, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", CLS), ("[SEP]", SEP)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=LONGEST,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    )


def config(vocab_size, labels=(), dropout=0.0):
    """Four hundred thousand parameters."""
    return BertConfig(
        vocab_size=vocab_size,
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=256,
        max_position_embeddings=LONGEST,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.04,
        pad_token_id=PAD,
        **label_names(labels),
    )


def label_names(labels):
    """Both directions, as a config has them; nothing if the model has no labels of its own."""
    if not labels:
        return {}
    return {
        "id2label": dict(enumerate(labels)),
        "label2id": {name: i for i, name in enumerate(labels)},
    }


def gap_loss(model, batch):
    """Hide 20 of 100 tokens: 8 of 10 as [MASK], one as another token, one as it is. Only these are
    scored, and only for these are scores computed; that saves a third of the work."""
    ids, attention_mask = batch["input_ids"], batch["attention_mask"]
    chosen = (torch.rand(ids.shape) < 0.2) & (ids > MASK)
    way = torch.rand(ids.shape)
    hidden = ids.masked_fill(chosen & (way < 0.8), MASK)
    other = torch.randint_like(ids, MASK + 1, model.config.vocab_size)
    hidden = torch.where(chosen & (way >= 0.9), other, hidden)
    outputs = model.bert(input_ids=hidden, attention_mask=attention_mask)
    scores = model.cls(outputs.last_hidden_state[chosen])
    return torch.nn.functional.cross_entropy(scores, ids[chosen])


def head_loss(model, batch):
    """The loss that transformers computes for this head."""
    return model(**batch).loss


def learning_rate(step, steps, peak):
    """Linear warm-up, a plateau, and a straight way down to zero at the end."""
    return peak * min((step + 1) / WARM_UP, 1.0, (steps - step) / (steps * COOL_DOWN))


def train(model, rows, peak, loss_of=head_loss):
    """One pass over the rows; answers the facts for training.json."""
    rows = [row for row in rows if len(row["input_ids"]) <= LONGEST]
    batches = list(make_batches(rows))
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    model.train()
    curve, smooth, begin = [], None, time.time()
    bar = tqdm(batches, unit="step", mininterval=10)
    for step, batch in enumerate(bar):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, len(batches), peak)
        loss = loss_of(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
        bar.set_postfix(loss=f"{smooth:.3f}", refresh=False)
        if step % math.ceil(len(batches) / 6) == 0 or step == len(batches) - 1:
            curve.append((step, round(smooth, 3)))
    return {
        "examples": len(rows),
        "steps": len(batches),
        "seconds": round(time.time() - begin),
        "parameters": model.num_parameters(),
        "loss_curve": curve,
    }


def save(model, tokenizer, facts, folder):
    """float16 weights, config, tokenizer, as transformers writes them; and what happened."""
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    model.float()
    tokenizer.save_pretrained(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("backend", None)
    settings |= {"tokenizer_class": "BertTokenizer", "do_lower_case": False}
    text = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    (folder / "tokenizer_config.json").write_text(text)
    (folder / "training.json").write_text(json.dumps(facts, indent=1) + "\n")
    for file in folder.iterdir():
        file.chmod(0o644)


class Head(NamedTuple):
    """A task for the encoder: its class and labels, and how it is learnt."""

    model_class: type
    labels: list
    make_rows: Callable
    examples: int
    dropout: float
    peak: float


HEADS = {
    "sentiment": Head(
        BertForSequenceClassification, sentiment.LABELS, sentiment_rows, 40000, 0.1, 1e-3
    ),
    "tagger": Head(BertForTokenClassification, tags.LABELS, tag_rows, 20000, 0.1, 1e-3),
    "answers": Head(BertForQuestionAnswering, [], question_rows, 80000, 0.0, 2e-3),
}


def train_gaps(folder, seed):
    """The tokenizer, and the model that the others begin with."""
    torch.manual_seed(seed)
    words = corpus(4000) + [row["text"] for row in sentiment.examples(1500)]
    words += [f"{row['question']} {row['context']}" for row in questions.examples(1500)]
    tokenizer = train_tokenizer(words)
    model = BertForMaskedLM(config(len(tokenizer)))
    facts = train(model, gap_rows(tokenizer, 120_000), peak=3e-3, loss_of=gap_loss)
    save(model, tokenizer, {"seed": seed, **facts}, folder / "little-tales-gaps")


def train_head(name, folder, seed):
    """One of the others."""
    torch.manual_seed(seed)
    head, begin = HEADS[name], folder / "little-tales-gaps"
    tokenizer = AutoTokenizer.from_pretrained(begin)
    model = head.model_class(config(len(tokenizer), head.labels, head.dropout))
    encoder = BertForMaskedLM.from_pretrained(begin, dtype=torch.float32).bert
    model.bert.load_state_dict(encoder.state_dict(), strict=False)  # it may add a pooler
    facts = train(model, head.make_rows(tokenizer, head.examples), head.peak)
    save(model, tokenizer, {"seed": seed, **facts}, folder / f"little-tales-{name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("."))
    parser.add_argument("--seed", type=int, default=0, help="for the first weights, gaps, dropout")
    parser.add_argument("--only", choices=["gaps", *HEADS], help="train only this one")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.only in (None, "gaps"):
        train_gaps(arguments.folder, arguments.seed)
    for name in HEADS:
        if arguments.only in (None, name):
            train_head(name, arguments.folder, arguments.seed)


if __name__ == "__main__":
    main()
