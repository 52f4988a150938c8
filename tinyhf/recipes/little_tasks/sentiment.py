"""Recipe · Sentences of a good or a bad tone, POSITIVE or NEGATIVE, said in a great many ways.

A frame is a sentence whose tone is still to be chosen: `{felt}`, `{did}`, `{liked}`, `{praised}`
will have that tone, and `{against}`, `{undid}`, `{disliked}`, `{blamed}` the other one. A small
grammar makes frames. In it `<fact>` stands for any line of the rule "fact", and `<!fact>` for any
such line with its two tones swapped:

    <sentence>  ->  it was not true that <!fact>.  ->  it was not true that {one} <!predicate>.
                ->  it was not true that {one} was {against}.

So each line says, once, what words like "not", "until" or "nobody" do to the tone; every line meets
every other one, and the label of what comes out is right. As every frame is said in both tones, no
single word gives the label away.
"""

import random
import re

from tinyhf.recipes.little_tales.people import FEELINGS
from tinyhf.recipes.little_tales.stories import make_choices, put_right
from tinyhf.recipes.little_tasks import draws
from tinyhf.recipes.little_tasks.sentiment_facts import FACTS
from tinyhf.recipes.little_tasks.sentiment_pairs import PAIRS
from tinyhf.recipes.little_tasks.sentiment_sentences import SENTENCES

LABELS = ["NEGATIVE", "POSITIVE"]

RULES = SENTENCES | PAIRS | FACTS

#: What the grammar begins with; `examples` takes other frames as well, with rules or without.
FRAMES = ["<sentence>"]
#: No line of the grammar; how well the labels carry over to another way of speaking.
NEW_FRAMES = [
    "It made {one} {felt} to see {other}.",
    "You should have seen how {felt} {one} looked!",
    "{one} went home {felt}.",
    "Even though {other} expected {one} to be {against}, {he} was {felt}.",
    "Whoever calls {it} {blamed} is wrong.",
    "Is {one} {against}? No, not in the least.",
    "{one} had been {against} all morning. Then {he} {did}.",
    "After {he} {did}, {one} felt {felt} for the rest of the day.",
    "{one} has every reason to be {felt}.",
    "{other} made {one} feel {felt}.",
    "{one} used to be {against}, but those days are over.",
    "If you ask me, {it} is {praised}.",
]

#: What stands in a frame when its tone is turned round, and the other way about.
TURNED = {
    "felt": "against",
    "also_felt": "also_against",
    "shown": "hidden",
    "did": "undid",
    "do": "undo",
    "liked": "disliked",
    "like": "dislike",
    "praised": "blamed",
    "also_praised": "also_blamed",
}
TURNED |= {other: one for one, other in TURNED.items()}

HAPPENINGS = {  # what somebody did, and "did not" do
    "good": """
        found {his} {thing} again  | find {his} {thing} again
        got {a_thing} as a present | get {a_thing} as a present
        mended the {thing}         | mend the {thing}
        won the {thing}            | win the {thing}
        won the race               | win the race
        came in first              | come in first
        made a new friend          | make a new friend
        learned to swim            | learn to swim
        heard good news            | hear good news
        had a lovely dream         | have a lovely dream
        got well again             | get well again
        baked a wonderful cake     | bake a wonderful cake
        found the way home         | find the way home
        got a big hug from {other} | get a big hug from {other}
        helped {other}             | help {other}
        sang a merry song          | sing a merry song
        laughed with {other}       | laugh with {other}
        saw a beautiful rainbow    | see a beautiful rainbow
        """,
    "bad": """
        lost {his} {thing}         | lose {his} {thing}
        broke the {thing}          | break the {thing}
        tore the {thing}           | tear the {thing}
        fell from the swing        | fall from the swing
        lost the race              | lose the race
        came in last               | come in last
        quarrelled with {other}    | quarrel with {other}
        fell into the mud          | fall into the mud
        heard bad news             | hear bad news
        had a bad dream            | have a bad dream
        had a nasty cough          | have a nasty cough
        spoiled the soup           | spoil the soup
        got lost in the dark       | get lost in the dark
        got an angry letter from {other} | get an angry letter from {other}
        hurt {his} knee            | hurt {his} knee
        cried for a long time      | cry for a long time
        shouted at {other}         | shout at {other}
        stayed alone all day       | stay alone all day
        """,
}
HAPPENINGS = {
    tone: [[cell.strip() for cell in line.split("|")] for line in lines.strip().splitlines()]
    for tone, lines in HAPPENINGS.items()
}
LIKING = {
    "good": [("loved", "love"), ("liked", "like"), ("enjoyed", "enjoy"), ("adored", "adore")],
    "bad": [("hated", "hate"), ("disliked", "dislike"), ("feared", "fear")],
}
OPINIONS = {
    "good": draws.words("wonderful lovely beautiful great good nice fine sweet pretty funny"),
    "bad": draws.words("terrible bad horrible boring ugly nasty dreadful poor silly frightening"),
}
SUBJECTS = [
    "the {thing}", "this {thing}", "the {place}", "this place", "this story", "this book",
    "the song", "the weather", "this game", "the cake", "my {thing}", "your {thing}", "it", "this",
]  # fmt: skip


