"""Recipe · Measures a model for a little task on held-out examples, and writes its card.

    python -m tinyhf.recipes.little_tasks.card FOLDER

writes the cards in FOLDER/little-tales-* again; ``train`` has written them once.
"""

import json
import random
import sys
from pathlib import Path

from tinyhf.recipes.little_tasks import sentiment
from tinyhf.recipes.little_tasks.scores import SCORES
from tinyhf.recipes.runs import TRAINING, curve_table, tell

EXAMPLES, MISTAKES = 2000, 4
#: Neither looked at while the recipe was made, nor the seed of the training examples: the same seed
#: tells held-out examples in the same order and with the same turns as those.
SEED = 102

CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: {pipeline_tag}
tags: [bert, tiny]
---

# little-tales-{name}

{what} It comes with tinyhf, so that `pipeline("{pipeline_tag}")` can be watched at work without
downloading anything.

| | |
|---|---|
| class | `{architecture}` |
| layers | {num_hidden_layers} |
| hidden size | {hidden_size}, MLP {intermediate_size} |
| heads | {num_attention_heads} |
| parameters | {parameters:,} |
| vocabulary | {vocab_size:,} WordPiece tokens, cased |
| context | {max_position_embeddings} tokens |
| stored as | float16 safetensors |

## What it has read

Only text made by programs of this project: {read}

`python -m tinyhf.recipes.little_tasks {task} --examples 5 --seed 0` shows some of it.

## How it was trained

With tinyhf's own `Trainer` (NumPy, AdamW) on one of two shared CPU cores; this makes all four
`little-tales-*` models of this kind again:

    python -m tinyhf.recipes.little_tasks.train --folder models --seed {seed}

{start} {examples:,} examples in {steps:,} steps of 64, each read once{took}. Loss, the mean since
the step before:

{curve}

## How well it does

Measured by tinyhf on {measured:,} held-out examples for each line, with the float16 weights of this
folder. The recipe was changed while scores on other examples of the same held-out names and pairs
were looked at; these examples were drawn afterwards.

{score_table}

{held_out}

## Where it errs

{mistake_table}

## Limits

{limits} It is meant for looking inside.

## Licence

Apache-2.0, the model as well as the programs that made its examples.
"""

NEW_PAIRS = """A held-out example has half of its names from a list never used in training, and the
other names, known from the tales, stand beside {beside} they never stood beside there. (The tales
that the encoder read before, without labels, know no such rule.)"""
STARTED = "The encoder is that of `little-tales-gaps`; then it read"

CARDS = {
    "gaps": {
        "task": "gaps",
        "pipeline_tag": "fill-mask",
        "what": "A very small BERT that guesses the word behind `[MASK]` in a little tale.",
        "read": "passages of the little tales, and the texts of the other three little tasks.",
        "start": "It read",
        "scores": {
            "first_guess": "the hidden word is the first guess",
            "first_five": "the hidden word is among the first five",
        },
        "held_out": """One word of a passage is hidden, from stories with seeds never trained on. No
program could find every word: what colour a kite has, or which animal comes, is chance unless the
passage says it again.""",
        "limits": "Outside the little tales it guesses words of the little tales.",
    },
    "sentiment": {
        "task": "sentiment",
        "pipeline_tag": "text-classification",
        "what": "A very small BERT that tells a good end (`POSITIVE`) from a bad one (`NEGATIVE`).",
        "read": "sentences like those of the little tales, with negation and turns.",
        "start": STARTED,
        "scores": {
            "accuracy": "right labels, new words in known kinds of sentences",
            "new_frames": "right labels, kinds of sentences it never saw",
        },
        "held_out": f"""In the first line, a held-out sentence puts a feeling, a happening or an
