"""Recipe · How well the models do their little tasks, measured on held-out examples."""

from typing import NamedTuple

import numpy as np

from tinyhf import (
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
)
from tinyhf.recipes.little_tasks import gaps, questions, sentiment, tags

BATCH_SIZE = 64
LONGEST_ANSWER = 15  # tokens


class Measured(NamedTuple):
    """What a model got right, as shares, and all it got wrong: (what it read, wanted, said)."""

    scores: dict
    mistakes: list


def wrong(*columns):
    """The rows of (what it read, wanted, said) where the last two differ."""
    rows = zip(*columns, strict=True)
    return [(text, wanted, said) for text, wanted, said in rows if wanted != said]


def run_in_batches(model, tokenizer, *texts, **options):
    """For each batch: its inputs and the model's outputs."""
    for begin in range(0, len(texts[0]), BATCH_SIZE):
        part = [column[begin : begin + BATCH_SIZE] for column in texts]
        inputs = tokenizer(*part, padding=True, return_tensors="np", **options)
        names = ("input_ids", "attention_mask", "token_type_ids")
        yield inputs, model(**{name: inputs[name] for name in names})


def gap_scores(folder, number, seed=0):
    """The share of hidden words that is the model's first guess, and one of its first five."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForMaskedLM.from_pretrained(folder)
    examples = gaps.examples(number, seed, held_out=True)
    texts, answers = [row["text"] for row in examples], [row["answer"] for row in examples]
    guesses = []  # for each text five words, the likeliest first
    for inputs, outputs in run_in_batches(model, tokenizer, texts):
        at_mask = outputs.logits[inputs["input_ids"] == tokenizer.mask_token_id]
        best = at_mask.argsort()[:, :-6:-1]
        guesses += [tokenizer.convert_ids_to_tokens(row) for row in best]
    first = [words[0] for words in guesses]
    mistakes = wrong(texts, answers, first)
    among = [answer in words for answer, words in zip(answers, guesses, strict=True)]
    scores = {"first_guess": 1 - len(mistakes) / number, "first_five": float(np.mean(among))}
    return Measured(scores, mistakes)


def sentiment_scores(folder, number, seed=0):
    """The share of right labels, in known frames with new words and in new frames."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    measured = Measured({}, [])
    for name, frames in {"accuracy": sentiment.FRAMES, "new_frames": sentiment.NEW_FRAMES}.items():
        examples = sentiment.examples(number, seed, held_out=True, frames=frames)
        texts, labels = [row["text"] for row in examples], [row["label"] for row in examples]
        said = [
            model.config.id2label[int(best)]
            for _, outputs in run_in_batches(model, tokenizer, texts)
            for best in outputs.logits.argmax(-1)
        ]
        mistakes = wrong(texts, labels, said)
        measured.scores[name] = 1 - len(mistakes) / number
        measured.mistakes.extend(mistakes)
    return measured


def tag_scores(folder, number, seed=0):
    """The share of words with the right tag, and the F1 of whole names, places and objects."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder)
    examples = tags.examples(number, seed, held_out=True)
    words, wanted = [row["words"] for row in examples], [row["tags"] for row in examples]
    found = []
    for inputs, outputs in run_in_batches(model, tokenizer, words, is_split_into_words=True):
        for at, best in enumerate(outputs.logits.argmax(-1)):
            found.append(tags_of_words(inputs.word_ids(at), best, model.config.id2label))
    right = [
        tag == other
        for row, other_row in zip(wanted, found, strict=True)
        for tag, other in zip(row, other_row, strict=True)
    ]
    there, given = (
        {(at, entity) for at, row in enumerate(rows) for entity in entities(row)}
        for rows in (wanted, found)
    )
    f1 = 2 * len(there & given) / (len(there) + len(given))
    shown = ([show(*row) for row in zip(words, rows, strict=True)] for rows in (wanted, found))
    mistakes = wrong([row["text"] for row in examples], *shown)
    return Measured({"f1": f1, "accuracy": float(np.mean(right))}, mistakes)


def show(words, row):
    """What is tagged, as "PER Tom, LOC park"."""
    spans = sorted(entities(row))
    return ", ".join(f"{label} {' '.join(words[begin:end])}" for begin, end, label in spans)


def tags_of_words(word_ids, tag_ids, id2label):
    """The tag of each word is that of its first piece."""
    first = {}
    for word, tag in zip(word_ids, tag_ids, strict=True):
        first.setdefault(word, id2label[int(tag)])
    first.pop(None)
    return list(first.values())


def entities(row):
    """(first word, word after the last, label) of everything that is tagged in a row of tags."""
    spans, begin = set(), None
    for at, tag in enumerate([*row, "O"]):
        if begin is not None and tag[:2] != "I-":
            spans.add((begin, at, row[begin][2:]))
            begin = None
        if tag[:2] == "B-":
            begin = at
    return spans


def answer_scores(folder, number, seed=0):
    """The share of answers right to the letter, and of questions found to have no answer."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForQuestionAnswering.from_pretrained(folder)
    examples = questions.examples(number, seed, held_out=True)
    columns = [[row[name] for row in examples] for name in ("question", "context")]
    spans = []
    batches = run_in_batches(model, tokenizer, *columns, return_offsets_mapping=True)
    for inputs, outputs in batches:
        for at in range(len(inputs["input_ids"])):
            scores = outputs.start_logits[at], outputs.end_logits[at]
            in_context = np.array([which == 1 for which in inputs.sequence_ids(at)])
            spans.append(best_span(*scores, in_context, inputs["offset_mapping"][at]))
    wanted = ["".join(row["answers"]["text"]) for row in examples]  # at most one
    said = [row["context"][begin:end] for row, (begin, end) in zip(examples, spans, strict=True)]
    right = {True: [], False: []}
    for answer, given in zip(wanted, said, strict=True):
        right[answer != ""].append(answer == given)
    mistakes = wrong(
        [f"{question} {context}" for question, context in zip(*columns, strict=True)], wanted, said
    )
    scores = {"exact": float(np.mean(right[True])), "no_answer": float(np.mean(right[False]))}
    return Measured(scores, mistakes)


def best_span(start_scores, end_scores, in_context, offsets):
    """Where the best answer begins and ends, in characters; (0, 0) if [CLS] scores higher."""
    scores = start_scores[:, None] + end_scores[None, :]  # (start, end)
    steps = np.arange(len(offsets))
    length = steps[None, :] - steps[:, None] + 1
    allowed = in_context[:, None] & in_context & (length >= 1) & (length <= LONGEST_ANSWER)
    inside = np.where(allowed, scores, -np.inf)
    start, end = np.unravel_index(inside.argmax(), inside.shape)
    if scores[0, 0] > inside[start, end]:
        return 0, 0
    return int(offsets[start][0]), int(offsets[end][1])


SCORES = {
    "gaps": gap_scores,
    "sentiment": sentiment_scores,
    "tagger": tag_scores,
    "answers": answer_scores,
}
