"""Recipe · The model card of ``little-tales-french``: how it was made, how well it translates.

Everything told is measured here, with tinyhf, on the saved model; ``train`` writes the card at its
end, and ``python -m tinyhf.recipes.little_french.card FOLDER`` writes it again.
"""

import json
import sys
from pathlib import Path

from tinyhf import AutoModelForSeq2SeqLM, AutoTokenizer
from tinyhf.recipes.little_french.pairs import KEPT_BACK, PATTERNS, examples, is_held_out, pair
from tinyhf.recipes.runs import TRAINING, curve_table, tell

HELD_OUT_SEED = 10_000_000
TESTED, BATCH_SIZE = 1000, 50

CARD = """---
license: apache-2.0
language: [en, fr]
library_name: transformers
pipeline_tag: translation
tags: [marian, tiny, translation]
---

# little-tales-french

A very small Marian that translates the English of the little tales into French. It comes with
tinyhf, so that an encoder–decoder can be watched at work without downloading anything.

| | |
|---|---|
| class | `MarianMTModel` |
| layers | {layers} in the encoder, {layers} in the decoder |
| hidden size | {hidden}, MLP {mlp} |
| heads | {heads} |
| parameters | {parameters:,}, one embedding for both languages and the output |
| vocabulary | {vocab:,} pieces: whole words, and letters |
| longest text | {longest} tokens |
| stored as | float16 safetensors |
| generates | greedily, by its `generation_config.json` |

## What it has read

Pairs of sentences made by a program of this project, `tinyhf/recipes/little_french/pairs.py`: a
grammar with {patterns} patterns that says one thing in both languages, with agreement (*une poupée
verte*, *elles sont allées*), elision (*l'écharpe*, *qu'elle*) and contraction (*du jardin*). The
command `python -m tinyhf.recipes.little_french` shows some. Nobody else's text was used.

## How it was trained

With tinyhf's own Trainer, in NumPy, by one command that makes all of this again:

    python -m tinyhf.recipes.little_french.train --pairs {pairs} --passes {passes} --seed {seed}

{pairs:,} different pairs were read {passes} times, in {steps:,} steps of {batch_size} pairs{time},
with AdamW. Loss per token (each the mean since the step before):

{curve}

## How well it translates

{held_out_exact_match:.1%} of {tested:,} held-out sentences come out exactly as the grammar says
them, letter by letter, with tinyhf in float32 from the saved float16 weights.

A sentence is held out if two of its words are a pair that was kept back: of all pairs of words that
can meet in a sentence (Lily and marble, red and kite), one in {kept_back} is kept back, chosen by a
checksum. It never stood in any sentence of training, in no pattern and no order. {share:.0%} of all
sentences hold such a pair. Every single word and every pattern was seen in training.

{mistakes}

## Samples

Held-out sentences as they come, none picked or edited.

| English | the model's French |
|---|---|
{samples}

## Limits

It knows the words and the {patterns} patterns of its grammar and nothing else; a task so regular is
easy, and the number above says nothing about English. What no pattern has comes out as one of its
own sentences or as nonsense:

| English | the model's French |
|---|---|
{outside}

Digits and "!" it has never seen: they are `<unk>` to it. It is meant for looking inside.

## Licence

Apache-2.0, the model as well as the program that made the sentences.
"""

OUTSIDE = [
    "The green cat and the blue dog played in the garden.",
    "Lily did not eat the apple.",
    "Where are you?",
    "The weather is nice in Paris.",
]


def write_card(folder, facts):
    """Write ``folder/README.md``.

    Args:
        facts: what training told, see ``runs.facts_about``.

    Returns:
        The facts, and with them how many held-out sentences come out right.
    """
    told = held_out_translations(folder)
    wrong = [row for row in told if row[1] != row[2]]
    facts = facts | {"tested": TESTED, "held_out_exact_match": 1 - len(wrong) / TESTED}
    config = json.loads((folder / "config.json").read_text())
    card = CARD.format(
        **facts,
        layers=config["encoder_layers"],
        hidden=config["d_model"],
        mlp=config["encoder_ffn_dim"],
        heads=config["encoder_attention_heads"],
        vocab=config["vocab_size"],
        longest=config["max_position_embeddings"],
        patterns=len(PATTERNS),
        time=f" and {facts['seconds']:,} seconds on a CPU" if facts["seconds"] else "",
        curve=curve_table(facts["loss_curve"]),
        kept_back=KEPT_BACK,
        share=sum(is_held_out(pair(seed).words) for seed in range(5000)) / 5000,
        mistakes=describe_mistakes(wrong),
        samples=table_rows(row[:2] for row in told[:12]),
        outside=table_rows(zip(OUTSIDE, translate(folder, OUTSIDE), strict=True)),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")
    return facts


def held_out_translations(folder):
    """Rows of (English, the model's French, the grammar's French)."""
    pairs = examples(TESTED, HELD_OUT_SEED, held_out=True)
    english, wanted = zip(*[each.values() for each in pairs], strict=True)
    return list(zip(english, translate(folder, english), wanted, strict=True))


def translate(folder, texts):
    """The French of each English text."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, dtype="float32")
    french = []
    for start in range(0, len(texts), BATCH_SIZE):
        inputs = tokenizer(texts[start : start + BATCH_SIZE], padding=True, return_tensors="np")
        french += tokenizer.batch_decode(model.generate(**inputs), skip_special_tokens=True)
    return french


def describe_mistakes(wrong):
    """A table of the first ten sentences that came out otherwise."""
    if not wrong:
        return "There was no mistake among them."
    head = "| English | the model's French | the grammar's French |\n|---|---|---|\n"
    return f"The mistakes, {min(10, len(wrong))} of {len(wrong)}:\n\n{head}{table_rows(wrong[:10])}"


def table_rows(rows):
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def main():
    folder = Path(sys.argv[1])
    tell(folder, write_card(folder, json.loads((folder / TRAINING).read_text())))


if __name__ == "__main__":
    main()
