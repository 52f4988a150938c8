"""Recipe · Who lives in the world of the little tales, how they are and how they feel.

Only data, one row of a table per thing, so that other recipes can use the same world. A cell that
speaks of somebody says `{he}`, `{him}` or `{his}`; `Somebody.fill` puts the right word in.
"""

from typing import NamedTuple


def table(row, text):
    """One `row` for each line of `text`; cells are divided by `|`."""
    lines = text.strip().splitlines()
    return [row(*(cell.strip() for cell in line.split("|"))) for line in lines]


class Somebody(NamedTuple):
    """A person or an animal: how the story calls them, `he` or `she`, and what they are."""

    name: str
    he: str
    kind: str

    def __str__(self):
        return self.name

    @property
    def him(self):
        return "him" if self.he == "he" else "her"

    @property
    def his(self):
        return "his" if self.he == "he" else "her"

    @property
    def called(self):
        """How one speaks to them: "the little dog" is called "little dog"."""
        return self.name.removeprefix("the ")

    def fill(self, text):
        """`text` with this somebody's pronouns in place of `{he}`, `{him}`, `{his}` ..."""
        return text.format(he=self.he, him=self.him, his=self.his)


class Animal(NamedTuple):
    """A kind of animal, the sound it made, what it likes to eat and where it sleeps."""

    kind: str
    sounded: str
    food: str
    home: str


class Feeling(NamedTuple):
    """A feeling, whether it is a good one, and how it shows."""

    word: str
    tone: str
    shown: str


CHILDREN = table(
    Somebody,
    """
    Lily  | she | girl
    Tom   | he  | boy
    Mia   | she | girl
    Ben   | he  | boy
    Anna  | she | girl
    Sam   | he  | boy
    Rosa  | she | girl
    Leo   | he  | boy
    Nora  | she | girl
    Max   | he  | boy
    Lucy  | she | girl
    Jack  | he  | boy
    Emma  | she | girl
    Finn  | he  | boy
    Ruby  | she | girl
    Noah  | he  | boy
    Clara | she | girl
    Hugo  | he  | boy
    Maya  | she | girl
    Omar  | he  | boy
    Ella  | she | girl
    Tim   | he  | boy
    Zoe   | she | girl
    Oscar | he  | boy
    """,
)

GROWN_UPS = table(
    Somebody,
    """
    Mom        | she | mother
    Dad        | he  | father
    Grandma    | she | grandmother
    Grandpa    | he  | grandfather
    Aunt Rosie | she | aunt
    Uncle Joe  | he  | uncle
    """,
)

NEIGHBOURS = table(
    Somebody,
    """
    the baker      | he  | baker
    the old farmer | she | farmer
    the gardener   | he  | gardener
    the teacher    | she | teacher
    the fisherman  | he  | fisherman
    the shopkeeper | she | shopkeeper
    the old sailor | he  | sailor
    the librarian  | she | librarian
    the miller     | he  | miller
    the clockmaker | he  | clockmaker
    the weaver     | she | weaver
    the doctor     | she | doctor
    """,
)

ANIMALS = table(
    Animal,
    """
    dog      | barked    | a crunchy bone       | a wooden kennel
    cat      | meowed    | a bowl of milk       | a warm basket
    rabbit   | sniffed   | an orange carrot     | a cosy burrow
    fox      | yelped    | a handful of berries | a den under the roots
    bear     | growled   | a pot of honey       | a quiet cave
    mouse    | squeaked  | a piece of cheese    | a tiny hole in the wall
    duck     | quacked   | a crust of bread     | a nest in the reeds
    squirrel | chattered | a pile of nuts       | a hollow tree
    hedgehog | snuffled  | a sweet pear         | a heap of dry leaves
    frog     | croaked   | a fat fly            | a pond full of lilies
    owl      | hooted    | a bit of supper      | a tall pine tree
    turtle   | hummed    | a fresh green leaf   | a hole in the mossy bank
    goat     | bleated   | a bunch of clover    | a red barn
    lamb     | bleated   | some soft grass      | a little stable
    pony     | neighed   | a juicy apple        | a sunny field
    puppy    | whimpered | a tasty biscuit      | a soft blanket by the stove
    kitten   | purred    | a saucer of cream    | a box full of wool
    bird     | chirped   | a few seeds          | a round nest
    """,
)

LARGE = ("bear", "pony", "goat")
SMALL_ANIMALS = [animal for animal in ANIMALS if animal.kind not in LARGE]

PET_NAMES = [
    "Pip", "Biscuit", "Coco", "Pepper", "Button", "Ginger", "Fluffy", "Honey", "Rusty", "Daisy",
    "Clover", "Bramble", "Nutmeg", "Toffee", "Patch", "Scout", "Willow", "Hazel",
]  # fmt: skip

FEELINGS = table(
    Feeling,
    """
    sad         | bad  | a tear rolled down {his} cheek
    worried     | bad  | {his} heart beat fast
    upset       | bad  | {he} could hardly speak
    unhappy     | bad  | {he} sat down and sighed
    miserable   | bad  | {he} hung {his} head
    gloomy      | bad  | {he} stared at the ground
    downcast    | bad  | everything seemed grey to {him}
    troubled    | bad  | {he} buried {his} face in {his} hands
    heartbroken | bad  | there was a lump in {his} throat
    happy       | good | {he} laughed out loud
    glad        | good | {he} smiled from ear to ear
    proud       | good | {his} eyes were shining
    cheerful    | good | {he} hummed a little tune
    joyful      | good | {he} danced in a circle
    delighted   | good | {he} clapped and jumped
    thankful    | good | {he} could not stop smiling
    excited     | good | {he} hopped from one foot to the other
    relieved    | good | {he} took a long, deep breath
    merry       | good | {he} began to sing
    content     | good | a warm feeling filled {his} heart
    """,
)

TRAITS = {
    "kind": "always shared what {he} had",
    "brave": "was not afraid of spiders",
    "curious": "asked a hundred questions a day",
    "clever": "knew the answer to many riddles",
    "cheerful": "sang from morning to evening",
    "quiet": "liked to watch the clouds",
    "shy": "spoke very softly",
    "gentle": "loved every living thing",
    "funny": "made everybody laugh",
    "playful": "was never tired of games",
    "careful": "thought before {he} jumped",
    "friendly": "waved at everyone {he} met",
    "busy": "could never sit still",
    "dreamy": "often forgot the time",
}