opinion where it never stood in training (one in five is kept for that in every kind of sentence),
and half of the names were never used. In the second line the kinds of sentences themselves are new:
{len(sentiment.NEW_FRAMES)} that are only for this test, written by somebody who had not seen the
grammar; two more, which it turned out to know, were left out. They were looked at before, filled
with other words: 0.850 after 150,000 examples, so more were read; then 0.907, and 0.909 after
sentences like "Nobody was happy" had come into the grammar.""",
        "limits": """It knows the sentences of a small grammar and the words of the little world,
not English; the second line of the table says how far that carries.""",
    },
    "tagger": {
        "task": "tags",
        "pipeline_tag": "token-classification",
        "what": "A very small BERT that tags names (`PER`), places (`LOC`) and objects (`OBJ`).",
        "read": "sentences of the little tales and others about people, places and toys.",
        "start": STARTED,
        "scores": {
            "f1": "F1 of whole names, places and objects",
            "accuracy": "words with the right tag",
        },
        "held_out": f"""Half of the texts are from stories with seeds never trained on. The other
half is made for it. {NEW_PAIRS.format(beside="toys and places")} Towns are new as well.""",
        "limits": """Places are the sixteen of the little world and made-up towns, objects are its
twenty-two toys; animals and "the baker" are no names to it.""",
    },
    "answers": {
        "task": "questions",
        "pipeline_tag": "question-answering",
        "what": "A very small BERT that finds the answer to a question in a short paragraph.",
        "read": "paragraphs of one to four facts in the little world, and questions about them.",
        "start": STARTED,
        "scores": {
            "exact": "answers that are right to the letter",
            "no_answer": "questions without an answer that it finds out",
        },
        "held_out": f"""{NEW_PAIRS.format(beside="toys and places")} Towns are new as well. One
question in four has no answer in its paragraph; the first line counts the others, and an answer
that is not given counts as wrong.""",
        "limits": """It answers who, what, where, why, what colour and how somebody felt, about
facts told as in its paragraphs; in a long or a different text it guesses.""",
    },
}


def write_card(folder, facts):
    """Measure the model, and write ``folder/README.md``.

    Args:
        facts: what training told, see ``runs.facts_about``.

    Returns:
        The facts, and with them the scores.
    """
    name = folder.name.removeprefix("little-tales-")
    measured = SCORES[name](folder, EXAMPLES, SEED)
    facts = facts | {"held_out": {key: round(value, 6) for key, value in measured.scores.items()}}
    (folder / "README.md").write_text(card(name, folder, facts, measured.mistakes))
    return facts


def card(name, folder, facts, mistakes):
    """The text of one card."""
    config = json.loads((folder / "config.json").read_text())
    scores, asked = facts["held_out"], CARDS[name]["scores"]
    lines = [(what, f"{scores[key]:.3f}") for key, what in asked.items()]
    fields = {
        **config,
        **facts,
        **CARDS[name],
        "name": name,
        "architecture": config["architectures"][0],
        "took": f", in {facts['seconds']:,} seconds" if facts["seconds"] else "",
        "curve": curve_table(facts["loss_curve"]),
        "measured": EXAMPLES,
        "score_table": table(["", "share"], lines),
        "mistake_table": mistake_table(mistakes),
    }
    return CARD.format(**fields)


def mistake_table(mistakes):
    """Some of the mistakes, as the model made them."""
    if not mistakes:
        return "Nowhere in these examples."
    some = random.Random(0).sample(mistakes, min(len(mistakes), MISTAKES))
    shown = [[f"`{cell}`" if cell else "(none)" for cell in row] for row in some]
    number = f"It was wrong about {len(mistakes):,} examples; of these, drawn at random:"
    return f"{number}\n\n{table(['it read', 'right would be', 'it said'], shown)}"


def table(head, rows):
    """As Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main():
    for name in SCORES:
        folder = Path(sys.argv[1]) / f"little-tales-{name}"
        tell(folder, write_card(folder, json.loads((folder / TRAINING).read_text())))


if __name__ == "__main__":
    main()
