"""Recipe · What there is in the world of the little tales: colours, toys, places, weather."""

from typing import NamedTuple

from tinyhf.recipes.little_tales.people import table


class Toy(NamedTuple):
    """A small thing somebody loves, and why."""

    name: str
    loved: str


class Place(NamedTuple):
    """A place, how to say that one is there, and three spots in it."""

    name: str
    at: str
    three_spots: str

    def __str__(self):
        return self.name

    @property
    def spots(self):
        return self.three_spots.split("; ")

    @property
    def view(self):
        """A sentence about what there was to see."""
        return VIEWS[self.name]


class Weather(NamedTuple):
    """Surprising weather: its name, its first sign, what it did, and how it ended."""

    name: str
    sign: str
    did: str
    ended: str


COLOURS = [
    "red", "blue", "green", "yellow", "purple", "orange", "white", "brown", "golden", "silver",
    "pink", "black", "grey",
]  # fmt: skip

TOYS = table(
    Toy,
    """
    kite         | it danced so high in the wind
    ball         | it bounced higher than any other ball
    doll         | its button eyes always seemed to smile
    teddy bear   | it was soft and warm to hold at night
    scarf        | Grandma had knitted it by the fire
    drum         | it made such a merry sound
    book         | it was full of wonderful pictures
    whistle      | it could sing like a bird
    hat          | it kept the sun and the rain away
    ring         | it shone like a tiny star
    marble       | there was a little swirl of light inside it
    lantern      | it made the dark corners friendly
    umbrella     | it looked like a big flower
    mitten       | it was as soft as a cloud
    bell         | its ring was bright and clear
    shell        | one could hear the sea in it
    boat         | it sailed without ever tipping over
    flute        | it played the sweetest tunes
    crayon       | it drew the nicest pictures
    truck        | its wheels rolled so smoothly
    bracelet     | a good friend had made it
    spinning top | it hummed as it turned round and round
    """,
)

PLACES = table(
    Place,
    """
    garden     | in the garden     | under the apple tree; behind the shed; beside the roses
    park       | in the park       | under a bench; behind the fountain; near the swings
    forest     | in the forest     | under an old oak; beside the stream; behind a mossy rock
    beach      | at the beach      | behind a sandy dune; under an old boat; between two rocks
    farm       | on the farm       | behind the barn; in the soft hay; beside the gate
    market     | at the market     | under a fruit stall; behind a big barrel; beside the well
    meadow     | in the meadow     | in the long grass; under a bush; beside a grey stone
    hill       | on the hill       | behind the windmill; under a thorn bush; beside the path
    river      | by the river      | under the bridge; among the reeds; beside a fallen log
    orchard    | in the orchard    | under a pear tree; behind the ladder; inside an empty basket
    harbour    | at the harbour    | behind a coil of rope; under a fishing net; near the lighthouse
    playground | at the playground | under the slide; behind the sandbox; beside the seesaw
    village    | in the village    | behind the bakery; under a cart; near the church door
    lake       | at the lake       | under the wooden pier; behind a willow; beside a canoe
    castle     | in the old castle | behind the tower; under the stone stairs; beside the gate
    mill       | at the mill       | behind the big wheel; beside the flour sacks; under the steps
    """,
)

VIEWS = dict(
    table(
        lambda *row: row,
        """
        garden     | Bees hummed over the flowers.
        park       | Children ran over the grass.
        forest     | Birds sang in the tall trees.
        beach      | Small waves rolled over the sand.
        farm       | Hens pecked at the corn.
        market     | The stalls were full of bread and plums.
        meadow     | Butterflies flew from daisy to daisy.
        hill       | One could see the whole valley from there.
        river      | The water sparkled in the light.
        orchard    | Ripe fruit hung from every branch.
        harbour    | White sails moved on the water.
        playground | Everybody was laughing and running.
        village    | Smoke rose from the chimneys.
        lake       | Two swans swam slowly by.
        castle     | Ivy grew on the grey walls.
        mill       | The great wheel turned slowly in the water.
        """,
    )
)

WEATHERS = [
    Weather(
        "rain",
        "dark clouds covered the sun",
        "Big drops fell until every path was a stream",
        "the clouds moved on and a rainbow appeared",
    ),
    Weather(
        "storm",
        "a cold wind shook the trees",
        "Thunder rolled and lightning lit the sky",
        "the thunder grew quiet and the stars came out",
    ),
    Weather(
        "snow",
        "white flakes began to fall",
        "Soon the whole world was white and silent",
        "the sky turned blue and the snow glittered",
    ),
    Weather(
        "fog",
        "a grey mist crept over the ground",
        "It was so thick that nobody could see the path",
        "the sun broke through and the mist melted away",
    ),
    Weather(
        "wind",
        "the leaves began to whirl around",
        "It tugged at every hat and every door",
        "the air became still and warm again",
    ),
    Weather(
        "hail",
        "something rattled on the roofs",
        "Little balls of ice jumped over the ground",
        "the ice melted in the sunshine",
    ),
]
