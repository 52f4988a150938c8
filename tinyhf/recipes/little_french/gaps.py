"""Recipe · What fills a gap of a pattern: drawn once, said in English and in French."""

from functools import partial
from typing import NamedTuple

from tinyhf.recipes.little_french import words
from tinyhf.recipes.little_french.grammar import Agreeing, Group, french_group
from tinyhf.recipes.little_tales.people import CHILDREN, FEELINGS, GROWN_UPS, NEIGHBOURS
from tinyhf.recipes.little_tales.things import PLACES as ENGLISH_PLACES

AGES = [size for size in words.SIZES if size.english in ("little", "big", "old")]
FUR = [colour for colour in words.COLOURS if colour.english in ("white", "black", "brown", "grey")]
SHELTERS = [thing for thing in words.THINGS if thing.english not in ("house", "box", "church")]
BAD = [feeling.word for feeling in FEELINGS if feeling.tone == "bad"]
SORRY = [feeling for feeling in words.FEELINGS if feeling.english in BAD]
PLEASED = [feeling for feeling in words.FEELINGS if feeling.english not in BAD]


class EnglishGroup(NamedTuple):
    """A noun and its adjectives, without article; ``he`` is the pronoun: it, they, he or she."""

    group: str
    he: str
    number: str = "some"
    proper: bool = False

    def __str__(self):
        return self.group if self.proper else self.the

    @property
    def several(self):
        return self.he == "they"

    @property
    def the(self):
        return f"the {self.group}"

    @property
    def a(self):
        return f"{self.number if self.several else 'a'} {self.group}"

    @property
    def this(self):
        return f"{'these' if self.several else 'this'} {self.group}"

    @property
    def it(self):
        return "them" if self.several else "it"

    @property
    def his(self):
        return {"he": "his", "she": "her", "it": "its", "they": "their"}[self.he]

    @property
    def was(self):
        return "were" if self.several else "was"

    @property
    def are(self):
        return "are" if self.several else "is"


class EnglishPlace(NamedTuple):
    """A place: "the park", "in the park", "to the park"."""

    the: str
    at: str
    to: str


class FrenchPlace(NamedTuple):
    """A place: "le parc", "dans le parc", "au parc"."""

    le: str
    at: str
    to: str


class Meaning(NamedTuple):
    """What fills a gap: how both languages say it, and the words of the world in it."""

    english: object
    french: object
    words: list


def noun(rng, nouns, size=0.3, colour=0.4, several=0.25, sizes=words.SIZES, colours=words.COLOURS):
    """A noun, with adjectives and a number as often as the three chances say."""
    one = rng.choice(nouns)
    number = rng.choice(list(words.NUMBERS)) if rng.random() < several else ""
    sized = rng.choice(sizes) if rng.random() < size else None
    coloured = rng.choice(colours) if rng.random() < colour else None
    adjectives = [adjective.english for adjective in (sized, coloured) if adjective]
    name = english_plural(one.english) if number else one.english
    english = EnglishGroup(" ".join([*adjectives, name]), "they" if number else "it", number)
    french = french_group(one, sized, coloured, words.NUMBERS.get(number, ""))
    drawn = [word for word in (number, *adjectives, one.english) if word]
    return Meaning(english, french, drawn)


def english_plural(word):
    """The plural of an English noun of this world."""
    if word in ("mouse", "scarf"):
        return {"mouse": "mice", "scarf": "scarves"}[word]
    if word.endswith(("x", "ch")):
        return word + "es"
    return word[:-1] + "ies" if word.endswith(("ppy", "ny")) else word + "s"


def named(rng, people):
    """Somebody of the little tales, by name."""
    somebody = rng.choice(people)
    english = EnglishGroup(somebody.name, somebody.he, proper=True)
    gender = "m" if somebody.he == "he" else "f"
    french = Group(words.NAMES.get(somebody.name, somebody.name), gender, proper=True)
    return Meaning(english, french, [somebody.name])


def two_children(rng):
    """ "Lily and Tom"; in French, one boy is enough for *ils*."""
    one, other = rng.sample(CHILDREN, 2)
    gender = "f" if one.he == other.he == "she" else "m"
    english = EnglishGroup(f"{one} and {other}", "they", proper=True)
    french = Group(f"{one} et {other}", f"{gender}p", proper=True)
    return Meaning(english, french, [one.name, other.name])


def anybody(rng):
    """A child, two children, a grown-up or an animal."""
    return rng.choice([child, two_children, grown_up, animal])(rng)


def place(rng):
    one = rng.choice(words.PLACES)
    (at,) = (known.at for known in ENGLISH_PLACES if known.name == one.english)
    the = f"the{at.partition('the')[2]}"
    french = FrenchPlace(Group(one.french, one.gender).le, one.at, one.to)
    return Meaning(EnglishPlace(the, at, f"to {the}"), french, [one.english])


def adjective(rng, adjectives):
    one = rng.choice(adjectives)
    return Meaning(one.english, Agreeing(one), [one.english])


def phrase(rng, phrases):
    english = rng.choice(list(phrases))
    return Meaning(english, phrases[english], [english])


child = partial(named, people=CHILDREN)
grown_up = partial(named, people=GROWN_UPS + NEIGHBOURS)
animal = partial(noun, nouns=words.ANIMALS, sizes=AGES, colours=FUR)
plain = partial(noun, size=0, colour=0, several=0)

GAPS = {
    "who": anybody,
    "child": child,
    "friend": child,
    "grown": grown_up,
    "animal": animal,
    "family": partial(plain, nouns=words.FAMILY),
    "toy": partial(noun, nouns=words.TOYS),
    "bare": partial(noun, nouns=words.TOYS + words.THINGS, size=0.2, colour=0),
    "single": partial(noun, nouns=words.TOYS, several=0),
    "many": partial(
        noun, nouns=words.TOYS + words.ANIMALS, size=0.2, sizes=AGES, colour=0, several=1
    ),
    "thing": partial(noun, nouns=words.THINGS, size=0.3, colour=0.1, several=0.1),
    "shelter": partial(noun, nouns=SHELTERS, colour=0.1, several=0),
    "food": partial(noun, nouns=words.FOODS, sizes=AGES, colour=0),
    "place": place,
    "colour": partial(adjective, adjectives=words.COLOURS),
    "feeling": partial(adjective, adjectives=words.FEELINGS),
    "sorry": partial(adjective, adjectives=SORRY),
    "pleased": partial(adjective, adjectives=PLEASED),
    "trait": partial(adjective, adjectives=words.TRAITS),
    "time": partial(phrase, phrases=words.TIMES),
    "sky": partial(phrase, phrases=words.SKIES),
}
