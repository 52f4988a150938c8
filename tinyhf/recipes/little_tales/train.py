"""Recipe · Makes the bundled model ``little-tales`` from nothing, with tinyhf's own Trainer.

    python -m tinyhf.recipes.little_tales.train --folder little-tales

Stage 1: a byte-level BPE tokenizer. Stage 2: a small Llama reads ``lessons``, each once. Stage 3:
saving, as two bfloat16 shards. Stopped at any moment, the same command goes on from the last
checkpoint, and ends where it would have ended.
"""

import argparse
import json
import math
import time
from pathlib import Path

from tinyhf import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from tinyhf.autograd import no_grad, plain
from tinyhf.backend import bfloat16
from tinyhf.recipes.little_tales.lessons import (
    BEGIN,
    END,
    PAD,
    SENTENCE_STEPS,
    SENTENCES_A_STEP,
    STORIES_A_STEP,
    UNKNOWN,
    VOCAB_SIZE,
    lessons,
    make_batches,
    train_tokenizer,
)
from tinyhf.recipes.little_tales.stories import PLOTS, corpus
from tinyhf.training import AdamW, LambdaLR, Trainer, TrainingArguments

HELD_OUT_SEED, HELD_OUT_STORIES = 10_000_000, 400
PEAK_LEARNING_RATE, WARM_UP, COOL_DOWN = 4e-3, 60, 0.4
SIZES = {
    "vocab_size": VOCAB_SIZE,
    "hidden_size": 128,
    "intermediate_size": 352,
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "max_position_embeddings": 512,
    "rms_norm_eps": 1e-5,
    "initializer_range": 0.05,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "tie_word_embeddings": True,
    "unk_token_id": UNKNOWN,
    "bos_token_id": BEGIN,
    "eos_token_id": END,
    "pad_token_id": PAD,
}


def new_model(seed):
    """The untrained Llama, 1.3 million parameters."""
    return LlamaForCausalLM(LlamaConfig(**SIZES)).init_weights(seed=seed)


def schedule(steps):
    """Linear warm-up, a long plateau, and a straight way down to zero at the end: step → factor."""
    return lambda step: min((step + 1) / WARM_UP, 1.0, (steps - step) / (steps * COOL_DOWN))


def train(model, batches, folder):
    """Read every batch once; returns the Trainer, whose state holds the loss curve."""
    arguments = TrainingArguments(
        output_dir=str(folder / "checkpoints"),
        num_train_epochs=1,
        per_device_train_batch_size=1,  # an item of the dataset is a whole batch
        train_sampling_strategy="sequential",
        logging_steps=max(1, len(batches) // 16),
        save_steps=200,
        save_total_limit=1,
        report_to="none",
    )
    model.requires_grad_()
    optimizer = AdamW(
        model.parameters(), lr=PEAK_LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.01
    )
    optimizers = optimizer, LambdaLR(optimizer, schedule(len(batches)))
    trainer = Trainer(
        model, arguments, lambda items: items[0], train_dataset=batches, optimizers=optimizers
    )
    begun = any((folder / "checkpoints").glob("checkpoint-*"))
    trainer.train(resume_from_checkpoint=begun)
    return trainer


def held_out_loss(model, batches):
    """Loss per token on stories that were never trained on."""
    total = count = 0
    with no_grad():
        for batch in batches:
            tokens = (batch["labels"] >= 0).sum()
            total, count = total + plain(model(**batch).loss) * tokens, count + tokens
    return float(total / count)


def save(model, tokenizer, folder):
    """Two bfloat16 shards, config, generation config and tokenizer, as transformers writes them."""
    model.requires_grad_(False)
    for name, array in model.named_parameters():
        model.set_parameter(name, array.astype(bfloat16))
    model.tie_weights()
    model.config.dtype = "bfloat16"
    model.generation_config = GenerationConfig(
        bos_token_id=BEGIN,
        eos_token_id=END,
        pad_token_id=PAD,
        do_sample=True,
        temperature=0.7,
        top_p=0.95,
        max_length=512,
    )
    model.save_pretrained(folder, max_shard_size="1500KB")
    PreTrainedTokenizerFast(
        tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)


def facts_about(trainer, batches, held_out, **facts):
    """What ``training.json`` tells about the run."""
    log = [entry for entry in trainer.state.log_history if "loss" in entry]
    return {
        "plots": len(PLOTS),
        "stories_a_step": STORIES_A_STEP,
        "sentence_steps": SENTENCE_STEPS,
        "sentences": SENTENCE_STEPS * SENTENCES_A_STEP,
        "tokens": sum(int((batch["labels"] >= 0).sum()) for batch in batches),
        "steps": len(batches),
        "parameters": trainer.model.num_parameters(),
        "loss_curve": [(entry["step"], round(entry["loss"], 3)) for entry in log],
        "held_out_stories": HELD_OUT_STORIES,
        "held_out_loss": round(held_out, 4),
        "held_out_perplexity": round(math.exp(held_out), 3),
        **facts,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=24000, help="stories to train on")
    parser.add_argument("--folder", type=Path, default=Path("little-tales"))
    parser.add_argument("--seed", type=int, default=0, help="for the first weights")
    arguments = parser.parse_args()
    stories = corpus(arguments.stories)
    tokenizer = train_tokenizer(stories[:20000])
    batches, start = list(lessons(tokenizer, stories)), time.time()
    trainer = train(new_model(arguments.seed), batches, arguments.folder)
    seconds = round(time.time() - start)
    save(trainer.model, tokenizer, arguments.folder)
    unseen = corpus(HELD_OUT_STORIES, HELD_OUT_SEED)
    held_out = held_out_loss(trainer.model, make_batches(tokenizer, unseen, STORIES_A_STEP))
    told = {"stories": arguments.stories, "seed": arguments.seed, "seconds": seconds}
    facts = facts_about(trainer, batches, held_out, **told)
    (arguments.folder / "training.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
