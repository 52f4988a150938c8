"""Recipe · The little world's words in French: a noun with its gender, an adjective with its forms.

Only data. People and places are the world's own (`little_tales`); some things are added, so that
there is more to write *un*, *une* and *l'* before.
"""

from typing import NamedTuple

from tinyhf.recipes.little_tales.people import table


class Noun(NamedTuple):
    """A noun of both languages; ``gender`` is "m" or "f"."""

    english: str
    french: str
    gender: str


class Adjective(NamedTuple):
    """An adjective of both languages, in French for one masculine and one feminine noun."""

    english: str
    masculine: str
    feminine: str


class Place(NamedTuple):
    """A place, and how French says that one is there and that one goes there."""

    english: str
    french: str
    gender: str
    at: str
    to: str


TOYS = table(
    Noun,
    """
    kite         | cerf-volant     | m
    ball         | ballon          | m
    doll         | poupée          | f
    teddy bear   | ours en peluche | m
    scarf        | écharpe         | f
    drum         | tambour         | m
    book         | livre           | m
    whistle      | sifflet         | m
    hat          | chapeau         | m
    ring         | bague           | f
    marble       | bille           | f
    lantern      | lanterne        | f
    umbrella     | parapluie       | m
    mitten       | moufle          | f
    bell         | cloche          | f
    shell        | coquillage      | m
    boat         | bateau          | m
    flute        | flûte           | f
    crayon       | crayon          | m
    truck        | camion          | m
    bracelet     | bracelet        | m
    spinning top | toupie          | f
    """,
)

THINGS = table(
    Noun,
    """
    house    | maison    | f
    tree     | arbre     | m
    bed      | lit       | m
    chair    | chaise    | f
    table    | table     | f
    box      | boîte     | f
    basket   | panier    | m
    bench    | banc      | m
    bridge   | pont      | m
    ladder   | échelle   | f
    stone    | pierre    | f
    cart     | charrette | f
    church   | église    | f
    wardrobe | armoire   | f
    """,
)

FOODS = table(
    Noun,
    """
    apple   | pomme   | f
    pear    | poire   | f
    carrot  | carotte | f
    biscuit | biscuit | m
    cake    | gâteau  | m
    egg     | œuf     | m
    plum    | prune   | f
    pancake | crêpe   | f
    """,
)

ANIMALS = table(
    Noun,
    """
    dog      | chien      | m
    cat      | chat       | m
    rabbit   | lapin      | m
    fox      | renard     | m
    bear     | ours       | m
    mouse    | souris     | f
    duck     | canard     | m
    squirrel | écureuil   | m
    hedgehog | hérisson   | m
    frog     | grenouille | f
    owl      | hibou      | m
    turtle   | tortue     | f
    goat     | chèvre     | f
    lamb     | agneau     | m
    pony     | poney      | m
    puppy    | chiot      | m
    kitten   | chaton     | m
    bird     | oiseau     | m
    """,
)

FAMILY = table(
    Noun,
    """
    mother      | mère       | f
    father      | père       | m
    grandmother | grand-mère | f
    grandfather | grand-père | m
    aunt        | tante      | f
    uncle       | oncle      | m
    sister      | sœur       | f
    brother     | frère      | m
    """,
)

# The grown-ups and neighbours of the little tales; children keep their names.
NAMES = {
    "Mom": "Maman",
    "Dad": "Papa",
    "Grandma": "Mamie",
    "Grandpa": "Papi",
    "Aunt Rosie": "tante Rosie",
    "Uncle Joe": "tonton Joe",
    "the baker": "le boulanger",
    "the old farmer": "la vieille fermière",
    "the gardener": "le jardinier",
    "the teacher": "la maîtresse",
    "the fisherman": "le pêcheur",
    "the shopkeeper": "la marchande",
    "the old sailor": "le vieux marin",
    "the librarian": "la bibliothécaire",
    "the miller": "le meunier",
    "the clockmaker": "le horloger",
    "the weaver": "la tisserande",
    "the doctor": "la docteure",
}

