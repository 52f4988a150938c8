"""Recipe · Passages of the tales with a gap: which word stands behind [MASK]?

Some gaps can be filled from what stands around them (a name said twice, "under the apple ___"),
others only guessed (the colour of a kite); a masked language model gives each word its chance.
"""

import random
import re

from tinyhf.recipes.little_tales import story
from tinyhf.recipes.little_tales.first_sentences import first_sentences

HELD_OUT_STORIES = 20_000_000
LONGEST = 70  # words
MASK = "[MASK]"
SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def passage(rng, held_out=False):
    """One to four sentences of a story; sometimes a few first sentences."""
    seed = rng.randrange(HELD_OUT_STORIES) + held_out * HELD_OUT_STORIES
    if rng.random() < 0.25:
        return first_sentences(seed)
    sentences = SENTENCES.split(story(seed).replace("\n\n", " "))
    begin = rng.randrange(len(sentences))
    chosen = sentences[begin : begin + rng.choice([1, 2, 3, 4])]
    while len(" ".join(chosen).split()) > LONGEST:
        chosen.pop()
    return " ".join(chosen)


def with_gap(rng, text):
    """`text` with one word hidden, and the word."""
    word = rng.choice(list(re.finditer(r"\w+", text)))
    return {"text": text[: word.start()] + MASK + text[word.end() :], "answer": word[0]}


def examples(number, seed=0, held_out=False):
    """`number` passages with a gap each; the held-out ones are of stories never trained on."""
    rng = random.Random(f"gaps {seed}")
    return [with_gap(rng, passage(rng, held_out)) for _ in range(number)]
