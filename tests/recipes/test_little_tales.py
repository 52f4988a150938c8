"""The little tales are good English and all different, and the bundled model is complete."""

import json
import re
from pathlib import Path

import pytest
from tokenizers import Tokenizer

import tinyhf
from tinyhf.recipes.little_tales import corpus, story
from tinyhf.recipes.little_tales.first_sentences import first_sentences
from tinyhf.recipes.little_tales.people import CHILDREN, GROWN_UPS, NEIGHBOURS, PET_NAMES
from tinyhf.recipes.little_tales.stories import PLOTS, put_right

pytestmark = pytest.mark.slow

FOLDER = Path(tinyhf.__file__).parent / "bundled" / "little-tales"
FILES = [
    "README.md",
    "config.json",
    "generation_config.json",
    "model-00001-of-00002.safetensors",
    "model-00002-of-00002.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
    "tokenizer_config.json",
]


@pytest.fixture(scope="module")
def stories():
    return corpus(5000, seed=0)


def test_same_seed_same_story():
    assert story(7) == story(7)
    assert corpus(3, seed=5) == [story(5), story(6), story(7)]


def test_stories_are_different(stories):
    """No duplicate among 5,000: were there fewer than 200,000 equally likely stories, some 60
    pairs would be equal (the birthday paradox: n² / 2N)."""
    assert len(set(stories)) == len(stories)


def test_many_words_and_every_plot(stories):
    words = {word.lower() for told in stories for word in re.findall(r"[A-Za-z]+", told)}
    assert len(words) >= 800
    assert len(PLOTS) >= 10


def test_length(stories):
    lengths = [len(told.split()) for told in stories]
    assert min(lengths) >= 90
    assert max(lengths) <= 270


@pytest.mark.parametrize(
    "mistake",
    [
        r"\b[Aa] [aeiouAEIOU]",
        r"\b[Aa]n (?!hour)[^aeiouAEIOU]",
        r"  |\n\n\n| \n|\n ",
        r"[\[\]{}|_]",
        r" [,.!?]|[,.!?][A-Za-z]|[,.]{2}|[.!?],",
        r"[.!?] [a-z]",
        r"\.\" [a-z]",
        r"(^|\s)\"[a-z]",
        r"[^,.!?:]\"(\s|$)",
        r"\b(?P<word>\w+) (?P=word)\b",
    ],
)
def test_no_such_mistake(stories, mistake):
    for told in stories[:1500]:
        found = re.search(mistake, told)
        assert not found, told[found.start() - 40 : found.end() + 40]


def test_paragraphs_end_and_quotes_close(stories):
    for paragraph in (paragraph for told in stories for paragraph in told.split("\n\n")):
        assert re.search(r"[.!?]\"?$", paragraph), paragraph
        assert paragraph.count('"') % 2 == 0, paragraph
        assert paragraph[0].isupper() or paragraph[0] == '"', paragraph


@pytest.mark.parametrize(
    ("he", "others"), [("she", r"he|him|his|himself"), ("he", r"she|her|herself")]
)
def test_pronouns_fit_the_people(stories, he, others):
    """Where everybody in a story is "she", nobody is "he", and the other way round."""
    people = {one.name.lower(): one.he for one in CHILDREN + GROWN_UPS + NEIGHBOURS}
    known = re.compile(rf"\b({'|'.join(people)})\b", re.IGNORECASE)
    animal = re.compile(rf"\b(the little|the old|goose|mother|{'|'.join(PET_NAMES)})\b")
    checked = 0
    for told in stories[:1500]:
        genders = {people[name.lower()] for name in known.findall(told)}
        if genders == {he} and not animal.search(known.sub("", told)):
            checked += 1
            assert not re.search(rf"\b({others})\b", told, re.IGNORECASE), told
    assert checked > 100


def test_put_right():
    rough = 'a  owl sat there. it said, "who is  it?" asked Tom. "me!" it flew. "you!" he cried.'
    right = 'An owl sat there. It said, "Who is it?" asked Tom. "Me!" It flew. "You!" he cried.'
    assert put_right(rough) == right


def test_first_sentences_name_things_again():
    assert first_sentences(1) == first_sentences(1)
    for seed in range(200):
        words = re.findall(r"\w+", first_sentences(seed))
        assert any(words.count(word) > 1 for word in words if word.istitle() or len(word) > 4)


def test_the_bundled_folder_is_complete_and_small():
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(FILES) <= set(sizes)
    assert sum(sizes.values()) <= 4_000_000
    index = json.loads((FOLDER / "model.safetensors.index.json").read_text())
    assert {name for name in sizes if name.endswith(".safetensors")} == set(
        index["weight_map"].values()
    )


def test_the_tokenizer_gives_every_story_back(stories):
    tokenizer = Tokenizer.from_file(str(FOLDER / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == 1536
    for told in stories[:200]:
        ids = tokenizer.encode(told).ids
        assert ids[0] == tokenizer.token_to_id("<s>") == 1
        assert tokenizer.decode(ids) == told
        assert len(ids) < 512