PLACES = table(
    Place,
    """
    garden     | jardin          | m | dans le jardin         | dans le jardin
    park       | parc            | m | au parc                | au parc
    forest     | forêt           | f | dans la forêt          | dans la forêt
    beach      | plage           | f | à la plage             | à la plage
    farm       | ferme           | f | à la ferme             | à la ferme
    market     | marché          | m | au marché              | au marché
    meadow     | pré             | m | dans le pré            | dans le pré
    hill       | colline         | f | sur la colline         | sur la colline
    river      | rivière         | f | au bord de la rivière  | à la rivière
    orchard    | verger          | m | dans le verger         | dans le verger
    harbour    | port            | m | au port                | au port
    playground | terrain de jeux | m | sur le terrain de jeux | au terrain de jeux
    village    | village         | m | dans le village        | au village
    lake       | lac             | m | au bord du lac         | au lac
    castle     | vieux château   | m | dans le vieux château  | au vieux château
    mill       | moulin          | m | au moulin              | au moulin
    """,
)

COLOURS = table(
    Adjective,
    """
    red    | rouge   | rouge
    blue   | bleu    | bleue
    green  | vert    | verte
    yellow | jaune   | jaune
    purple | violet  | violette
    orange | orange  | orange
    white  | blanc   | blanche
    brown  | brun    | brune
    golden | doré    | dorée
    silver | argenté | argentée
    pink   | rose    | rose
    black  | noir    | noire
    grey   | gris    | grise
    """,
)

# French puts these five, and only these, in front of the noun.
SIZES = table(
    Adjective,
    """
    little    | petit   | petite
    big       | grand   | grande
    old       | vieux   | vieille
    new       | nouveau | nouvelle
    beautiful | beau    | belle
    """,
)

FEELINGS = table(
    Adjective,
    """
    sad         | triste        | triste
    worried     | inquiet       | inquiète
    upset       | contrarié     | contrariée
    unhappy     | malheureux    | malheureuse
    miserable   | abattu        | abattue
    gloomy      | morose        | morose
    downcast    | découragé     | découragée
    troubled    | troublé       | troublée
    heartbroken | inconsolable  | inconsolable
    happy       | heureux       | heureuse
    glad        | content       | contente
    proud       | fier          | fière
    cheerful    | gai           | gaie
    joyful      | joyeux        | joyeuse
    delighted   | ravi          | ravie
    thankful    | reconnaissant | reconnaissante
    excited     | excité        | excitée
    relieved    | soulagé       | soulagée
    merry       | enjoué        | enjouée
    content     | satisfait     | satisfaite
    """,
)

TRAITS = table(
    Adjective,
    """
    kind     | gentil      | gentille
    brave    | courageux   | courageuse
    curious  | curieux     | curieuse
    clever   | intelligent | intelligente
    quiet    | calme       | calme
    shy      | timide      | timide
    gentle   | doux        | douce
    funny    | drôle       | drôle
    playful  | joueur      | joueuse
    careful  | prudent     | prudente
    friendly | amical      | amicale
    busy     | occupé      | occupée
    dreamy   | rêveur      | rêveuse
    """,
)

NUMBERS = {
    "two": "deux",
    "three": "trois",
    "four": "quatre",
    "five": "cinq",
    "some": "des",
    "many": "beaucoup de",
}

TIMES = {
    "one day": "un jour",
    "one morning": "un matin",
    "one evening": "un soir",
    "yesterday": "hier",
    "after lunch": "après le déjeuner",
    "on Sunday": "dimanche",
    "last summer": "l'été dernier",
}

SKIES = {
    "It was raining.": "Il pleuvait.",
    "It was snowing.": "Il neigeait.",
    "It was cold.": "Il faisait froid.",
    "It was warm.": "Il faisait chaud.",
    "It was late.": "Il était tard.",
    "It was dark.": "Il faisait nuit.",
    "The sun was shining.": "Le soleil brillait.",
    "The wind was blowing.": "Le vent soufflait.",
}
