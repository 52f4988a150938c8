"""Makes the bundled model `little-tales` from nothing, with torch and transformers.

`python tests/recipes/train_little_tales.py --stories 40000 --folder little-tales`

Stage 1: a byte-level BPE tokenizer. Stage 2: a small Llama, each story seen once.
Stage 3: saving, as two bfloat16 shards. Stage 4: the model card, with ten samples.
"""

import argparse
import json
import math
import time
from pathlib import Path

import torch
from little_tales_card import write_card
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from tqdm import tqdm
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tinyhf.recipes.little_tales import corpus
from tinyhf.recipes.little_tales.stories import PLOTS

SPECIAL_TOKENS = ["<unk>", "<s>", "</s>", "<pad>"]
UNKNOWN, BEGIN, END, PAD = range(4)
TRAIN_SEED, HELD_OUT_SEED = 0, 10_000_000
PEAK_LEARNING_RATE, WARM_UP, WEIGHT_DECAY = 3e-3, 100, 0.1


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
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
        tie_word_embeddings=True,
        unk_token_id=UNKNOWN,
        bos_token_id=BEGIN,
        eos_token_id=END,
        pad_token_id=PAD,
    )
    return LlamaForCausalLM(config)


def make_batches(tokenizer, stories, batch_size, seed):
    """Shuffled batches of ids `<s> story </s>`; stories of like length sit together."""
    ids = sorted(([*encoding.ids, END] for encoding in tokenizer.encode_batch(stories)), key=len)
    groups = [ids[start : start + batch_size] for start in range(0, len(ids), batch_size)]
    order = torch.randperm(len(groups), generator=torch.Generator().manual_seed(seed))
    for group in (groups[index] for index in order):
        longest = max(map(len, group))
        yield torch.tensor([row + [PAD] * (longest - len(row)) for row in group])


def loss_of(model, batch):
    """Mean cross-entropy of the next token; padding is not counted."""
    return model(input_ids=batch, labels=batch.masked_fill(batch == PAD, -100)).loss


@torch.no_grad()
def held_out_loss(model, batches):
    """Loss per token on stories that were never trained on."""
    losses = [(loss_of(model, batch).item(), int((batch != PAD).sum())) for batch in batches]
    return sum(loss * tokens for loss, tokens in losses) / sum(tokens for _, tokens in losses)


def learning_rate(step, steps):
    """Linear warm-up, then a cosine down to a twentieth of the peak."""
    if step < WARM_UP:
        return PEAK_LEARNING_RATE * (step + 1) / WARM_UP
    done = (step - WARM_UP) / max(1, steps - WARM_UP)
    return PEAK_LEARNING_RATE * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * done)))


def make_optimizer(model):
    """AdamW; the matrices decay, the norms do not."""
    matrices = [weight for weight in model.parameters() if weight.ndim == 2]
    norms = [weight for weight in model.parameters() if weight.ndim == 1]
    groups = [{"params": matrices}, {"params": norms, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), weight_decay=WEIGHT_DECAY)


def train(model, batches):
    """One pass over the batches; answers the curve as (step, loss) and the number of tokens."""
    optimizer = make_optimizer(model)
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
            if step % (len(batches) // 8) == 0 or step == len(batches) - 1:
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
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        pad_token="<pad>",
        model_max_length=512,
        clean_up_tokenization_spaces=False,
    ).save_pretrained(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stories", type=int, default=40000, help="stories to train on")
    parser.add_argument("--batch-size", type=int, default=16, help="stories a step")
    parser.add_argument("--folder", type=Path, default=Path("little-tales"))
    parser.add_argument("--seed", type=int, default=0, help="for the weights and the order")
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(2)

    stories = corpus(arguments.stories, TRAIN_SEED)
    unseen = corpus(400, HELD_OUT_SEED)
    tokenizer = train_tokenizer(stories[:20000])
    batches = list(make_batches(tokenizer, stories, arguments.batch_size, arguments.seed))
    model = new_model()
    start = time.time()
    curve, tokens = train(model, batches)
    seconds = round(time.time() - start)
    save(model, tokenizer, arguments.folder)
    loss = held_out_loss(model.float(), make_batches(tokenizer, unseen, 16, seed=0))
    facts = {
        "plots": len(PLOTS),
        "stories": arguments.stories,
        "batch_size": arguments.batch_size,
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
