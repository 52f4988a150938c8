"""Examples of the little tasks as rows of token ids and labels, and rows as batches for torch."""

import random
from itertools import pairwise

import torch

from tinyhf.recipes.little_tasks import gaps, questions, sentiment, tags

PAD, NOT_SCORED, BATCH_SIZE = 0, -100, 64
#: What fills up a shorter row; 0 where nothing is said.
PADDING = {"input_ids": PAD, "labels": NOT_SCORED}


def gap_rows(tokenizer, number):
    """Most texts are passages of tales, the others are what the three heads will read."""
    rng = random.Random("gaps to train on")
    texts = [gaps.passage(rng) for _ in range(number - 3 * (number // 12))]
    texts += [row["text"] for row in sentiment.examples(number // 12)]
    texts += [row["text"] for row in tags.examples(number // 12)]
    texts += [f"{row['question']} {row['context']}" for row in questions.examples(number // 12)]
    rng.shuffle(texts)
    return [{"input_ids": ids} for ids in tokenizer(texts).input_ids]


def sentiment_rows(tokenizer, number):
    examples = sentiment.examples(number)
    ids = tokenizer([row["text"] for row in examples]).input_ids
    labels = [sentiment.LABELS.index(row["label"]) for row in examples]
    return [{"input_ids": one, "labels": label} for one, label in zip(ids, labels, strict=True)]


def tag_rows(tokenizer, number):
    examples = tags.examples(number)
    encoded = tokenizer([row["words"] for row in examples], is_split_into_words=True)
    return [
        {"input_ids": ids, "labels": list(piece_labels(encoded.word_ids(at), examples[at]["tags"]))}
        for at, ids in enumerate(encoded.input_ids)
    ]


def piece_labels(word_ids, word_tags):
    """A label for each piece of a word: "B-" becomes "I-" after the first piece."""
    for before, word in pairwise([None, *word_ids]):
        if word is None:
            yield NOT_SCORED
        else:
            tag = word_tags[word]
            yield tags.LABELS.index(tag.replace("B-", "I-") if word == before else tag)


def question_rows(tokenizer, number):
    """Where the answer begins and ends, in tokens; [CLS] where there is none."""
    examples = questions.examples(number)
    encoded = tokenizer([row["question"] for row in examples], [row["context"] for row in examples])
    rows = []
    for at, row in enumerate(examples):
        start = end = 0
        for text, begin in zip(*row["answers"].values(), strict=True):
            start = encoded.char_to_token(at, begin, sequence_index=1)
            end = encoded.char_to_token(at, begin + len(text) - 1, sequence_index=1)
        inputs = {name: encoded[name][at] for name in ("input_ids", "token_type_ids")}
        rows.append({**inputs, "start_positions": start, "end_positions": end})
    return rows


def make_batches(rows):
    """Padded batches; among eight of them, like lengths sit together."""
    pool_size = 8 * BATCH_SIZE
    for start in range(0, len(rows), pool_size):
        pool = sorted(rows[start : start + pool_size], key=lambda row: len(row["input_ids"]))
        parts = [pool[first : first + BATCH_SIZE] for first in range(0, len(pool), BATCH_SIZE)]
        random.Random(start).shuffle(parts)
        for part in parts:
            batch = {name: stack(name, [row[name] for row in part]) for name in part[0]}
            yield {**batch, "attention_mask": (batch["input_ids"] != PAD).long()}


def stack(name, values):
    """A tensor of numbers, or of lists that are made equally long."""
    if isinstance(values[0], int):
        return torch.tensor(values)
    longest = max(map(len, values))
    padding = [PADDING.get(name, 0)]
    return torch.tensor([value + padding * (longest - len(value)) for value in values])
