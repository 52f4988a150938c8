"""Recipe · Makes the bundled model ``little-tales`` from nothing, with tinyhf's own Trainer.

    python -m tinyhf.recipes.little_tales.train --folder little-tales

Stage 1: a byte-level BPE tokenizer. Stage 2: a small Llama reads ``lessons``, each once. Stage 3:
saving, as two bfloat16 shards. Stage 4: the model card. Stopped at any moment, the same command
goes on from the last checkpoint, and ends where it would have ended.
"""

import argparse
import math
from pathlib import Path

from tinyhf import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from tinyhf.autograd import no_grad, plain
from tinyhf.backend import bfloat16
from tinyhf.recipes.little_tales.card import write_card
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
from tinyhf.recipes.runs import facts_about, finish, run, save_rounded, stop_if_made

HELD_OUT_SEED, HELD_OUT_STORIES = 10_000_000, 400
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


def train(model, batches, folder):
    """Read every batch once; returns the Trainer, whose state holds the loss curve."""
    return run(
        model,
        batches,
        lambda items: items[0],  # an item is a whole batch
        folder,
        learning_rate=4e-3,
        warmup_steps=60,
        cool_down=0.4,
        per_device_train_batch_size=1,
        train_sampling_strategy="sequential",
    )


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
    model.generation_config = GenerationConfig(
        bos_token_id=BEGIN,
        eos_token_id=END,
        pad_token_id=PAD,
        do_sample=True,
        temperature=0.7,
        top_p=0.95,
        max_length=512,
    )
    save_rounded(model, bfloat16, folder, max_shard_size="1500KB")
    PreTrainedTokenizerFast(
        tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=24000, help="stories to train on")
    parser.add_argument("--folder", type=Path, default=Path("little-tales"))
    parser.add_argument("--seed", type=int, default=0, help="for the first weights")
    arguments = parser.parse_args()
    stop_if_made(arguments.folder)
    stories = corpus(arguments.stories)
    tokenizer = train_tokenizer(stories[:20000])
    batches = list(lessons(tokenizer, stories))
    trainer = train(new_model(arguments.seed), batches, arguments.folder)
    save(trainer.model, tokenizer, arguments.folder)
    unseen = make_batches(tokenizer, corpus(HELD_OUT_STORIES, HELD_OUT_SEED), STORIES_A_STEP)
    held_out = held_out_loss(trainer.model, unseen)
    facts = facts_about(
        trainer,
        seed=arguments.seed,
        plots=len(PLOTS),
        stories=arguments.stories,
        stories_a_step=STORIES_A_STEP,
        sentence_steps=SENTENCE_STEPS,
        sentences=SENTENCE_STEPS * SENTENCES_A_STEP,
        tokens=sum(int((batch["labels"] >= 0).sum()) for batch in batches),
        held_out_stories=HELD_OUT_STORIES,
        held_out_loss=round(held_out, 4),
        held_out_perplexity=round(math.exp(held_out), 3),
    )
    write_card(arguments.folder, facts)
    finish(arguments.folder, facts)


if __name__ == "__main__":
    main()
