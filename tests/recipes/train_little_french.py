"""Makes the bundled model `little-tales-french` from nothing, with torch and transformers.

`python -m tests.recipes.train_little_french --folder little-tales-french`

Stage 1: the tokenizer, words as pieces. Stage 2: a small Marian reads pairs of sentences.
Stage 3: saving, in float16. Stage 4: the model card.
"""

import argparse
import itertools
import json
import math
import random
import re
import string
import time
from collections import Counter
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import GenerationConfig, MarianConfig, MarianMTModel

from tests.recipes.little_french_card import write_card
from tests.tokenization.sentencepiece_for_tests import NORMAL, SPECIAL, model_file
from tinyhf import AutoTokenizer
from tinyhf.recipes.little_tasks.french import examples

END, UNKNOWN = 0, 1
# What is a piece, where ▁ stands for a space: "▁Lily", "'s" in English, "▁l'", "écharpe" in French.
WORDS = {
    "source": re.compile(r"▁?[\w-]+|'s|▁?[^\w▁]"),
    "target": re.compile(r"▁?[\w-]+'?|▁?[^\w▁]"),
}
LETTER_SCORE = -20.0
LONGEST = 128
BATCH_SIZE = 128
PEAK_LEARNING_RATE, WARM_UP = 3e-3, 200


def cut_words(texts, word):
    """A SentencePiece file whose pieces are words, and letters in case a word is new.

    Each scores the logarithm of how often it comes, as in a Unigram model that was trained; a model
    so small needs no smaller pieces, and word over word one sees what is translated by what.
    """
    marked = ("▁" + text.replace(" ", "▁") for text in texts)
    counts = Counter(itertools.chain.from_iterable(map(word.findall, marked)))
    scored = [(piece, math.log(n / counts.total()), NORMAL) for piece, n in counts.most_common()]
    letters = sorted({"▁", *string.ascii_letters, *"".join(counts)} - set(counts))
    scored += [(letter, LETTER_SCORE, NORMAL) for letter in letters]
    return model_file([*SPECIAL, *scored], normalizer={1: "identity"}), scored


def save_tokenizer(pairs, folder):
    """`source.spm`, `target.spm`, `vocab.json`, `tokenizer_config.json`; answers the vocabulary."""
    vocabulary = {"</s>": END, "<unk>": UNKNOWN}
    for side, texts in in_two(pairs):
        file, scored = cut_words(texts, WORDS[side])
        (folder / f"{side}.spm").write_bytes(file)
        for piece, *_ in scored:
            vocabulary.setdefault(piece, len(vocabulary))
    vocabulary["<pad>"] = len(vocabulary)
    settings = {
        "tokenizer_class": "MarianTokenizer",
        "source_lang": "en",
        "target_lang": "fr",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "model_max_length": LONGEST,
        "clean_up_tokenization_spaces": False,
        "separate_vocabs": False,
    }
    write_json(folder / "vocab.json", vocabulary)
    write_json(folder / "tokenizer_config.json", settings)
    return vocabulary


def in_two(pairs):
    """The English of the pairs, and their French."""
    yield "source", [pair["en"] for pair in pairs]
    yield "target", [pair["fr"] for pair in pairs]


def write_json(path, content):
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def new_model(vocabulary):
    """The untrained Marian, half a million parameters."""
    pad = vocabulary["<pad>"]
    config = MarianConfig(
        vocab_size=len(vocabulary),
        d_model=96,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=6,
        decoder_attention_heads=6,
        encoder_ffn_dim=256,
        decoder_ffn_dim=256,
        max_position_embeddings=LONGEST,
        activation_function="swish",
        scale_embedding=True,
        init_std=0.1,
        dropout=0.0,
        pad_token_id=pad,
        eos_token_id=END,
        decoder_start_token_id=pad,
        forced_eos_token_id=END,
    )
    model = MarianMTModel(config)
    model.generation_config = GenerationConfig(
        num_beams=1,
        do_sample=False,
        max_length=LONGEST,
        pad_token_id=pad,
        eos_token_id=END,
        decoder_start_token_id=pad,
        forced_eos_token_id=END,
    )
    return model


def encode(tokenizer, pairs):
    """The ids of each pair, `</s>` at the end of both: [(English ids, French ids), ...]."""
    (_, english), (_, french) = in_two(pairs)
    ids = tokenizer(english).input_ids, tokenizer(text_target=french).input_ids
    return list(zip(*ids, strict=True))


def make_batches(encoded, passes, pad):
    """Padded batches; among sixteen of them like lengths sit together; a new order each time."""
    pool_size = 16 * BATCH_SIZE
    for order in range(passes):
        random.Random(order).shuffle(encoded)
        for start in range(0, len(encoded) - pool_size + 1, pool_size):
            pool = sorted(encoded[start : start + pool_size], key=lambda both: len(both[1]))
            rows = [pool[first : first + BATCH_SIZE] for first in range(0, pool_size, BATCH_SIZE)]
            random.Random(start).shuffle(rows)
            for row in rows:
                yield tuple(padded(side, pad) for side in zip(*row, strict=True))


def padded(rows, pad):
    longest = max(map(len, rows))
    return torch.tensor([row + [pad] * (longest - len(row)) for row in rows])


def learning_rate(step, steps):
    """Linear warm-up, then a straight way down to zero."""
    return PEAK_LEARNING_RATE * min((step + 1) / WARM_UP, 1 - step / steps)


def train(model, batches, steps):
    """One look at each batch; answers the curve as (step, loss)."""
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    pad, curve, smooth = model.config.pad_token_id, [], None
    with tqdm(batches, total=steps, mininterval=10) as bar:
        for step, (english, french) in enumerate(bar):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps)
            labels = french.masked_fill(french == pad, -100)
            loss = model(english, attention_mask=(english != pad).long(), labels=labels).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
            bar.set_postfix(loss=f"{smooth:.4f}", refresh=False)
            if step % (steps // 8) == 0 or step == steps - 1:
                curve.append((step, round(smooth, 4)))
    return curve


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=120_000, help="pairs to train on")
    parser.add_argument("--passes", type=int, default=3, help="how often each is read")
    parser.add_argument("--folder", type=Path, default=Path("little-tales-french"))
    parser.add_argument("--seed", type=int, default=0, help="for the first weights")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)

    pairs = examples(arguments.pairs)
    vocabulary = save_tokenizer(pairs, arguments.folder)
    encoded = encode(AutoTokenizer.from_pretrained(arguments.folder), pairs)
    model = new_model(vocabulary)
    steps = len(encoded) // (16 * BATCH_SIZE) * 16 * arguments.passes
    start = time.time()
    curve = train(model, make_batches(encoded, arguments.passes, vocabulary["<pad>"]), steps)
    model.half().save_pretrained(arguments.folder)
    facts = {
        "pairs": arguments.pairs,
        "passes": arguments.passes,
        "batch_size": BATCH_SIZE,
        "steps": steps,
        "seconds": round(time.time() - start),
        "seed": arguments.seed,
        "parameters": model.num_parameters(),
        "loss_curve": curve,
    }
    write_json(arguments.folder / "training.json", facts)
    for file in arguments.folder.iterdir():
        file.chmod(0o644)
    write_card(arguments.folder)


if __name__ == "__main__":
    main()
