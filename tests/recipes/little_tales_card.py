"""Writes the model card of `little-tales`: measured facts and ten unedited samples.

`python tests/recipes/little_tales_card.py FOLDER` writes FOLDER/README.md from
FOLDER/training.json and the saved model itself.
"""

import json
import re
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, set_seed

from tinyhf.recipes.little_tales import corpus

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
steps and {seconds:,} seconds on two shared CPU cores, with AdamW from seed {seed}. Without the
short texts it soon told fluent stories too, but names changed from line to line. Loss per token
(smoothed; the first {short_steps} steps are short texts, the next {sentence_steps} half and half):

| step | {curve_steps} |
|---|{curve_rule}|
| loss | {curve_losses} |

On {held_out_stories} stories it never saw, with the saved bfloat16 weights: loss
**{held_out_loss:.3f}**, perplexity **{held_out_perplexity:.2f}**.
`tests/recipes/train_little_tales.py` makes all of this again.

## Ten samples

The prompts are beginnings such as its stories have; no continuation was picked or edited. Made with
transformers on the CPU in float32 and the folder's own
`generation_config.json` (temperature {temperature}, top_p {top_p}); `set_seed(0)` before the first
prompt, `set_seed(1)` before the second, and so on. The prompt is in bold.

{samples}

## Limits

It knows {words:,} words, two dozen children, eighteen kinds of animals and {plots} plots, and
nothing else: no facts, no instructions, no other language. In about a fifth of its stories (10 of
48 sampled) somebody turns up who was not there before. A beginning that no story has is bent back
into this world or goes wrong: "Anna wanted to learn to" went on "town there a a very muchs". It is
meant for looking inside.

## Licence

Apache-2.0, the model as well as the program that told the stories.
"""


def sample(folder):
    """One continuation for each prompt, as (prompt, continuation)."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for seed, prompt in enumerate(PROMPTS):
        set_seed(seed)
        ids = tokenizer(prompt, return_tensors="pt").input_ids
        told = tokenizer.decode(model.generate(ids)[0], skip_special_tokens=True)
        yield prompt, told[len(prompt) :]


def measure_corpus(stories=200_000):
    """How many different words and stories the program tells."""
    words, different = set(), set()
    for told in corpus(stories):
        words.update(re.findall(r"[a-z]+", told.lower()))
        different.add(told)
    return {"words": len(words), "asked": stories, "different": len(different)}


def write_card(folder):
    """Write `folder/README.md`; takes about a minute."""
    facts = json.loads((folder / "training.json").read_text())
    config = json.loads((folder / "config.json").read_text())
    generation = json.loads((folder / "generation_config.json").read_text())
    steps, losses = zip(*facts["loss_curve"], strict=True)
    samples = [
        "> **" + prompt + "**" + told.replace("\n\n", "\n>\n> ") for prompt, told in sample(folder)
    ]
    card = CARD.format(
        **facts,
        **measure_corpus(),
        short_steps=facts["sentence_steps"] // 2,
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        heads=config["num_attention_heads"],
        kv_heads=config["num_key_value_heads"],
        mlp=config["intermediate_size"],
        vocab=config["vocab_size"],
        context=config["max_position_embeddings"],
        temperature=generation["temperature"],
        top_p=generation["top_p"],
        curve_steps=" | ".join(f"{step:,}" for step in steps),
        curve_rule="|".join("---" for _ in steps),
        curve_losses=" | ".join(f"{loss:.2f}" for loss in losses),
        samples="\n\n<!-- -->\n\n".join(samples),
    )
    (folder / "README.md").write_text(card)


if __name__ == "__main__":
    write_card(Path(sys.argv[1]))
