"""Recipe · English sentences of the little world, and the same in French.

A synchronous grammar: a pattern is one sentence in two languages with the same gaps. What fills a
gap is drawn once and said in both; agreement, elision and contraction are French's own affair
(`grammar`). What happened is told in the passé composé, how things were in the imparfait, and how
they are in the présent.
"""

import itertools
import random
import re
import zlib
from typing import NamedTuple

from tinyhf.recipes.little_french.gaps import GAPS
from tinyhf.recipes.little_french.grammar import spell
from tinyhf.recipes.little_tales.people import table
from tinyhf.recipes.little_tales.stories import put_right

LINE_GOES_ON = re.compile(r"\n {8}")
KEPT_BACK = 25


class Pattern(NamedTuple):
    """A sentence in two languages, with gaps such as `{toy.the}` and `{toy.le}`."""

    english: str
    french: str


PATTERNS = table(
    Pattern,
    LINE_GOES_ON.sub(
        " ",
        """
    {who} had {toy.a}.                      | {who} av{who.ait} {toy.un}.
    {who} had no {toy.group}.               | {who} n'av{who.ait} pas de {toy.words}.
    {who} found {toy.a} {place.at}.         | {who} {who.a} trouvé {toy.un} {place.at}.
    {who} did not find {toy.the}.           | {who} n'{who.a} pas trouvé {toy.le}.
    {who} never saw {toy.the} again.        | {who} n'{who.a} jamais revu {toy.le}.
    Nobody found {toy.the}.                 | Personne n'a trouvé {toy.le}.
    {child} lost {child.his} {toy.group} {place.at}. | {child} a perdu {toy.son} {place.at}.
    {child} loved {child.his} {toy.group}.  | {child} aimait {toy.son}.
    {child} wanted {toy.a}.                 | {child} voulait {toy.un}.
    {child} drew {thing.a} and {animal.a}.  | {child} a dessiné {thing.un} et {animal.un}.
    {who} went {place.to}.                  | {who} {who.est} allé{who.e} {place.to}.
    {time}, {who} went {place.to}.          | {time}, {who} {who.est} allé{who.e} {place.to}.
    {who} came back from {place.the}.       | {who} {who.est} revenu{who.e} de {place.le}.
    {child} did not want to go {place.to}.  | {child} ne voulait pas aller {place.to}.
    {child} went {place.to} with {child.his} {family.group}. | {child} est allé{child.e} {place.to}
        avec {family.son}.
    {sky} {who} stayed at home.             | {sky} {who} {who.est} resté{who.e} à la maison.
    {who} {who.are} {place.at}.             | {who} {who.est} {place.at}.
    {who} {who.are} {feeling}.              | {who} {who.est} {feeling:{who.agreement}}.
    {who} {who.was} {feeling}.              | {who} ét{who.ait} {feeling:{who.agreement}}.
    {who} {who.was} not {feeling}.          | {who} n'ét{who.ait} pas {feeling:{who.agreement}}.
    {who} {who.was} very {trait}.           | {who} ét{who.ait} très {trait:{who.agreement}}.
    {who} {who.was} {feeling}, and {who.he} went home. | {who} ét{who.ait}
        {feeling:{who.agreement}}, et {who.il} {who.est} rentré{who.e} à la maison.
    {child} was {sorry} because {child.he} had lost {child.his} {toy.group}. | {child} était
        {sorry:{child.agreement}} parce que {child.il} avait perdu {toy.son}.
    {child} was {pleased} because {child.he} had found {toy.a}. | {child} était
        {pleased:{child.agreement}} parce que {child.il} avait trouvé {toy.un}.
    {child} was {feeling}. {friend} was {trait}. | {child} était {feeling:{child.agreement}}.
        {friend} était {trait:{friend.agreement}}.
    {sky} {who} {who.was} {feeling}.        | {sky} {who} ét{who.ait} {feeling:{who.agreement}}.
    {bare.the} {bare.was} {colour}.         | {bare.le} ét{bare.ait} {colour:{bare.agreement}}.
    {bare.the} {bare.was} bigger than {thing.the}. | {bare.le} ét{bare.ait} plus grand{bare.e}
        que {thing.le}.
    All {many.the} were {colour}.           | {many.tous} étaient {colour:{many.agreement}}.
    {child} painted {thing.the} {colour}.   | {child} a peint {thing.le} en {colour:m}.
    {child} gave {toy.a} to {friend}.       | {child} a donné {toy.un} à {friend}.
    {child} gave {toy.the} to {grown}.      | {child} a donné {toy.le} à {grown}.
    {child} gave {toy.a} to {child.his} {family.group}. | {child} a donné {toy.un} à {family.son}.
    {child} showed {friend} {toy.the}.      | {child} a montré {toy.le} à {friend}.
    {grown} bought {toy.a} for {child}.     | {grown} a acheté {toy.un} pour {child}.
    {grown} sat down beside {child}.        | {grown} s'est assis{grown.e} à côté de {child}.
    {child} told {child.his} {family.group} everything. | {child} a tout raconté à {family.son}.
    {child}'s {toy.group} {toy.was} {place.at}. | {toy.le} de {child} ét{toy.ait} {place.at}.
    {child} lost {toy.the}. {friend} found {toy.it}. | {child} a perdu {toy.le}.
        {friend} {toy.l}a trouvé{toy.e}.
    {child} broke {toy.the}, and {grown} was {sorry}. | {child} a cassé {toy.le}, et {grown}
        était {sorry:{grown.agreement}}.
    {who} looked for {toy.the} behind {thing.the}. | {who} {who.a} cherché {toy.le} derrière
        {thing.le}.
    {who} hid {toy.the} under {shelter.the}.  | {who} {who.a} caché {toy.le} sous {shelter.le}.
    {toy.the} fell behind {thing.the}.      | {toy.le} {toy.est} tombé{toy.e} derrière {thing.le}.
    There {toy.was} {toy.a} under {shelter.the}. | Il y avait {toy.un} sous {shelter.le}.
    {who} played with {toy.the} {place.at}. | {who} {who.a} joué avec {toy.le} {place.at}.
    {time}, {who} ate {food.a}.             | {time}, {who} {who.a} mangé {food.un}.
    {who} ate {food.a} under {shelter.the}.   | {who} {who.a} mangé {food.un} sous {shelter.le}.
    {child} saw {animal.a} {place.at}.      | {child} a vu {animal.un} {place.at}.
    {animal.the} slept under {shelter.the}.   | {animal.le} {animal.a} dormi sous {shelter.le}.
    {animal.the} ran away.                  | {animal.le} se {animal.est} enfui{animal.e}.
    {child} carried {animal.the} home.      | {child} a porté {animal.le} à la maison.
    {time}, {animal.a} came to {child}'s house. | {time}, {animal.un} {animal.est}
        venu{animal.e} chez {child}.
    "Where {toy.are} {toy.the}?" asked {child}. | « Où {toy.est} {toy.le} ? » a demandé {child}.
    "{toy.the} {toy.are} {place.at}," said {child}. | « {toy.le} {toy.est} {place.at} », a dit
        {child}.
    "I have {toy.a}," said {child}.         | « J'ai {toy.un} », a dit {child}.
    "I lost my {toy.group}," said {child}.  | « J'ai perdu {toy.mon} », a dit {child}.
    "Is this your {single.group}?" asked {child}. | « Est-ce {single.ton} ? » a demandé {child}.
    "{toy.this} {toy.are} for you, {friend}," said {child}. | « {toy.ce} {toy.est} pour toi,
        {friend} », a dit {child}.
    "Hello, {friend}," said {child}.        | « Bonjour, {friend} », a dit {child}.
    "Thank you for {toy.the}, {friend}," said {child}. | « Merci pour {toy.le}, {friend} », a dit
        {child}.
    "I am so {feeling}," said {child}.      | « Je suis si {feeling:{child.agreement}} », a dit
        {child}.
    "You are {trait}, {friend}," said {child}. | « Tu es {trait:{friend.agreement}}, {friend} »,
        a dit {child}.
    "Do you see {animal.the}?" asked {child}. | « Est-ce que tu vois {animal.le} ? » a demandé
        {child}.
    "How many {many.group} do you see?" asked {child}. | « Combien de {many.words} vois-tu ? »
        a demandé {child}.
    "{grown} is {place.at}," said {child}.  | « {grown} est {place.at} », a dit {child}.
    """,
    ),
)


