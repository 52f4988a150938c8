"""Recipe · Makes the bundled model ``little-tales-french`` from nothing, with tinyhf's own Trainer.

    python -m tinyhf.recipes.little_french.train --folder little-tales-french

Stage 1: the tokenizer, words as pieces. Stage 2: a small Marian reads ``pairs`` of sentences.
Stage 3: saving, in float16. Stage 4: the model card. Stopped at any moment, the same command goes
on from the last checkpoint, and ends where it would have ended.
"""

import argparse
from pathlib import Path

from tinyhf import (
    AutoTokenizer,
    DataCollatorForSeq2Seq,
    GenerationConfig,
    MarianConfig,
    MarianMTModel,
)
from tinyhf.backend import float16
from tinyhf.recipes.little_french.card import write_card
from tinyhf.recipes.little_french.pairs import examples
from tinyhf.recipes.little_french.tokenizer_files import LONGEST, save_tokenizer
from tinyhf.recipes.runs import facts_about, finish, run, save_rounded, stop_if_made

BATCH_SIZE = 128
SIZES = {
    "d_model": 96,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 6,
    "decoder_attention_heads": 6,
    "encoder_ffn_dim": 256,
    "decoder_ffn_dim": 256,
    "max_position_embeddings": LONGEST,
    "activation_function": "swish",
    "scale_embedding": True,
    "init_std": 0.1,
    "dropout": 0.0,
}


def new_model(tokenizer, seed):
    """The untrained Marian, half a million parameters; translations begin with ``<pad>``."""
    pad, end = tokenizer.pad_token_id, tokenizer.eos_token_id
    special = {
        "pad_token_id": pad,
        "eos_token_id": end,
        "decoder_start_token_id": pad,
        "forced_eos_token_id": end,
    }
    config = MarianConfig(vocab_size=len(tokenizer), **SIZES, **special)
    model = MarianMTModel(config).init_weights(seed=seed)
    model.generation_config = GenerationConfig(
        num_beams=1, do_sample=False, max_length=LONGEST, **special
    )
    return model


def make_rows(tokenizer, english, french):
    """What the Trainer reads: a dict of ids for each pair, ``</s>`` at the end of both sides."""
    encoded = tokenizer(english, text_target=french)
    return [dict(zip(encoded, row, strict=True)) for row in zip(*encoded.values(), strict=True)]


def train(model, tokenizer, rows, passes, folder):
    """Read every pair ``passes`` times; returns the Trainer, whose state holds the loss curve."""
    return run(
        model,
        rows,
        DataCollatorForSeq2Seq(tokenizer, model=model),
        folder,
        learning_rate=3e-3,
        warmup_steps=200,
        cool_down=0.6,
        num_train_epochs=passes,
        per_device_train_batch_size=BATCH_SIZE,
        train_sampling_strategy="group_by_length",
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=120_000, help="pairs to train on")
    parser.add_argument("--passes", type=int, default=2, help="how often each is read")
    parser.add_argument("--folder", type=Path, default=Path("little-tales-french"))
    parser.add_argument("--seed", type=int, default=0, help="for the first weights")
    arguments = parser.parse_args()
    folder = arguments.folder
    stop_if_made(folder)
    pairs = examples(arguments.pairs)
    english, french = [pair["en"] for pair in pairs], [pair["fr"] for pair in pairs]
    save_tokenizer(english, french, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = make_rows(tokenizer, english, french)
    model = new_model(tokenizer, arguments.seed)
    trainer = train(model, tokenizer, rows, arguments.passes, folder)
    save_rounded(model, float16, folder)
    facts = facts_about(
        trainer,
        seed=arguments.seed,
        pairs=arguments.pairs,
        passes=arguments.passes,
        batch_size=BATCH_SIZE,
    )
    finish(folder, write_card(folder, facts))


if __name__ == "__main__":
    main()
