"""Little tasks: labels are right, held-out examples new, and the bundled models keep their word."""

import json
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import numpy as np
import pytest

import tinyhf
from tinyhf.recipes.little_tales.people import CHILDREN, FEELINGS
from tinyhf.recipes.little_tales.things import PLACES
from tinyhf.recipes.little_tasks import draws, gaps, questions, sentiment, tags
from tinyhf.recipes.little_tasks.card import CARDS
from tinyhf.recipes.little_tasks.scores import SCORES, entities

TASKS = [gaps, sentiment, tags, questions]
ROOT = Path(tinyhf.__file__).parents[1]
BUNDLED = ROOT / "tinyhf" / "bundled"
FRESH = 7  # a seed that neither training nor a card has used
NUMBER = 300


def text_of(example):
    return example.get("text") or f"{example['context']} {example['question']}"


def new_names(examples):
    """Names that are not the tales' own."""
    names = {one.name for one in draws.NAMES}
    return {word for row in examples for word in re.findall(r"\w+", text_of(row))} & names


@pytest.mark.parametrize("task", TASKS)
def test_same_seed_same_examples(task):
    assert task.examples(5, seed=3) == task.examples(5, seed=3) != task.examples(5, seed=4)
    assert task.examples(5) == task.examples(9)[:5]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "mistake", [r"  | $", r" [,.!?]", r"[{}|]", r"\b[Aa] [aeiou]", r"\. [a-z]"]
)
def test_no_such_mistake(task, mistake):
    for row in task.examples(NUMBER):
        assert not re.search(mistake, text_of(row)), row


@pytest.mark.slow
@pytest.mark.parametrize("task", [sentiment, tags, questions])
def test_held_out_names_are_new(task):
    trained, held_out = (new_names(task.examples(800, held_out=held)) for held in (False, True))
    assert len(held_out) > 50
    assert not trained & held_out


@pytest.mark.parametrize("table", [draws.THINGS, draws.NAMES, draws.TOWNS, PLACES, FEELINGS])
def test_shares_divide_a_table(table):
    for owner in ("", "Lily", "Tom", "Mia"):
        trained, held_out = (draws.share(table, held, owner) for held in (False, True))
        assert not [row for row in trained if row in held_out]
        assert len(trained) + len(held_out) == len(table)
        assert 0.1 < len(held_out) / len(table) < 0.3


def test_no_name_is_twice_or_in_the_tales():
    names = [one.name for one in draws.NAMES + CHILDREN]
    assert len(set(names)) == len(names)


@pytest.mark.slow
def test_held_out_pairs_are_new():
    """A child of the tales never stands beside the same coloured toy in both."""

    def pairs(examples):
        found = set()
        for row in examples:
            spans = [" ".join(row["words"][a:b]) for a, b, _ in sorted(entities(row["tags"]))]
            labels = [label for *_, label in sorted(entities(row["tags"]))]
            if labels == ["PER", "OBJ"]:
                found.add(tuple(spans))
        return found

    trained, held_out = (
        pairs([tags.read_marks(tags.marked_sentence(rng, held)) for _ in range(4000)])
        for held, rng in ((False, tags.random.Random(0)), (True, tags.random.Random(1)))
    )
    assert len(held_out) > 50
    assert not trained & held_out


def test_a_gap_hides_one_word():
    for row in gaps.examples(50):
        assert row["text"].count("[MASK]") == 1
        assert re.fullmatch(r"\w+", row["answer"])


@pytest.mark.slow
def test_no_single_word_gives_the_sentiment_away():
    """Every word, "not" and "sad" like any other, stands in both labels, in neither far more."""
    seen = {"POSITIVE": Counter(), "NEGATIVE": Counter()}
    for row in sentiment.examples(10000):
        seen[row["label"]].update(set(re.findall(r"\w+", row["text"])))
    for word, number in sum(seen.values(), Counter()).items():
        likely = 4 * (0.25 / number) ** 0.5  # so far off by chance, once in thousands of words
        assert abs(seen["POSITIVE"][word] / number - 0.5) < 0.1 + likely, word


@pytest.mark.slow
def test_sentiment_of_sentences_written_by_hand():
    labels = {row["text"]: row["label"] for row in sentiment.examples(30000)}
    good, bad = (
        "|".join(row.word for row in FEELINGS if row.tone == tone) for tone in ("good", "bad")
    )
    undid = "|".join(undid for undid, _ in sentiment.HAPPENINGS["bad"])
    do = "|".join(do for _, do in sentiment.HAPPENINGS["good"])
    for pattern, label in {
        rf"(?!Nobody)\w+ was ({bad})\.": "NEGATIVE",
        rf"(Nobody|No one) was ({bad})\.": "POSITIVE",
        rf"(Nobody|No one) was ({good})\.": "NEGATIVE",
        rf"\w+ was not ({bad})\.": "POSITIVE",
        rf"\w+ was not ({good})\.": "NEGATIVE",
        rf"Neither \w+ nor \w+ was ({good})\.": "NEGATIVE",
        rf"\w+ would be ({bad}) without \w+\.": "POSITIVE",
        rf"Who was ({bad})\? Not \w+\.": "POSITIVE",
        rf"\w+ was ({bad}), but not \w+\.": "POSITIVE",
        rf"\w+ was ({good}), and so was \w+\.": "POSITIVE",
        rf"Before s?he [^,]+, \w+ was ({bad})\.": "POSITIVE",
        rf"\w+ (almost|nearly) ({undid})\.": "POSITIVE",
        rf"\w+ (failed to|could not|was not able to) ({do})\.": "NEGATIVE",
    }.items():
        found = {labels[text] for text in labels if re.fullmatch(pattern, text)}
        assert found == {label}, pattern