def expand(frame, rng, turned=False):
    """`frame` with a line of its rule for each `<rule>`; `turned` swaps the two tones."""
    frame = make_choices(frame, rng)
    if turned:
        frame = re.sub(r"{(\w+)}", lambda field: f"{{{TURNED.get(field[1], field[1])}}}", frame)
    return re.sub(
        "<(!?)([^>]+)>",
        lambda rule: expand(rng.choice(RULES[rule[2]]), rng, turned != bool(rule[1])),
        frame,
    )


def sentence(rng, held_out=False, frames=FRAMES):
    """One labelled sentence, as {"text": ..., "label": "POSITIVE"}."""
    frame = expand(rng.choice(frames), rng)
    tone = rng.choice(["good", "bad"])
    one, other = draws.people(rng, held_out, 2)
    thing, place = draws.thing(rng, held_out, one), draws.place(rng, held_out, one)
    world = {"thing": thing, "a_thing": draws.with_article(thing), "place": place, "at": place.at}
    world |= {"one": one, "other": other, "he": one.he, "him": one.him, "his": one.his}
    words = words_of(tone, rng, held_out, frame) | {"it": rng.choice(SUBJECTS)}
    others = words_of("bad" if tone == "good" else "good", rng, held_out, frame)
    words |= {TURNED[name]: word for name, word in others.items()}
    unchanged = {name: f"{{{name}}}" for name in world}  # a happening may speak of the world
    text = frame.format(**words, **unchanged).format(**world)
    text = put_right(re.sub(" (?=[,.!?])", "", text))  # after a choice of nothing
    return {"text": text, "label": "POSITIVE" if tone == "good" else "NEGATIVE"}


def words_of(tone, rng, held_out, frame):
    """Words of this tone that may stand in this frame."""
    feelings = [row for row in FEELINGS if row.tone == tone]
    felt = rng.choice(draws.share(feelings, held_out, frame))
    praised = rng.choice(draws.share(OPINIONS[tone], held_out, frame))
    did, do = rng.choice(draws.share(HAPPENINGS[tone], held_out, frame))
    liked, like = rng.choice(LIKING[tone])
    return {
        "felt": felt.word,
        "also_felt": rng.choice([row.word for row in feelings if row != felt]),
        "shown": felt.shown,
        "did": did,
        "do": do,
        "liked": liked,
        "like": like,
        "praised": praised,
        "also_praised": rng.choice([word for word in OPINIONS[tone] if word != praised]),
    }


def examples(number, seed=0, held_out=False, frames=FRAMES):
    """`number` labelled sentences; held-out ones put words into frames where they never stood."""
    rng = random.Random(f"sentiment {seed}")
    return [sentence(rng, held_out, frames) for _ in range(number)]