class Pair(NamedTuple):
    """A sentence, its translation, and the words that were drawn for it."""

    english: str
    french: str
    words: list


def examples(number, seed=0, held_out=False):
    """`number` different pairs `{"en": …, "fr": …}`, from the seeds from `seed` on.

    Of all pairs of words that can meet in a sentence, one in `KEPT_BACK` is kept back. Where two
    such words meet the sentence is held out, and no other sentence has them together; so what a
    held-out sentence tells was never told in training.
    """
    found = {}
    for each in map(pair, itertools.count(seed)):
        if len(found) >= number:
            break
        if is_held_out(each.words) == held_out:
            found.setdefault(each.english, each.french)
    return [{"en": english, "fr": french} for english, french in found.items()]


def pair(seed):
    """The pair of this seed."""
    rng = random.Random(seed)
    pattern = rng.choice(PATTERNS)
    names = sorted(set(re.findall(r"\{(\w+)", pattern.english)))
    drawn = []
    while len(set(drawn)) < len(drawn) or not drawn:  # nobody gives a ball to himself
        meanings = {name: GAPS[name](rng) for name in names}
        drawn = [word for meaning in meanings.values() for word in meaning.words]
    english = pattern.english.format(**{name: gap.english for name, gap in meanings.items()})
    french = pattern.french.format(**{name: gap.french for name, gap in meanings.items()})
    return Pair(put_right(english), spell(french), drawn)


def is_held_out(drawn):
    """Whether two of the words are a pair that is kept back from training."""
    together = itertools.combinations(sorted(drawn), 2)
    return any(zlib.crc32(" ".join(two).encode()) % KEPT_BACK == 0 for two in together)
