"""Makes the bundled model `little-tales` from nothing, with torch and transformers.

`python -m tests.recipes.train_little_tales --stories 24000 --folder little-tales`

Stage 1: a byte-level BPE tokenizer. Stage 2: a small Llama; first it reads short sentences, then
stories, each once. Stage 3: saving, as two bfloat16 shards. Stage 4: the model card.
"""

import argparse
import json
import math
import random
import time
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from tqdm import tqdm
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.recipes.little_tales_card import write_card
from tinyhf.recipes.little_tales import corpus
from tinyhf.recipes.little_tales.first_sentences import first_sentences
from tinyhf.recipes.little_tales.stories import PLOTS

SPECIAL_TOKENS = ["<unk>", "<s>", "</s>", "<pad>"]
UNKNOWN, BEGIN, END, PAD = range(4)
HELD_OUT_SEED = 10_000_000
SENTENCE_STEPS, SENTENCES_A_STEP, STORIES_A_STEP = 500, 48, 12
PEAK_LEARNING_RATE, WARM_UP, COOL_DOWN = 4e-3, 60, 0.4


def train_tokenizer(stories, vocab_size=1536):
    """Byte-level BPE; every text begins with `<s>`."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(stories, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", BEGIN)]
    )
    return tokenizer


def new_model():
    """The untrained Llama, 1.3 million parameters."""
    config = LlamaConfig(
        vocab_size=1536,
        hidden_size=128,
        intermediate_size=352,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=512,
        rms_norm_eps=1e-5,
        initializer_range=0.05,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        unk_token_id=UNKNOWN,
        bos_token_id=BEGIN,
        eos_token_id=END,
        pad_token_id=PAD,
    )
    return LlamaForCausalLM(config)


def make_batches(tokenizer, texts, batch_size):
    """Padded batches of ids `<s> text </s>`; among four batches, like lengths sit together."""
    pool_size = 4 * batch_size
    for start in range(0, len(texts), pool_size):
        pool = tokenizer.encode_batch(texts[start : start + pool_size])
        ids = sorted(([*encoding.ids, END] for encoding in pool), key=len)
        rows = [ids[first : first + batch_size] for first in range(0, len(ids), batch_size)]
        random.Random(start).shuffle(rows)
        for row in rows:
            padded = [each + [PAD] * (len(row[-1]) - len(each)) for each in row]
            yield torch.tensor(padded)


def lessons(tokenizer, stories):
    """Sentences, then sentences and stories in turn, then stories only."""
    texts = [first_sentences(seed) for seed in range(SENTENCE_STEPS * SENTENCES_A_STEP)]
    sentence_batches = make_batches(tokenizer, texts, SENTENCES_A_STEP)
    story_batches = make_batches(tokenizer, stories, STORIES_A_STEP)
    yield from islice(sentence_batches, SENTENCE_STEPS // 2)
    for batch in sentence_batches:
        yield batch
        yield next(story_batches)
    yield from story_batches


def loss_of(model, batch):
    """Mean cross-entropy of the next token; padding is not counted."""
    return model(input_ids=batch, labels=batch.masked_fill(batch == PAD, -100)).loss


@torch.no_grad()
def held_out_loss(model, batches):
    """Loss per token on stories that were never trained on."""
    losses = [(loss_of(model, batch).item(), int((batch != PAD).sum())) for batch in batches]
    return sum(loss * tokens for loss, tokens in losses) / sum(tokens for _, tokens in losses)


def learning_rate(step, steps):
    """Linear warm-up, a long plateau, and a straight way down to zero at the end."""
    left = (steps - step) / (steps * COOL_DOWN)
    return PEAK_LEARNING_RATE * min((step + 1) / WARM_UP, 1.0, left)


def train(model, batches):
    """One pass over the batches; answers the curve as (step, loss) and the number of tokens."""
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01)
    curve, tokens, smooth = [], 0, None
    with tqdm(batches, unit="step", mininterval=5) as bar:
        for step, batch in enumerate(bar):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, len(batches))
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
    batches = list(lessons(tokenizer, stories))
    model = new_model()
    start = time.time()
    curve, tokens = train(model, batches)
    seconds = round(time.time() - start)
    save(model, tokenizer, arguments.folder)
    loss = held_out_loss(model.float(), make_batches(tokenizer, unseen, STORIES_A_STEP))
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
