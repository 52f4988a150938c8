"""Recipe · What the little model reads, and in which order: batches of ids.

First short sentences, then sentences and stories in turn, then stories only.
"""

import random
from itertools import islice

import numpy
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from tinyhf.recipes.little_tales.first_sentences import first_sentences

SPECIAL_TOKENS = ["<unk>", "<s>", "</s>", "<pad>"]
UNKNOWN, BEGIN, END, PAD = range(4)
SENTENCE_STEPS, SENTENCES_A_STEP, STORIES_A_STEP = 500, 48, 12
VOCAB_SIZE = 1536


def train_tokenizer(stories):
    """Byte-level BPE; every text begins with ``<s>``."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=SPECIAL_TOKENS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(stories, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", BEGIN)]
    )
    return tokenizer


def make_batches(tokenizer, texts, batch_size):
    """Padded batches of ``<s> text </s>``; among four batches, like lengths sit together."""
    pool_size = 4 * batch_size
    for start in range(0, len(texts), pool_size):
        pool = tokenizer.encode_batch(texts[start : start + pool_size])
        ids = sorted(([*encoding.ids, END] for encoding in pool), key=len)
        rows = [ids[first : first + batch_size] for first in range(0, len(ids), batch_size)]
        random.Random(start).shuffle(rows)
        for row in rows:
            padded = [each + [PAD] * (len(row[-1]) - len(each)) for each in row]
            yield as_batch(numpy.array(padded))


def as_batch(input_ids):
    """What the model is given: every token is to be foretold, padding is not."""
    return {"input_ids": input_ids, "labels": numpy.where(input_ids == PAD, -100, input_ids)}


def lessons(tokenizer, stories):
    """All batches, in the order in which they are read."""
    texts = [first_sentences(seed) for seed in range(SENTENCE_STEPS * SENTENCES_A_STEP)]
    sentence_batches = make_batches(tokenizer, texts, SENTENCES_A_STEP)
    story_batches = make_batches(tokenizer, stories, STORIES_A_STEP)
    yield from islice(sentence_batches, SENTENCE_STEPS // 2)
    for batch, story_batch in zip(sentence_batches, story_batches, strict=False):
        yield batch
        yield story_batch
    yield from story_batches
