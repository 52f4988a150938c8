"""Recipe · Examples of the little tasks as rows of a dataset: dicts of token ids and labels."""

import random
from itertools import pairwise

from tinyhf.recipes.little_tasks import gaps, questions, sentiment, tags

NOT_SCORED = -100


def of_like_length(rows, batch_size):
    """The rows in an order in which those of a batch are about as long, so that little is padded.

    Eight batches are sorted at a time, then shuffled. (With the Trainer's own "group_by_length",
    which goes from long to short over fifty batches and begins again, the model for gaps learnt, in
    the one run that was tried, no more than how often each word comes.)
    """
    for start in range(0, len(rows), 8 * batch_size):
        pool = sorted(rows[start : start + 8 * batch_size], key=lambda row: len(row["input_ids"]))
        batches = [pool[at : at + batch_size] for at in range(0, len(pool), batch_size)]
        random.Random(start).shuffle(batches)
        for batch in batches:
            yield from batch


def as_rows(columns):
    """{"input_ids": [a, b], …} → [{"input_ids": a, …}, {"input_ids": b, …}]."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def gap_rows(tokenizer, number):
    """Most texts are passages of tales, the others are what the three heads will read.

    What is hidden in them is drawn by the data collator, anew for every batch.
    """
    rng = random.Random("gaps to train on")
    part = number // 12
    texts = [gaps.passage(rng) for _ in range(number - 4 * part)]
    texts += [row["text"] for row in sentiment.examples(2 * part)]
    texts += [row["text"] for row in tags.examples(part)]
    texts += [f"{row['question']} {row['context']}" for row in questions.examples(part)]
    rng.shuffle(texts)
    return as_rows(tokenizer(texts, truncation=True))


def sentiment_rows(tokenizer, number):
    """One label for each sentence."""
    examples = sentiment.examples(number)
    encoded = tokenizer([row["text"] for row in examples], truncation=True)
    labels = [sentiment.LABELS.index(row["label"]) for row in examples]
    return as_rows({**encoded, "labels": labels})


def tag_rows(tokenizer, number):
    """One label for each token."""
    examples = tags.examples(number)
    words = [row["words"] for row in examples]
    encoded = tokenizer(words, is_split_into_words=True, truncation=True)
    labels = [
        list(piece_labels(encoded.word_ids(at), row["tags"])) for at, row in enumerate(examples)
    ]
    return as_rows({**encoded, "labels": labels})


def piece_labels(word_ids, word_tags):
    """A label for each piece of a word: "B-" becomes "I-" after the first piece."""
    for before, word in pairwise([None, *word_ids]):
        if word is None:
            yield NOT_SCORED
        else:
            tag = word_tags[word]
            yield tags.LABELS.index(tag.replace("B-", "I-") if word == before else tag)


def question_rows(tokenizer, number):
    """Where the answer begins and ends, in tokens; both at [CLS] where there is none."""
    examples = questions.examples(number)
    encoded = tokenizer([row["question"] for row in examples], [row["context"] for row in examples])
    spans = [answer_span(encoded, at, row["answers"]) for at, row in enumerate(examples)]
    starts, ends = zip(*spans, strict=True)
    return as_rows({**encoded, "start_positions": starts, "end_positions": ends})


def answer_span(encoded, at, answers):
    """(first token, last token) of the answer to question number ``at``."""
    if not answers["text"]:
        return 0, 0
    (text,), (begin,) = answers["text"], answers["answer_start"]
    return tuple(
        encoded.char_to_token(at, character, sequence_index=1)
        for character in (begin, begin + len(text) - 1)
    )
