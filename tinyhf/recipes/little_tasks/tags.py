"""Recipe · Sentences in which names (PER), places (LOC) and objects (OBJ) are tagged word by word.

A tag is "O", or "B-" and "I-" for the first and the further words of something: "Aunt Rosie" is
B-PER I-PER, "the red kite" is O B-OBJ I-OBJ. Half of the sentences come from the tales, where the
tables of the world tell what is what; the others are made here, with names that no tale knows.
On the way something is marked as in "[PER Tom] had a [OBJ red kite]."
"""

import random
import re

from tinyhf.recipes.little_tales import story
from tinyhf.recipes.little_tales.people import CHILDREN, GROWN_UPS, PET_NAMES
from tinyhf.recipes.little_tales.stories import put_right
from tinyhf.recipes.little_tales.things import COLOURS, PLACES, TOYS
from tinyhf.recipes.little_tasks import draws

LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-OBJ", "I-OBJ"]
HELD_OUT_STORIES = 10_000_000

FRAMES = [
    "{one} gave {other} a {thing}.",
    "{one} and {other} met {at}.",
    "{one} lost the {thing} {at}.",
    "{one} went to the {place} with {other}.",
    "{one} found a {thing} near the {place}.",
    "The {thing} belonged to {one}.",
    "Have you seen {one} or {other}?",
    '"Where is my {thing}?" asked {one}.',
    '"It is {at}," said {other}.',
    "{other}, {one} and {third} played with the {thing}.",
    "Is there a {thing} {at}?",
    "In the morning, {one} took the {thing} to the {place}.",
    "Nobody saw {one} {at}.",
    "{one}'s {thing} was gone.",
    "One day {other} bought a {thing} for {one}.",
    "My name is {one} and I live in {town}.",
    "{one} lives in {town}, near the {place}.",
    "{other} came from {town} to see {one}.",
    "I am {one}, and this is my {thing}.",
    "The road to {town} begins {at}.",
    "{one} was happy, for {other} had come back from {town}.",
    "They looked for the {thing} and for a {toy}.",
    "The {place} was quiet, but {one} was not afraid.",
    "Dear {other}, thank you for the {thing}. Yours, {one}",
    "{town} is far away from the {place}.",
    "Suddenly {one} saw {other} and {third} {at}.",
    "Tell {one} that the {toy} is {at}.",
    "A {toy} is all that {one} wants.",
]


def _pattern(label, words, before=""):
    longest_first = sorted(words, key=len, reverse=True)
    return label, re.compile(rf"{before}\b({'|'.join(longest_first)})\b")


#: What is marked in a tale. One can whistle, ring and drum, too: those are no objects.
PATTERNS = [
    _pattern(
        "OBJ",
        [f"{colour} {toy.name}" for colour in COLOURS for toy in TOYS] + [toy.name for toy in TOYS],
        before=r"(?<!to )(?<!can )(?<!its )",
    ),
    _pattern("PER", [one.name for one in CHILDREN + GROWN_UPS] + PET_NAMES),
    _pattern("LOC", [place.name for place in PLACES] + ["town", "valley", "mountain"]),
]
MARKED_OR_WORD = re.compile(r"\[([A-Z]+) ([^\]]+)\]|(\w+|[^\w\s])")


def mark(label, text):
    """ "[PER Tom]": how something is marked."""
    return f"[{label} {text}]"


def marked_sentence(rng, held_out):
    """A made sentence."""
    one, other, third = draws.people(rng, held_out, 3)
    surname = f" {draws.new_name(rng, held_out)}" if rng.random() < 0.2 else ""
    place = draws.place(rng, held_out, one)
    text = put_right(
        rng.choice(FRAMES).format(
            one=mark("PER", one.name + surname),
            other=mark("PER", other),
            third=mark("PER", third),
            thing=mark("OBJ", draws.thing(rng, held_out, one)),
            toy=mark("OBJ", rng.choice(TOYS).name),
            place=mark("LOC", place),
            at=place.at.replace(place.name, mark("LOC", place)),
            town=mark("LOC", draws.town(rng, held_out)),
        )
    )
    return re.sub(r"\b([Aa]) (?=\[OBJ [aeiou])", r"\1n ", text)


def marked_from_a_tale(rng, held_out):
    """A sentence or two of a story."""
    told = story(rng.randrange(HELD_OUT_STORIES) + held_out * HELD_OUT_STORIES)
    sentences = re.split(r"(?<=[.!?])\s+(?=[A-Z])", told.replace("\n\n", " "))
    first = rng.randrange(len(sentences))
    text = " ".join(sentences[first : first + rng.choice([1, 1, 2])])
    for label, pattern in PATTERNS:
        text = pattern.sub(lambda found, label=label: mark(label, found[0]), text)
    return text


def read_marks(marked):
    """The text without marks, its words, and the tag of each word."""
    words, tags = [], []
    for label, inside, word in MARKED_OR_WORD.findall(marked):
        parts = inside.split() if label else [word]
        words += parts
        tags += ["O"] if not label else [f"B-{label}"] + [f"I-{label}"] * (len(parts) - 1)
    text = re.sub(r"\[[A-Z]+ ([^\]]+)\]", r"\1", marked)
    return {"text": text, "words": words, "tags": tags}


def examples(number, seed=0, held_out=False):
    """`number` tagged texts; held-out ones are new stories, new names and new pairs."""
    rng = random.Random(f"tags {seed}")
    makers = [marked_sentence, marked_from_a_tale]
    return [read_marks(rng.choice(makers)(rng, held_out)) for _ in range(number)]
