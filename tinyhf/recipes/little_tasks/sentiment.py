"""Recipe · Sentences with a good or a bad end: POSITIVE or NEGATIVE.

A frame is a sentence with a tone to be chosen: `{felt}` and `{did}` have that tone, `{against}` and
`{undid}` the other one. So every frame is said in both tones, "not" and "but" turn the meaning
round, and no single word gives the label away.
"""

import random

from tinyhf.recipes.little_tales.people import FEELINGS
from tinyhf.recipes.little_tales.stories import make_choices, put_right
from tinyhf.recipes.little_tasks import draws

LABELS = ["NEGATIVE", "POSITIVE"]

FRAMES = [
    "{one} was [very|so|] {felt}.",
    "{one} was not {against} [any more|at all].",
    "{one} was not {against}.",
    "{one} was no longer {against}.",
    "{one} was never {against} again.",
    "{one} was {felt}, and {shown}.",
    "{one} was {felt}, not {against}.",
    "{one} was not {against} but {felt}.",
    "How {felt} {one} was!",
    "{one} and {other} were {felt}.",
    "{one} and {other} were not {against}.",
    "Nobody {at} was {against}.",
    "Everybody {at} was {felt}.",
    "{one} {did}.",
    "{one} {did} {at}.",
    "{one} did not {undo}.",
    "{one} did not {undo} {at}.",
    "{one} {did}, and {he} was {felt}.",
    "{one} was {felt} because {he} {did}.",
    "{one} was {felt} because {he} did not {undo}.",
    "At first {one} was {against}, but then {he} {did}.",
    "{one} was {against}, but then {he} {did}.",
    "{one} {undid}, but in the end {he} was {felt}.",
    "{one} was {against} until {he} {did}.",
    "Although {he} {undid}, {one} was {felt}.",
    "{one} was {felt} although {he} {undid}.",
    "First {one} {undid}, but then {he} {did}.",
    "{one} was {against} before, but now {he} was {felt}.",
    "[Today|Now] I am [very|so|] {felt}.",
    "I am not [{against}|{against} any more|{against} at all].",
    "We are [very|so|] {felt} [about the {thing}|today|to show you the {thing}].",
    "We are not {against} [about the {thing}|today|to show you the {thing}].",
    '"I am [very|so|] {felt}," said {one}.',
    '"I am not {against}," said {one}.',
    "{one} {liked} {it}.",
    "I {like} {it}[!|.]",
    "I [do not|don't] {dislike} {it}.",
    "{it} [is|was] [very|really|] {praised}[!|.]",
    "{it} [is|was] not [{blamed}|{blamed} at all].",
    "What a {praised} [day|story|present|song|idea|place]!",
    "{one} said that {it} was {praised}.",
    "{one} thought that {it} was not {blamed}.",
    "I think that {it} is {praised}.",
    "I do not think that {it} is {blamed}.",
    "We had a {praised} day {at}.",
    "It was not a {blamed} [day|story|present|song|idea|place].",
    "First {it} was {blamed}, but now it is {praised}.",
    "{it} was {praised}, and {one} was {felt}.",
    "{one} [felt|seemed|looked] {felt}.",
    "{one} [felt|seemed|looked] {felt}, for {he} {did}.",
    "{one} did not [feel|look|seem] {against}.",
    "{one} is [very|so|] {felt} today.",
    "{one} told {other} that {he} {did}.",
    "Now {one} has no reason to be {against}.",
]
#: Never trained on; how well the labels carry over to another way of speaking.
NEW_FRAMES = [
    "Everyone could see how {felt} {one} had become.",
    "It is a pity for those who are {against}, but {one} was {felt}.",
    "When {one} {did}, {he} stopped being {against}.",
    "{other} asked whether {one} was {against}, and {one} said no.",
    "{one} hoped to be {felt}, and so it was.",
    "Nothing about {it} was {blamed}.",
    "Far from being {against}, {one} was {felt}.",
]

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
        had to give the {thing} back | have to give the {thing} back
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
    "bad": [("hated", "hate"), ("disliked", "dislike"), ("feared", "fear"), ("missed", "miss")],
}
OPINIONS = {
    "good": draws.words("wonderful lovely beautiful great good nice fine sweet pretty funny"),
    "bad": draws.words("terrible bad horrible boring ugly nasty dreadful poor silly frightening"),
}
SUBJECTS = [
    "the {thing}", "this {thing}", "the {place}", "this place", "this story", "this book",
    "the song", "the weather", "this game", "the cake", "my {thing}", "your {thing}", "it", "this",
]  # fmt: skip


def sentence(rng, held_out=False, frames=FRAMES):
    """One labelled sentence, as {"text": ..., "label": "POSITIVE"}."""
    frame = rng.choice(frames)
    tone = rng.choice(["good", "bad"])
    other_tone = "bad" if tone == "good" else "good"
    one, other = draws.people(rng, held_out, 2)
    felt, against = (feeling(rng, held_out, frame, which) for which in (tone, other_tone))
    did, undid = (choose(rng, held_out, frame, HAPPENINGS[which]) for which in (tone, other_tone))
    like, dislike = (rng.choice(LIKING[which]) for which in (tone, other_tone))
    thing, place = draws.thing(rng, held_out, one), draws.place(rng, held_out, one)
    words = {
        "felt": felt.word,
        "shown": felt.shown,
        "against": against.word,
        "did": did[0],
        "undid": undid[0],
        "undo": undid[1],
        "liked": like[0],
        "like": like[1],
        "dislike": dislike[1],
        "praised": choose(rng, held_out, frame, OPINIONS[tone]),
        "blamed": choose(rng, held_out, frame, OPINIONS[other_tone]),
        "it": rng.choice(SUBJECTS),
    }
    world = {"thing": thing, "a_thing": draws.with_article(thing), "place": place, "at": place.at}
    world |= {"one": one, "other": other, "he": one.he, "him": one.him, "his": one.his}
    text = make_choices(frame, rng)
    for fields in (words | _unchanged(world), world):  # a happening may speak of the world
        text = text.format(**fields)
    return {"text": put_right(text), "label": "POSITIVE" if tone == "good" else "NEGATIVE"}


def _unchanged(fields):
    return {name: f"{{{name}}}" for name in fields}


def choose(rng, held_out, frame, table):
    """A row that may stand in this frame."""
    return rng.choice(draws.share(table, held_out, frame))


def feeling(rng, held_out, frame, tone):
    """A feeling of this tone."""
    return choose(rng, held_out, frame, [row for row in FEELINGS if row.tone == tone])


def examples(number, seed=0, held_out=False, frames=FRAMES):
    """`number` labelled sentences; held-out ones put words into frames where they never stood."""
    rng = random.Random(f"sentiment {seed}")
    return [sentence(rng, held_out, frames) for _ in range(number)]
