"""Recipe · One little tale per seed.

A plot answers a text in which `[a|b|c]` stands for a choice and blank lines divide paragraphs.
Here the choices are made and the text is put right: articles, capital letters, spaces.
"""

import random
import re

from tinyhf.recipes.little_tales.plots_of_care import PLOTS_OF_CARE
from tinyhf.recipes.little_tales.plots_of_courage import PLOTS_OF_COURAGE
from tinyhf.recipes.little_tales.plots_of_friends import PLOTS_OF_FRIENDS
from tinyhf.recipes.little_tales.plots_of_home import PLOTS_OF_HOME

PLOTS = PLOTS_OF_FRIENDS + PLOTS_OF_COURAGE + PLOTS_OF_CARE + PLOTS_OF_HOME

INNERMOST_CHOICE = re.compile(r"\[([^\[\]]*)\]")
SENTENCE_START = re.compile(
    r"""(^                       # the first letter of a paragraph,
    | (?<!\S)"                  # the first letter that somebody says,
    | [.!?]\s+ | \."\s+         # and the one after a full stop; but not in `"Who?" asked Tom.`
    | [!?]"\s+ (?!((he|she|they)\s)?(said|asked|cried|called|shouted|whispered|answered)\b)
    )([a-z])""",
    re.VERBOSE | re.MULTILINE,
)


def story(seed):
    """The story of this seed: paragraphs of English, divided by blank lines."""
    rng = random.Random(seed)
    plot = rng.choice(PLOTS)
    return put_right(make_choices(plot(rng), rng))


def corpus(number, seed=0):
    """The stories of `number` seeds, beginning at `seed`."""
    return [story(one) for one in range(seed, seed + number)]


def make_choices(text, rng):
    """Replace every `[a|b|c]` by one of its parts, innermost first."""
    while INNERMOST_CHOICE.search(text):
        text = INNERMOST_CHOICE.sub(lambda choice: rng.choice(choice[1].split("|")).strip(), text)
    return text


def put_right(text):
    """Single spaces, "an" before vowels, a capital letter where a sentence begins."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
    text = re.sub(r"\b([Aa]) (?=[aeiouAEIOU])", r"\1n ", text)
    return SENTENCE_START.sub(lambda start: start[0][:-1] + start[0][-1].upper(), text)
