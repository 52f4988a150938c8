"""Recipe · Facts for a paragraph: a sentence or two, and the questions they answer.

`[a|b]` stands for a choice, as in the tales. An answer stands in the text word for word.
"""

from typing import NamedTuple

from tinyhf.recipes.little_tales.people import Animal, Feeling, Somebody
from tinyhf.recipes.little_tales.things import Place
from tinyhf.recipes.little_tasks.draws import with_article


class Scene(NamedTuple):
    """What one fact is about."""

    one: Somebody
    other: Somebody
    thing: str
    place: Place
    town: str
    good: Feeling
    bad: Feeling
    animal: Animal

    @property
    def colour(self):
        """ "red" of "red teddy bear"."""
        return self.thing.split(" ", 1)[0]

    @property
    def toy(self):
        """ "teddy bear" of "red teddy bear"."""
        return self.thing.split(" ", 1)[1]


WAYS_OF_HAVING = [
    *(("had", "have", "did"), ("carried", "carry", "did"), ("bought", "buy", "did")),
    *(("has", "have", "does"), ("wants", "want", "does"), ("likes", "like", "does")),
]


def having(rng, scene):
    one, a_thing = scene.one, with_article(scene.thing)
    had, have, did = rng.choice(WAYS_OF_HAVING)
    return f"{one} {had} {a_thing}.", [
        (f"Who {had} the [{scene.toy}|{scene.thing}]?", one.name),
        (f"Who {had} {a_thing}?", one.name),
        (f"What {did} {one} {have}?", a_thing),
        (f"What [colour|color] [was|is] [the|{one}'s] {scene.toy}?", scene.colour),
    ]


def being_somewhere(rng, scene):
    one, place = scene.one, scene.place
    return f"{one} was [playing|waiting|sitting|] {place.at}.", [
        (f"Where [was|is] {one}?", place.at),
        (f"Who was {place.at}?", one.name),
    ]


def going(rng, scene):
    one, place = scene.one, scene.place
    went, go = rng.choice([("went", "go"), ("ran", "run"), ("walked", "walk")])
    return f"{one} {went} to the {place}.", [
        (f"Where did {one} {go}?", f"to the {place}"),
        (f"Who {went} to the {place}?", one.name),
    ]


def finding(rng, scene):
    one, toy, a_thing = scene.one, scene.toy, with_article(scene.thing)
    found, find = rng.choice([("found", "find"), ("hid", "hide"), ("saw", "see"), ("lost", "lose")])
    questions = [
        (f"Who {found} the {toy}?", one.name),
        (f"What did {one} {find}?", a_thing),
        (f"What [colour|color] [was|is] the {toy}?", scene.colour),
    ]
    if rng.random() < 0.3:
        return f"{one} {found} {a_thing}.", questions
    spot = rng.choice(scene.place.spots)
    return f"{one} {found} {a_thing} {spot}.", [
        (f"Where [was|is] the {toy}?", spot),
        (f"Where did {one} {find} the {toy}?", spot),
        *questions,
    ]


def giving(rng, scene):
    one, other, toy, a_thing = scene.one, scene.other, scene.toy, with_article(scene.thing)
    gave, give = rng.choice([("gave", "give"), ("brought", "bring"), ("sent", "send")])
    return f"{one} {gave} {other} {a_thing}.", [
        (f"Who {gave} {other} the {toy}?", one.name),
        (f"Who {gave} {other} {a_thing}?", one.name),
        (f"Who [got|received] the {toy}?", other.name),
        (f"What did {one} {give} {other}?", a_thing),
        (f"What did {other} [get|receive]?", a_thing),
        (f"What [colour|color] [was|is] the {toy}?", scene.colour),
    ]


def losing(rng, scene):
    one, toy, bad = scene.one, scene.toy, scene.bad.word
    reason = f"{one.he} had lost {one.his} {scene.thing}"
    return f"{one} was {bad} because {reason}.", [
        (f"Why was {one} {bad}?", reason),
        (f"How did {one} feel?", bad),
        (f"Who was {bad}?", one.name),
        (f"What had {one} lost?", f"{one.his} {scene.thing}"),
        (f"Who had lost the {toy}?", one.name),
        (f"What [colour|color] was the {toy}?", scene.colour),
    ]


def feeling(rng, scene):
    one, felt = scene.one, rng.choice([scene.good, scene.bad])
    return f"{one} was {felt.word}, and {one.fill(felt.shown)}.", [
        (f"How did {one} feel?", felt.word),
        (f"Who was {felt.word}?", one.name),
    ]


def coming_and_feeling(rng, scene):
    """ "She" is the one of the sentence before."""
    one, place, felt = scene.one, scene.place, rng.choice([scene.good, scene.bad]).word
    return f"{one} came to the {place}. {one.he.title()} felt {felt}.", [
        (f"How did {one} feel?", felt),
        (f"Who felt {felt}?", one.name),
        (f"Who came to the {place}?", one.name),
    ]


def helping(rng, scene):
    one, other, at = scene.one, scene.other, scene.place.at
    met, meet = rng.choice([("helped", "help"), ("visited", "visit"), ("met", "meet")])
    return f"{one} {met} {other} {at}.", [
        (f"Who {met} {other}?", one.name),
        (f"[Whom|Who] did {one} {meet}?", other.name),
        (f"Where did {one} {meet} {other}?", at),
    ]


def eating(rng, scene):
    kind, food = scene.animal.kind, scene.animal.food
    eater = f"The {rng.choice(['little', 'old', 'hungry'])} {kind}"
    return f"{eater} ate {food}.", [
        (f"What did the {kind} eat?", food),
        (f"Who ate {food}?", eater),
    ]


def living(rng, scene):
    one, town = scene.one, scene.town
    return f"{one} [lived|lives] in {town}.", [
        (f"Where [did {one} live|does {one} live]?", f"in {town}"),
        (f"Who [lived|lives] in {town}?", one.name),
    ]


def saying_who_i_am(rng, scene):
    one, town = scene.one, scene.town
    return f"My name is {one} and I live in {town}.", [
        ("What [is|was] my name?", one.name),
        ("What's my name?", one.name),
        ("Where do I live?", f"in {town}"),
        (f"Who lives in {town}?", one.name),
    ]


FACTS = [
    having, being_somewhere, going, finding, giving, losing, feeling, coming_and_feeling, helping,
    eating, living, saying_who_i_am,
]  # fmt: skip
