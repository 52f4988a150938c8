"""Little tasks: labels are right, held-out examples new, and the bundled models keep their word."""

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import tinyhf
from tests.recipes.little_tasks_card import CARDS
from tests.recipes.little_tasks_scores import SCORES, entities
from tinyhf.recipes.little_tales.people import CHILDREN, FEELINGS
from tinyhf.recipes.little_tales.things import PLACES
from tinyhf.recipes.little_tasks import draws, gaps, questions, sentiment, tags

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
    """Every feeling, "not" and "but" stand in POSITIVE and in NEGATIVE sentences."""
    examples = sentiment.examples(4000)
    for word in [*(row.word for row in FEELINGS), "not", "but", "lost", "wonderful"]:
        labels = {row["label"] for row in examples if re.search(rf"\b{word}\b", row["text"])}
        assert labels == {"POSITIVE", "NEGATIVE"}, word
    positive = sum(row["label"] == "POSITIVE" for row in examples)
    assert 0.45 < positive / len(examples) < 0.55


@pytest.mark.slow
def test_sentiment_of_frames_written_by_hand():
    labels = {row["text"]: row["label"] for row in sentiment.examples(30000)}
    for pattern, label in {
        r"\w+ was not (sad|upset|gloomy)\.": "POSITIVE",
        r"\w+ was not (happy|merry|glad)\.": "NEGATIVE",
        r"\w+ was (sad|upset|gloomy), but then s?he won the race\.": "POSITIVE",
        r"\w+ did not lose the race\.": "POSITIVE",
        r"Although \w+ won the race, \w+ was (sad|upset|gloomy)\.": "NEGATIVE",
    }.items():
        found = {labels[text] for text in labels if re.fullmatch(pattern, text)}
        assert found == {label}, pattern


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
    assert 0.03 < without / len(rows) < 0.2


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
    for key, score in SCORES[name](f"tinyhf/{folder.name}", NUMBER, FRESH).items():
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
