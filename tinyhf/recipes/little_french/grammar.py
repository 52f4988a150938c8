"""Recipe · How French agrees, and how it is spelt where two words meet.

A French noun is masculine or feminine, and everything that belongs to it follows: *un ballon vert*,
*une poupée verte*, *deux poupées vertes*. ``Group`` holds a noun with what agrees with it; the
pattern that uses it asks for the forms: ``{toy.un}``, ``{toy.son}``, ``{toy.le}``.
"""

import re
from typing import NamedTuple

VOWEL = r"[aàâeéèêiîoôuœAEÉIOU]|Hugo|horloger"  # other words here with h do not elide: le hibou
SPELLING = [
    (rf"\b([mts])a (?={VOWEL})", r"\1on "),  # son écharpe
    (rf"\bce (?={VOWEL})", "cet "),  # cet arbre
    (r"\bdes (?=(petite?|grande?|beau|nouveau|belle|nouvelle|vieille)[sx]|vieux)", "de "),
    (rf"\b(l|d|n|j|s|qu)[ea] (?={VOWEL})", r"\1'"),  # l'arbre, d'Anna, qu'elle
    (r"\bde le\b", "du"),
    (r"\bde les\b", "des"),
    (r"\bà le\b", "au"),
    (r"\bà les\b", "aux"),
]
SENTENCE_START = re.compile(r"(^|[.!?] |« )([a-zà-ÿœ])")

PLURALS = {
    "orange": "orange",
    "hibou": "hiboux",
    "cerf-volant": "cerfs-volants",
    "ours en peluche": "ours en peluche",
}
BEFORE_VOWEL = {"beau": "bel", "nouveau": "nouvel", "vieux": "vieil"}


class Group(NamedTuple):
    """A noun and its adjectives, without article; ``agreement`` is "m", "f", "mp" or "fp".

    ``number`` stands before several; ``proper`` says that the words need no article: a name.
    """

    words: str
    agreement: str
    number: str = "des"
    proper: bool = False

    def __str__(self):
        return self.words if self.proper else self.le

    def form(self, masculine, feminine, plural):
        """One of three words, the one that agrees."""
        return {"m": masculine, "f": feminine}.get(self.agreement, plural)

    @property
    def le(self):
        return f"{self.form('le', 'la', 'les')} {self.words}"

    @property
    def un(self):
        return f"{self.form('un', 'une', self.number)} {self.words}"

    @property
    def ce(self):
        return f"{self.form('ce', 'cette', 'ces')} {self.words}"

    @property
    def mon(self):
        return f"{self.form('mon', 'ma', 'mes')} {self.words}"

    @property
    def ton(self):
        return f"{self.form('ton', 'ta', 'tes')} {self.words}"

    @property
    def son(self):
        return f"{self.form('son', 'sa', 'ses')} {self.words}"

    @property
    def tous(self):
        """For several: *tous les ballons*, *toutes les poupées*."""
        return f"{'tous' if self.agreement == 'mp' else 'toutes'} {self.le}"

    @property
    def il(self):
        return {"m": "il", "f": "elle", "mp": "ils", "fp": "elles"}[self.agreement]

    @property
    def l(self):  # noqa: E743 - it is the French word
        """The object in front of its verb: *l'a trouvé*, *les a trouvés*."""
        return self.form("l'", "l'", "les ")

    @property
    def e(self):
        """What a participle takes on after *être*: *allé, allée, allés, allées*."""
        return {"m": "", "f": "e", "mp": "s", "fp": "es"}[self.agreement]

    @property
    def a(self):
        return self.form("a", "a", "ont")

    @property
    def est(self):
        return self.form("est", "est", "sont")

    @property
    def ait(self):
        """The ending of the imperfect: *il était, ils étaient*."""
        return self.form("ait", "ait", "aient")


class Agreeing:
    """An adjective in a pattern: ``{feeling:fp}`` is its form for several feminine ones."""

    def __init__(self, adjective):
        self.adjective = adjective

    def __format__(self, agreement):
        return agree(self.adjective, agreement)


def agree(adjective, agreement):
    """The form of an adjective for "m", "f", "mp" or "fp"."""
    one = adjective.feminine if agreement.startswith("f") else adjective.masculine
    return plural(one) if agreement.endswith("p") else one


def plural(word):
    """The plural of a French noun or adjective."""
    if word in PLURALS or word.endswith(("s", "x")):
        return PLURALS.get(word, word)
    if word.endswith("al"):
        return word[:-1] + "ux"
    return word + ("x" if word.endswith("eau") else "s")


def french_group(noun, size=None, colour=None, number=""):
    """*petit ballon vert*: the size stands before the noun, the colour after it."""
    agreement = noun.gender + ("p" if number else "")
    words = [plural(noun.french) if number else noun.french]
    if size is not None:
        before = agree(size, agreement)
        meets_vowel = not number and re.match(VOWEL, noun.french)
        words.insert(0, BEFORE_VOWEL.get(before, before) if meets_vowel else before)
    if colour is not None:
        words.append(agree(colour, agreement))
    return Group(" ".join(words), agreement, number)


def spell(text):
    """Put right where two words meet (*de le* → *du*), and begin sentences with a capital."""
    for rough, right in SPELLING:
        text = re.sub(rough, right, text)
    return SENTENCE_START.sub(lambda start: start[1] + start[2].upper(), text)
