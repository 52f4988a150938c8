"""Recipe · Who a story is about, and how it begins."""

from tinyhf.recipes.little_tales.people import (
    ANIMALS,
    CHILDREN,
    FEELINGS,
    GROWN_UPS,
    PET_NAMES,
    TRAITS,
    Somebody,
)
from tinyhf.recipes.little_tales.things import COLOURS, TOYS

GOOD = [feeling for feeling in FEELINGS if feeling.tone == "good"]
GLAD = [feeling for feeling in GOOD if feeling.word not in ("proud", "excited")]
BAD = [feeling for feeling in FEELINGS if feeling.tone == "bad"]

ONE_DAY = """[One day|One day|One morning|One sunny morning|One afternoon|One fine day
    |On a [clear|bright|warm|fine] day|Early one morning|One Sunday]"""
HOUSE = """[in a little village|in a little village by the sea|in a small house near the forest
    |at the edge of a green valley|on a farm behind the hills|in a busy town
    |at the foot of a mountain|in a white cottage by the river]"""


def children(rng, number):
    """`number` different children."""
    return rng.sample(CHILDREN, number)


def animals(rng, number):
    """`number` animals of different kinds; the first may have a name, the others are "the little
    dog", so that one always knows what they are."""
    kinds = [animal.kind for animal in rng.sample(ANIMALS, number)]
    everybody = [Somebody(f"the little {kind}", rng.choice(["he", "she"]), kind) for kind in kinds]
    if rng.random() < 0.5:
        everybody[0] = everybody[0]._replace(name=rng.choice(PET_NAMES))
    return everybody


def heroes(rng, number):
    """Children or animals, but one sort in one story."""
    return children(rng, number) if rng.random() < 0.65 else animals(rng, number)


def grown_up(rng, hero, among=GROWN_UPS):
    """Somebody older: a relative of a child, "the old bear" for an animal."""
    if is_child(hero):
        return rng.choice(among)
    young = (hero.kind, "puppy", "kitten", "lamb")
    kind = rng.choice([animal.kind for animal in ANIMALS if animal.kind not in young])
    return Somebody(f"the old {kind}", rng.choice(["he", "she"]), kind)


def is_child(somebody):
    """Whether this is a child and no animal."""
    return somebody.kind in ("girl", "boy")


def with_kind(hero):
    """What to call an animal that the reader does not know yet: "Pip the fox"."""
    known = is_child(hero) or hero.name.startswith("the ")
    return hero.name if known else f"{hero} the {hero.kind}"


def toy(rng):
    """A coloured toy, as "red kite", and why it is loved."""
    name, loved = rng.choice(TOYS)
    return f"{rng.choice(COLOURS)} {name}", loved


def opening(rng, hero):
    """Sentences that introduce the hero; sometimes none, when the plot begins at once."""
    if with_kind(hero) == hero.name and rng.random() < 0.3:
        return ""
    trait = rng.choice(list(TRAITS))
    home = home_of(hero)
    habit = hero.fill(TRAITS[trait])
    if hero.name.startswith("the "):
        return f"""[Once upon a time, there was a little {hero.kind}. {hero.he}
            |There was once a little {hero.kind}. {hero.he}
            |Long ago, a little {hero.kind} lived {home}. {hero.he}
            |{hero} lived {home}. {hero.he}
            |{hero}] was {trait} and {habit}."""
    return f"""[Once upon a time, there was a [little|young|small] {hero.kind} named {hero}.
        |Once upon a time, a little {hero.kind} named {hero} lived {home}.
        |There was once a [little|small|young] {hero.kind} [named|called] {hero}.
        |Long ago, a [little|young] {hero.kind} named {hero} lived {home}.
        |This is the story of a [little|small] {hero.kind} [named|called] {hero}.
        |{home} there lived a {hero.kind} named {hero}.
        |{hero} was a [little|young] {hero.kind} who lived {home}.]
        [{hero.he} was {trait} and {habit}.|{hero.he} {habit}.|]"""


def home_of(hero):
    """A place to live, as "in a busy town"."""
    homes = {animal.kind: f"in {animal.home}" for animal in ANIMALS}
    return homes.get(hero.kind, HOUSE)
