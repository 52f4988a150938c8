"""Makes the bundled model `little-tales` from nothing, with torch and transformers.

`python -m tests.recipes.train_little_tales --stories 24000 --folder little-tales`

What it reads, its sizes and its learning rate are those of ``tinyhf.recipes.little_tales.train``,
which makes such a model without torch. Stage 1: a byte-level BPE tokenizer. Stage 2: a small Llama.
Stage 3: saving, as two bfloat16 shards. Stage 4: the model card.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch
from tqdm import tqdm
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.recipes.little_tales_card import write_card
from tinyhf.recipes.little_tales import corpus
from tinyhf.recipes.little_tales.lessons import (
    BEGIN,
    END,
    PAD,
    SENTENCE_STEPS,
    SENTENCES_A_STEP,
    STORIES_A_STEP,
    lessons,
    make_batches,
    train_tokenizer,
)
from tinyhf.recipes.little_tales.stories import PLOTS
from tinyhf.recipes.little_tales.train import HELD_OUT_SEED, PEAK_LEARNING_RATE, SIZES, schedule


def new_model():
    """The untrained Llama, 1.3 million parameters."""
    return LlamaForCausalLM(LlamaConfig(**SIZES))


def as_tensors(batches):
    """The ids of every batch."""
    return [torch.from_numpy(batch["input_ids"]) for batch in batches]


def loss_of(model, batch):
    """Mean cross-entropy of the next token; padding is not counted."""
    return model(input_ids=batch, labels=batch.masked_fill(batch == PAD, -100)).loss


@torch.no_grad()
def held_out_loss(model, batches):
    """Loss per token on stories that were never trained on."""
    losses = [(loss_of(model, batch).item(), int((batch != PAD).sum())) for batch in batches]
    return sum(loss * tokens for loss, tokens in losses) / sum(tokens for _, tokens in losses)


def train(model, batches):
    """One pass over the batches; answers the curve as (step, loss) and the number of tokens."""
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    curve, tokens, smooth = [], 0, None
    with tqdm(batches, unit="step", mininterval=5) as bar:
        for step, batch in enumerate(bar):
            for group in optimizer.param_groups:
                group["lr"] = PEAK_LEARNING_RATE * schedule(len(batches))(step)
            loss = loss_of(model, batch)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            tokens += int((batch != PAD).sum())
            smooth = loss.item() if smooth is None else 0.95 * smooth + 0.05 * loss.item()
            speed = tokens / max(1e-9, time.time() - bar.start_t)
            bar.set_postfix(loss=f"{smooth:.3f}", tokens_per_s=f"{speed:.0f}", refresh=False)
            if step % math.ceil(len(batches) / 8) == 0 or step == len(batches) - 1:
                curve.append((step, round(smooth, 3)))
    return curve, tokens


def save(model, tokenizer, folder):
    """Two bfloat16 shards, config, generation config and tokenizer, as transformers writes them."""
    for old in folder.glob("model*.safetensors*"):
        old.unlink()
    model.generation_config = GenerationConfig(
        bos_token_id=BEGIN,
        eos_token_id=END,
        pad_token_id=PAD,
        do_sample=True,
        temperature=0.7,
        top_p=0.95,
        max_length=512,
    )
    model.to(torch.bfloat16).save_pretrained(folder, max_shard_size="1500KB")
    fast_tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    )
    fast_tokenizer.save_pretrained(folder)
    name_the_tokenizer(folder / "tokenizer_config.json")
    for file in folder.iterdir():
        file.chmod(0o644)


def name_the_tokenizer(file):
    """The class name that every transformers understands; version 5 writes one that 4 does not."""
    config = json.loads(file.read_text())
    config.pop("backend")
    config["tokenizer_class"] = "PreTrainedTokenizerFast"
    file.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=24000, help="stories to train on")
    parser.add_argument("--folder", type=Path, default=Path("little-tales"))
    parser.add_argument("--seed", type=int, default=0, help="for the first weights")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(2)

    stories = corpus(arguments.stories)
    unseen = corpus(400, HELD_OUT_SEED)
    tokenizer = train_tokenizer(stories[:20000])
    batches = as_tensors(lessons(tokenizer, stories))
    model = new_model()
    start = time.time()
    curve, tokens = train(model, batches)
    seconds = round(time.time() - start)
    save(model, tokenizer, arguments.folder)
    loss = held_out_loss(model.float(), as_tensors(make_batches(tokenizer, unseen, STORIES_A_STEP)))
    facts = {
        "plots": len(PLOTS),
        "stories": arguments.stories,
        "stories_a_step": STORIES_A_STEP,
        "sentence_steps": SENTENCE_STEPS,
        "sentences": SENTENCE_STEPS * SENTENCES_A_STEP,
        "tokens": tokens,
        "steps": len(batches),
        "seconds": seconds,
        "seed": arguments.seed,
        "parameters": model.num_parameters(),
        "loss_curve": curve,
        "held_out_stories": len(unseen),
        "held_out_loss": round(loss, 4),
        "held_out_perplexity": round(math.exp(loss), 3),
    }
    (arguments.folder / "training.json").write_text(json.dumps(facts, indent=1) + "\n")
    write_card(arguments.folder)


if __name__ == "__main__":
    main()
