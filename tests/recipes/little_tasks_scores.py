"""How well the bundled models do their little tasks, measured by tinyhf on held-out examples."""

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
    guesses = []
    for inputs, outputs in run_in_batches(model, tokenizer, [row["text"] for row in examples]):
        at_mask = outputs.logits[inputs["input_ids"] == tokenizer.mask_token_id]
        guesses += [tokenizer.convert_ids_to_tokens(row) for row in at_mask.argsort()[:, -5:]]
    pairs = [(row["answer"], guess) for row, guess in zip(examples, guesses, strict=True)]
    return {
        "first_guess": float(np.mean([answer == guess[-1] for answer, guess in pairs])),
        "first_five": float(np.mean([answer in guess for answer, guess in pairs])),
    }


def sentiment_scores(folder, number, seed=0):
    """The share of right labels, in known frames with new words and in new frames."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    scores = {}
    for name, frames in {"accuracy": sentiment.FRAMES, "new_frames": sentiment.NEW_FRAMES}.items():
        examples = sentiment.examples(number, seed, held_out=True, frames=frames)
        texts = [row["text"] for row in examples]
        labels = [
            model.config.id2label[int(best)]
            for _, outputs in run_in_batches(model, tokenizer, texts)
            for best in outputs.logits.argmax(-1)
        ]
        right = [row["label"] == label for row, label in zip(examples, labels, strict=True)]
        scores[name] = float(np.mean(right))
    return scores


def tag_scores(folder, number, seed=0):
    """The share of words with the right tag, and the F1 of whole names, places and objects."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForTokenClassification.from_pretrained(folder)
    examples = tags.examples(number, seed, held_out=True)
    words, wanted, found = [row["words"] for row in examples], [row["tags"] for row in examples], []
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
    return {"accuracy": float(np.mean(right)), "f1": f1}


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
    given = []
    batches = run_in_batches(model, tokenizer, *columns, return_offsets_mapping=True)
    for inputs, outputs in batches:
        for at in range(len(inputs["input_ids"])):
            scores = outputs.start_logits[at], outputs.end_logits[at]
            in_context = np.array([which == 1 for which in inputs.sequence_ids(at)])
            given.append(best_span(*scores, in_context, inputs["offset_mapping"][at]))
    right = {True: [], False: []}
    for row, (begin, end) in zip(examples, given, strict=True):
        answers = row["answers"]["text"]
        right[bool(answers)].append(row["context"][begin:end] == (answers[0] if answers else ""))
    return {"exact": float(np.mean(right[True])), "no_answer": float(np.mean(right[False]))}


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
