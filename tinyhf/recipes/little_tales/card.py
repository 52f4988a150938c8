"""Recipe · Writes the model card of ``little-tales``: measured facts and ten unedited samples.

``python -m tinyhf.recipes.little_tales.card FOLDER`` writes FOLDER/README.md again.
"""

import json
import re
import sys
from pathlib import Path

from tinyhf import AutoModelForCausalLM, AutoTokenizer, set_seed
from tinyhf.recipes.little_tales.stories import corpus
from tinyhf.recipes.runs import TRAINING, curve_table

PROMPTS = [
    "Once upon a time",
    "One day, Lily",
    "Tom was sad because",
    "The little dog",
    "In a little village by the sea",
    "More than anything, Anna",
    "Long ago, a young fox",
    "One stormy night, Ben",
    "Grandma gave Mia",
    "Max and Ruby were playing",
]
OUTSIDE = "Anna wanted to learn to"

CARD = """---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
tags: [llama, tiny, stories]
---

# little-tales

A very small Llama that tells little stories for children in English. It comes with tinyhf, so that
every stage of a real, trained language model can be watched without downloading anything.

| | |
|---|---|
| class | `LlamaForCausalLM` |
| layers | {layers} |
| hidden size | {hidden}, MLP {mlp} |
| heads | {heads}, over {kv_heads} key-value heads |
| parameters | {parameters:,}, input and output embeddings tied |
| vocabulary | {vocab:,} byte-level BPE tokens, `<s>` in front of every text |
| context | {context} tokens |
| stored as | two bfloat16 safetensors shards |

## What it has read

Stories told by a program of this project, `tinyhf/recipes/little_tales`; the command
`python -m tinyhf.recipes.little_tales --stories 5 --seed 0` shows some. There are {plots} plots and
{words:,} different words; {asked:,} stories were told, and {different:,} of them are different.
Nobody else's text was used.

## How it was trained

First {sentences:,} very short texts in which everything is named again at once
(`first_sentences.py`), then {stories:,} stories, each read once: {tokens:,} tokens in {steps:,}
steps and {seconds:,} seconds on one of two shared CPU cores, with tinyhf's own Trainer and AdamW.
Without the short texts it soon told fluent stories too, but names changed from line to line. Mean
loss per token since the step before (the first {short_steps} steps are short texts, the next
{sentence_steps} half and half):

{curve}

On {held_out_stories} stories it never saw, with the saved bfloat16 weights: loss
**{held_out_loss:.3f}**, perplexity **{held_out_perplexity:.2f}**. All of it can be made again:

    python -m tinyhf.recipes.little_tales.train --folder little-tales --seed {seed}

## Ten samples

The prompts are beginnings such as its stories have; no continuation was picked or edited. Made with
tinyhf on the CPU and the folder's own `generation_config.json` (temperature {temperature}, top_p
{top_p}); `set_seed(0)` before the first prompt, `set_seed(1)` before the second, and so on. The
prompt is in bold.

{samples}

## Limits

It knows {words:,} words, two dozen children, eighteen kinds of animals and {plots} plots, and
nothing else: no facts, no instructions, no other language. It mixes up names and things now and
then; the samples above show how often. A beginning that no story has is bent back into this world
or goes wrong. Here is "{outside}", continued after `set_seed(0)`:

> {outside_told}

It is meant for looking inside.

## Licence

Apache-2.0, the model as well as the program that told the stories.
"""


def load(folder):
    """The saved tokenizer and model."""
    return AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)


def tell(tokenizer, model, prompt, seed):
    """The prompt and what the model adds to it."""
    set_seed(seed)
    ids = model.generate(**tokenizer(prompt, return_tensors="np"))
    return tokenizer.decode(ids[0], skip_special_tokens=True)


def quoted(prompt, text):
    """A story as a quotation, its prompt in bold."""
    return f"> **{prompt}**{text[len(prompt) :]}".replace("\n\n", "\n>\n> ")


def measure_corpus(stories=200_000):
    """How many different words and stories the program tells."""
    words, different = set(), set()
    for told in corpus(stories):
        words.update(re.findall(r"[a-z]+", told.lower()))
        different.add(told)
    return {"words": len(words), "asked": stories, "different": len(different)}


def write_card(folder, facts):
    """Write ``folder/README.md``; takes about a minute.

    Args:
        facts: what ``training.json`` holds.
    """
    tokenizer, model = load(folder)
    config, generation = model.config, model.generation_config
    samples = [
        quoted(prompt, tell(tokenizer, model, prompt, seed)) for seed, prompt in enumerate(PROMPTS)
    ]
    card = CARD.format(
        **facts,
        **measure_corpus(),
        curve=curve_table(facts["loss_curve"]),
        short_steps=facts["sentence_steps"] // 2,
        layers=config.num_hidden_layers,
        hidden=config.hidden_size,
        heads=config.num_attention_heads,
        kv_heads=config.num_key_value_heads,
        mlp=config.intermediate_size,
        vocab=config.vocab_size,
        context=config.max_position_embeddings,
        temperature=generation.temperature,
        top_p=generation.top_p,
        samples="\n\n<!-- -->\n\n".join(samples),
        outside=OUTSIDE,
        outside_told=tell(tokenizer, model, OUTSIDE, 0).replace("\n\n", "\n>\n> "),
    )
    (folder / "README.md").write_text(card)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_card(folder, json.loads((folder / TRAINING).read_text()))
