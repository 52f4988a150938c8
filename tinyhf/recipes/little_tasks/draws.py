"""Recipe · Who and what the examples are about, and which combinations are kept for the test.

Names beyond the world's own teach a model to look at the sentence instead of learning two dozen
names by heart. One row in five of every table is held out, and which ones depends on what they
stand beside: Lily may never be met with a red scarf, and Mia never with a blue ball. So a test on
held-out examples is a test on pairs that were never seen together.
"""

from zlib import crc32

from tinyhf.recipes.little_tales.people import CHILDREN, PET_NAMES, Somebody
from tinyhf.recipes.little_tales.things import COLOURS, PLACES, TOYS

HELD_OUT_ONE_IN = 5


def words(text):
    """The words of a text, as a list."""
    return text.split()


GIRLS = words(
    """
    Alice Amy Beth Carla Chloe Cora Diana Dora Edith Elena Emily Erica Eva Fiona Flora Gina
    Grace Greta Hannah Helen Ida Ines Irene Iris Isabel Jane Jenny Joan Julia Karen Kate Laura
    Lena Linda Lisa Louise Lydia Margo Martha Mary Merve Molly Nadia Nancy Nina Olga Olivia
    Paula Petra Rachel Rita Ruth Sally Sandra Sarah Selma Sofia Sonia Stella Susan Sylvia Tanya
    Tina Ursula Vera Victoria Wanda Yvonne
    """
)
BOYS = words(
    """
    Adam Alan Albert Alex Andrew Arthur Bill Bob Boris Bruno Carl Charles Chris Daniel David
    Dennis Eric Felix Frank Fred George Harry Henry Igor Ivan James Jim John Jonas Joseph Karl
    Kevin Kurt Lars Lewis Louis Lucas Marco Mark Martin Matthew Michael Mike Nick Nils Oliver
    Otto Pablo Paul Peter Philip Ralph Richard Robert Roger Simon Stefan Steve Theo Thomas Tony
    Ulrich Victor Walter William Xavier
    """
)
# Names and towns that nobody has heard of are made of three parts, some thousands of them.
BEGINNINGS = words("B Br C Ch D Dr F G Gr H J K Kl L M N P Pr R S Sh St T Tr V W Y Z")
MIDDLES = words("a e i o u y ai")
NAME_ENDS = words(
    "ba bert dan dra el lan lda lina lko lvain mir na nda ndo nia rin ro rvin ska than vi zin"
)
TOWN_ENDS = words(
    """
    berg bury dale field ford grad ham keley klyn ley mouth ndon polis port ris ston ton ville wood
    """
)


def made_up(ends):
    """All words of a beginning, a middle and an end that are no name of a tale or of the lists."""
    known = {one.name for one in CHILDREN}.union(GIRLS, BOYS, PET_NAMES)
    made = [first + middle + end for first in BEGINNINGS for middle in MIDDLES for end in ends]
    return [word for word in dict.fromkeys(made) if word not in known]


NAMES = [Somebody(name, "she", "girl") for name in GIRLS]
NAMES += [Somebody(name, "he", "boy") for name in BOYS]
NAMES += [
    Somebody(name, "she" if name[-1] == "a" else "he", "child") for name in made_up(NAME_ENDS)
]
TOWNS = made_up(TOWN_ENDS)
THINGS = [f"{colour} {toy.name}" for colour in COLOURS for toy in TOYS]


def share(table, held_out, owner=""):
    """The rows of `table` that may stand beside `owner` in training, or in held-out examples."""
    shift = crc32(owner.encode())
    rows = enumerate(table)
    return [row for place, row in rows if ((place + shift) % HELD_OUT_ONE_IN == 0) == held_out]


_NEW_NAMES, _TOWNS = (
    {held_out: share(table, held_out) for held_out in (False, True)} for table in (NAMES, TOWNS)
)


def new_name(rng, held_out):
    """Somebody of no tale."""
    return rng.choice(_NEW_NAMES[held_out])


def people(rng, held_out, number):
    """`number` different children; half of them from the tales, half with a name of no tale."""
    cast = []
    while len(cast) < number:
        one = rng.choice(CHILDREN) if rng.random() < 0.5 else new_name(rng, held_out)
        if one not in cast:
            cast.append(one)
    return cast


def thing(rng, held_out, owner):
    """A coloured toy for `owner`, as "red kite"."""
    return rng.choice(share(THINGS, held_out, owner.name))


def place(rng, held_out, owner):
    """A place where `owner` may be."""
    return rng.choice(share(PLACES, held_out, owner.name))


def town(rng, held_out):
    """A town of no map."""
    return rng.choice(["", "", "", "", "New "]) + rng.choice(_TOWNS[held_out])


def with_article(name):
    """ "a red kite", "an orange ball"."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
