"""Recipe · A short paragraph, a question about it, and the words of the paragraph that answer it.

The paragraph is made of facts about different people (`facts.py`). An answer is a piece of the
text, so it is known where it begins. One question in four asks about something that the paragraph
does not tell, and has no answer; so a model learns to look for more than any colour or feeling.
"""

import random
import re

from tinyhf.recipes.little_tales.people import ANIMALS, FEELINGS
from tinyhf.recipes.little_tales.stories import make_choices, put_right
from tinyhf.recipes.little_tasks import draws
from tinyhf.recipes.little_tasks.facts import FACTS, Scene, saying_who_i_am

NO_ANSWER_SHARE = 0.25
GOOD, BAD = ([feeling for feeling in FEELINGS if feeling.tone == tone] for tone in ("good", "bad"))


def draw_scenes(rng, held_out, number):
    """`number` scenes; two may be at the same place or have the same toy."""
    cast = draws.people(rng, held_out, 2 * number)
    for one, other, *rest in zip(
        cast[:number],
        cast[number:],
        *(rng.sample(table, number) for table in (GOOD, BAD, ANIMALS)),
        strict=True,
    ):
        thing, place = draws.thing(rng, held_out, one), draws.place(rng, held_out, one)
        yield Scene(one, other, thing, place, draws.town(rng, held_out), *rest)


def scenes(rng, held_out, number):
    """`number` scenes that share nothing, so that a question has one answer."""
    while True:
        drawn = list(draw_scenes(rng, held_out, number))
        alone = ({getattr(scene, field) for scene in drawn} for field in ("toy", "place", "town"))
        if all(len(different) == number for different in alone):
            return drawn


def paragraph(rng, held_out):
    """A paragraph, and its (question, answer, where it begins); the last fact is left untold."""
    facts = rng.sample(FACTS, rng.choice([1, 2, 3, 4]) + 1)
    text, asked = "", []
    for fact, scene in zip(facts, scenes(rng, held_out, len(facts)), strict=True):
        told, questions = fact(rng, scene)
        told = put_right(make_choices(told, rng))
        if fact is facts[-1]:
            break
        begin = len(text)
        asked += [
            (question, answer, begin + re.search(rf"\b{re.escape(answer)}\b", told).start())
            for question, answer in questions
        ]
        text += told + " " + (scene.place.view + " " if rng.random() < 0.1 else "")
    untold = [] if fact is saying_who_i_am else [question for question, _ in questions]
    return text.strip(), asked, untold


def question(rng, held_out=False):
    """One question, as a row of SQuAD: context, question, answers."""
    context, asked, untold = paragraph(rng, held_out)
    if untold and rng.random() < NO_ANSWER_SHARE:
        text, answers = rng.choice(untold), {"text": [], "answer_start": []}
    else:
        text, answer, begin = rng.choice(asked)
        answers = {"text": [answer], "answer_start": [begin]}
    return {"context": context, "question": make_choices(text, rng), "answers": answers}


def examples(number, seed=0, held_out=False):
    """`number` questions; held-out ones are about new names, and things with new owners."""
    rng = random.Random(f"questions {seed}")
    return [question(rng, held_out) for _ in range(number)]