def test_the_sentiment_grammar_is_whole():
    """Every rule that a line names is there, and every rule but the first is named."""
    lines = [line for rule in sentiment.RULES.values() for line in rule]
    assert set(re.findall("<!?([^>]+)>", " ".join(lines))) | {"sentence"} == set(sentiment.RULES)


@pytest.mark.parametrize(
    "frame, turned", [("{one} was {felt}.", False), ("{one} was {against}.", True)]
)
def test_turning_swaps_the_tones(frame, turned):
    assert sentiment.expand(frame, Random(0), turned) == "{one} was {felt}."


def test_marks_are_read():
    row = tags.read_marks("[PER Aunt Rosie] lost [PER Tom]'s [OBJ red kite] in the [LOC park].")
    assert row["text"] == "Aunt Rosie lost Tom's red kite in the park."
    assert list(zip(row["words"], row["tags"], strict=True)) == [
        ("Aunt", "B-PER"),
        ("Rosie", "I-PER"),
        ("lost", "O"),
        ("Tom", "B-PER"),
        ("'", "O"),
        ("s", "O"),
        ("red", "B-OBJ"),
        ("kite", "I-OBJ"),
        ("in", "O"),
        ("the", "O"),
        ("park", "B-LOC"),
        (".", "O"),
    ]


def test_tags_are_bio():
    for row in tags.examples(NUMBER):
        assert len(row["words"]) == len(row["tags"])
        assert set(row["tags"]) <= set(tags.LABELS)
        for before, tag in pairwise(["O", *row["tags"]]):
            assert tag[0] != "I" or before[1:] == tag[1:]
        assert "".join(row["words"]) == row["text"].replace(" ", "")


def test_answers_stand_in_the_text():
    rows = questions.examples(NUMBER)
    for row in rows:
        for text, begin in zip(*row["answers"].values(), strict=True):
            assert row["context"][begin : begin + len(text)] == text
            assert not re.match(r"\w\w", row["context"][begin - 1 : begin + 1]), row
    without = sum(not row["answers"]["text"] for row in rows)
    assert 0.15 < without / len(rows) < 0.35


def run_command(*arguments):
    command = [sys.executable, "-m", "tinyhf.recipes.little_tasks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_the_command_shows_examples(task):
    name = task.__name__.rpartition(".")[2]
    shown = run_command(name, "--examples", "2", "--held-out").stdout
    assert [json.loads(line) for line in shown.splitlines()] == task.examples(2, held_out=True)


@pytest.mark.slow
def test_the_command_names_the_tasks():
    refused = run_command("poems")
    assert refused.returncode == 2
    assert "invalid choice: 'poems'" in refused.stderr
    assert "sentiment" in refused.stderr


@pytest.mark.parametrize("name", SCORES)
def test_the_bundled_folder_is_complete_and_small(name):
    sizes = {
        path.name: path.stat().st_size for path in (BUNDLED / f"little-tales-{name}").iterdir()
    }
    assert set(sizes) == {
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "training.json",
    }
    assert sum(sizes.values()) <= 1_500_000


@pytest.mark.slow
@pytest.mark.parametrize("name", SCORES)
def test_the_model_does_what_its_card_says(name):
    """On fresh held-out examples, less what so few examples may be off by chance."""
    folder = BUNDLED / f"little-tales-{name}"
    claims = json.loads((folder / "training.json").read_text())["held_out"]
    card = (folder / "README.md").read_text()
    for key, score in SCORES[name](f"tinyhf/{folder.name}", NUMBER, FRESH).scores.items():
        assert f"| {CARDS[name]['scores'][key]} | {claims[key]:.3f} |" in card
        chance = 3 * (claims[key] * (1 - claims[key]) / NUMBER) ** 0.5
        assert score >= claims[key] - 0.02 - chance, key


@pytest.mark.parity
@pytest.mark.parametrize("name", SCORES)
def test_transformers_reads_it_alike(name):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    folder = BUNDLED / f"little-tales-{name}"
    (architecture,) = json.loads((folder / "config.json").read_text())["architectures"]
    texts = ["Who lost a red kite?", "Lily was sad because [MASK] had lost her red kite."]
    inputs, scores = [], []
    for library, tensors, options in (
        (tinyhf, "np", {}),
        (transformers, "pt", {"dtype": torch.float32}),
    ):
        tokenizer = library.AutoTokenizer.from_pretrained(folder)
        model = getattr(library, architecture).from_pretrained(folder, **options)
        inputs.append(tokenizer(*texts, return_tensors=tensors))
        with torch.no_grad():
            scores.append(np.asarray(model(**inputs[-1])[0]))
    for column in ("input_ids", "token_type_ids", "attention_mask"):
        np.testing.assert_array_equal(*(np.asarray(one[column]) for one in inputs))
    np.testing.assert_allclose(*scores, atol=1e-4)
