"""Recipe · Two or three sentences in which everything is named again.

A small model learns the turns of a story long before it learns to look back at who the story is
about. In these short texts there is little else to learn than to look back, and so it learns it in
minutes; after that the stories are easy.
"""

import random

from tinyhf.recipes.little_tales.cast import heroes, toy
from tinyhf.recipes.little_tales.stories import put_right


def first_sentences(seed):
    """One short text per seed; two somebodies and two toys come up again and again."""
    rng = random.Random(seed)
    one, other = heroes(rng, 2)
    (kite, _), (ball, _) = toy(rng), toy(rng)
    texts = [
        f"""{one} met {other}. "Hello, {other.called}," said {one}.
        "Hello, {one.called}," said {other}.""",
        f"""{one} had a {kite}, and {other} had a {ball}. {one} gave the {kite} to {other}, and
        {other} gave the {ball} to {one}.""",
        f"""{one} asked {other} for the {kite}. {other} gave {one} the {kite}. {one} thanked
        {other} for the {kite}.""",
        f"""{one} and {other} had a {kite}. {other} lost the {kite}, and {one} found the {kite}.
        {one} and {other} were glad.""",
        f"""{one} and {other} went home. {one} was glad, and {one.he} smiled. {other} was sad, and
        {other.he} cried.""",
    ]
    return put_right(" ".join(rng.sample(texts, rng.choice([1, 2]))))
