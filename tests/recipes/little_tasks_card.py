"""Writes the cards of the bundled models for little tasks, with scores that tinyhf measured.

`python -m tests.recipes.little_tasks_card FOLDER` writes FOLDER/little-tales-*/README.md.
"""

import json
import sys
from pathlib import Path

from tests.recipes.little_tasks_scores import SCORES

EXAMPLES = 2000
#: Neither looked at while the recipe was made, nor the seed of the training examples: the same seed
#: tells held-out examples in the same order and with the same turns as those.
SEED = 100

CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: {pipeline_tag}
tags: [bert, tiny]
---

# little-tales-{name}

{what} It comes with tinyhf, so that `pipeline("{pipeline_tag}")` can be watched at work without
downloading anything. `docs/little_tasks.md` tells how to make it again.

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

{start} {examples:,} examples in {steps:,} steps of 64, each read once, in {seconds} seconds on one
shared CPU core, with AdamW from seed {seed}. Loss (smoothed):

| step | {curve_steps} |
|---|{curve_rule}|
| loss | {curve_losses} |

## How well it does

Measured by tinyhf on {measured:,} held-out examples for each line, with the float16 weights of this
folder. The recipe was changed while scores on other examples of the same held-out names and pairs
were looked at; these examples were drawn afterwards.

{scores}

{held_out}

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
        "limits": """Outside the little tales it guesses words of the little tales. Who is
"he" and who is "she" it knows of one child, and often guesses where there are two.""",
    },
    "sentiment": {
        "task": "sentiment",
        "pipeline_tag": "text-classification",
        "what": "A very small BERT that tells a good end (`POSITIVE`) from a bad one (`NEGATIVE`).",
        "read": "sentences like those of the little tales, with negation and turns.",
        "start": STARTED,
        "scores": {
            "accuracy": "right labels, new words in known kinds of sentences",
            "new_frames": "right labels, seven kinds of sentences it never saw",
        },
        "held_out": """The sentences have some fifty frames, such as "At first {one} was {against},
but then {he} {did}". In the first line, a held-out sentence puts feelings, happenings and opinions
into a frame where they never stood in training (one in five is kept for that in every frame), and
half of the names were never used. In the second line the frames themselves are new;
they were written after the training, and measured once: an earlier set had been looked at, and the
training frames widened by what went wrong there.""",
        "limits": """It knows some fifty kinds of sentences, not English: in kinds it never saw it
is no better than a coin. "Far from being sad, Tom was merry" is a kind it gets right, "Nothing
about it was boring" and "Everyone could see how sad Tom had become" are kinds it gets wrong.
It knows the words of the little world and a few opinions ("I love this story").""",
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
        "read": "paragraphs of two to four facts in the little world, and questions about them.",
        "start": STARTED,
        "scores": {
            "exact": "answers that are right to the letter",
            "no_answer": "questions without an answer that it finds out",
        },
        "held_out": f"""{NEW_PAIRS.format(beside="toys and places")} Towns are new as well. One
question in ten has no answer in its paragraph; the first line counts the others, and an answer that
is not given counts as wrong.""",
        "limits": """It answers who, what, where, why, what colour and how somebody felt, about
facts told as in its paragraphs; in a long or a different text it guesses. Of 1,500 other held-out
questions, 30 of the 139 for a colour were answered wrongly (where there are two colours it guesses)
and 12 of the 101 for a feeling, which is most of its mistakes.""",
    },
}


def card(folder, name):
    """The text of one card; takes some seconds."""
    facts = json.loads((folder / "training.json").read_text())
    config = json.loads((folder / "config.json").read_text())
    scores = SCORES[name](folder, EXAMPLES, SEED)
    steps, losses = zip(*facts["loss_curve"], strict=True)
    rows = [f"| {what} | {scores[key]:.3f} |" for key, what in CARDS[name]["scores"].items()]
    fields = {
        **config,
        **facts,
        **CARDS[name],
        "name": name,
        "architecture": config["architectures"][0],
        "measured": EXAMPLES,
        "scores": "\n".join(["| | share |", "|---|---|", *rows]),
        "curve_steps": " | ".join(f"{step:,}" for step in steps),
        "curve_rule": "|".join("---" for _ in steps),
        "curve_losses": " | ".join(f"{loss:.2f}" for loss in losses),
    }
    return CARD.format(**fields), scores


def main(folder):
    for name in SCORES:
        model = folder / f"little-tales-{name}"
        text, scores = card(model, name)
        (model / "README.md").write_text(text)
        facts = json.loads((model / "training.json").read_text())
        facts["held_out"] = {key: round(score, 4) for key, score in scores.items()}
        (model / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
