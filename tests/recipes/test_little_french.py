"""The French is right, no held-out pair of words was ever trained on, and the model translates."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest

import tinyhf
from tinyhf import AutoModelForSeq2SeqLM, AutoTokenizer
from tinyhf.recipes.little_french import words
from tinyhf.recipes.little_french.grammar import agree, french_group, spell
from tinyhf.recipes.little_french.pairs import PATTERNS, examples, is_held_out, pair
from tinyhf.recipes.little_tales import people, things

pytestmark = pytest.mark.slow

NAME = "tinyhf/little-tales-french"
FOLDER = Path(tinyhf.__file__).parent / "bundled" / "little-tales-french"
UNSEEN_SEED = 20_000_000
NOUNS = words.TOYS + words.THINGS + words.FOODS + words.ANIMALS + words.FAMILY
ADJECTIVES = words.COLOURS + words.SIZES + words.FEELINGS + words.TRAITS


@pytest.fixture(scope="module")
def pairs():
    return [pair(seed) for seed in range(6000)]


@pytest.fixture(scope="module")
def tokenizer():
    return AutoTokenizer.from_pretrained(NAME)


@pytest.fixture(scope="module")
def model():
    return AutoModelForSeq2SeqLM.from_pretrained(NAME, dtype="float32")


def named(word):
    """The row of an English word."""
    return next(row for row in NOUNS + ADJECTIVES if row.english == word)


def test_same_seed_same_pair():
    assert pair(7) == pair(7)
    assert examples(3, seed=5) == examples(3, seed=5)
    assert len({each["en"] for each in examples(500)}) == 500


def test_the_whole_world_has_french():
    assert {toy.name for toy in things.TOYS} == {noun.english for noun in words.TOYS}
    assert {animal.kind for animal in people.ANIMALS} == {noun.english for noun in words.ANIMALS}
    assert {place.name for place in things.PLACES} == {place.english for place in words.PLACES}
    assert {colour.english for colour in words.COLOURS} == set(things.COLOURS)
    feelings = [feeling.word for feeling in people.FEELINGS]
    assert feelings == [feeling.english for feeling in words.FEELINGS]


@pytest.mark.parametrize("somebody", people.GROWN_UPS + people.NEIGHBOURS, ids=str)
def test_the_articles_of_people_fit(somebody):
    article = words.NAMES[somebody.name].split()[0]
    assert article not in ("le", "la") or article == ("la" if somebody.he == "she" else "le")


def test_patterns(pairs):
    assert len(PATTERNS) >= 30
    shape = [(pattern.english, pattern.french) for pattern in PATTERNS]
    assert len(set(shape)) == len(PATTERNS)
    for english, french in shape:
        assert set(re.findall(r"\{(\w+)", french)) == set(re.findall(r"\{(\w+)", english))
    lengths = [len(each.english.split()) for each in pairs]
    assert min(lengths) >= 3
    assert max(lengths) <= 17


@pytest.mark.parametrize(
    ("noun", "size", "colour", "number", "french"),
    [
        ("ball", None, "red", "", "un ballon rouge"),
        ("doll", "little", "green", "", "une petite poupée verte"),
        ("cat", None, "white", "deux", "deux chats blancs"),
        ("mouse", None, "white", "trois", "trois souris blanches"),
        ("bear", "old", "brown", "", "un vieil ours brun"),
        ("bear", "old", None, "deux", "deux vieux ours"),
        ("tree", "beautiful", None, "", "un bel arbre"),
        ("umbrella", "new", "orange", "cinq", "cinq nouveaux parapluies orange"),
        ("kite", None, "golden", "des", "des cerfs-volants dorés"),
        ("scarf", "big", None, "des", "de grandes écharpes"),
        ("scarf", None, None, "beaucoup de", "beaucoup d'écharpes"),
        ("owl", "old", "grey", "", "un vieux hibou gris"),
        ("teddy bear", "beautiful", "pink", "", "un bel ours en peluche rose"),
    ],
)
def test_agreement(noun, size, colour, number, french):
    size, colour = size and named(size), colour and named(colour)
    group = french_group(named(noun), size, colour, number)
    assert spell(group.un) == french[0].upper() + french[1:]


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("happy", "heureux heureuse heureux heureuses"),
        ("friendly", "amical amicale amicaux amicales"),
        ("proud", "fier fière fiers fières"),
        ("sad", "triste triste tristes tristes"),
        ("beautiful", "beau belle beaux belles"),
        ("orange", "orange orange orange orange"),
    ],
)
def test_forms_of_adjectives(word, forms):
    assert [agree(named(word), which) for which in ("m", "f", "mp", "fp")] == forms.split()


@pytest.mark.parametrize(
    ("rough", "right"),
    [
        ("sa écharpe et sa poupée", "Son écharpe et sa poupée"),
        ("le arbre de Anna, la étoile de Hugo", "L'arbre d'Anna, l'étoile d'Hugo"),
        ("de le jardin à le parc", "Du jardin au parc"),
        ("le ballon de le horloger, de le hibou", "Le ballon de l'horloger, du hibou"),
        ("parce que elle se est enfuie", "Parce qu'elle s'est enfuie"),
        ("ce ours. ce chat", "Cet ours. Ce chat"),
        ("« où est le oiseau ? » a dit Mia.", "« Où est l'oiseau ? » a dit Mia."),
    ],
)
def test_spelling(rough, right):
    assert spell(rough) == right


@pytest.mark.parametrize(
    "mistake",
    [
        r"\b([Dd]e|à) les?\b",
        r"\b(le|la|de|ne|que|se|je|ma|ta|sa|ce|beau|nouveau) [aâeéèêiouœAEÉIO]",
        r"'[^aâeéèêiouœhAEÉIOH]",
        r"[\[\]{}|_\"]|  | [.,]|[^ ][?!»]|«[^ ]",
        r"[.!?] [a-zà-ÿœ]",
        r"^[a-zà-ÿœ]",
        r"\b(une|la|sa|ma|ta|cette) \w+ (vert|blanc|gris|noir|bleu|brun|violet|doré|argenté)\b",
        r"\b(un|le|ce) \w+ (verte|blanche|grise|noire|bleue|brune|violette|dorée)\b",
        r"\b(deux|trois|quatre|cinq|les|ses|mes|ces) \w+[^sxà-ÿ\W]\b(?!-)",
        r"\b(Lily|Mia|Anna|Zoe|Maman) est (allé|revenu|resté|rentré|tombé) ",
        r"\b(Tom|Ben|Leo|Papa) est (allée|revenue|restée|rentrée|tombée)\b",
    ],
)
def test_no_such_mistake(pairs, mistake):
    for each in pairs:
        found = re.search(mistake, each.french)
        assert not found, each.french


def test_no_english_in_the_french(pairs):
    """Words of both languages are names and the few that the table has in both columns."""
    both = {noun.english for noun in NOUNS if noun.english in noun.french}
    both |= {colour.english for colour in words.COLOURS if colour.english == colour.masculine}
    both |= {place.english for place in words.PLACES if place.english in place.french}
    both |= {"a", "s", "content", "tables", "crayons", "biscuits", "bracelets"}
    english = {word for each in pairs for word in re.findall(r"\b[a-z]+\b", each.english)} - both
    french = {word for each in pairs for word in re.findall(r"[\w-]+", each.french)}
    assert english & french == set()


def test_held_out_words_never_met_in_training():
    held_out = examples(200, held_out=True)
    assert not {each["en"] for each in held_out} & {each["en"] for each in examples(5000)}
    trained = [pair(seed).words for seed in range(5000)]
    trained = [drawn for drawn in trained if not is_held_out(drawn)]
    met = {two for drawn in trained for two in itertools.combinations(sorted(drawn), 2)}
    assert not any(is_held_out(two) for two in met)
    assert 0.1 < 1 - len(trained) / 5000 < 0.25


def test_the_bundled_folder_is_complete_and_small():
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    wanted = "README.md config.json generation_config.json model.safetensors source.spm target.spm"
    assert {*wanted.split(), "vocab.json", "tokenizer_config.json"} <= set(sizes)
    assert sum(sizes.values()) <= 1_500_000
    facts = json.loads((FOLDER / "training.json").read_text())
    assert f"{facts['held_out_exact_match']:.1%}" in (FOLDER / "README.md").read_text("utf-8")


def test_the_tokenizer_gives_every_sentence_back(tokenizer):
    for each in examples(100, UNSEEN_SEED):
        english, french = tokenizer(each["en"]).input_ids, tokenizer(text_target=each["fr"])
        assert tokenizer.unk_token_id not in english + french.input_ids
        assert tokenizer.decode(french.input_ids, skip_special_tokens=True) == each["fr"]


def test_translates_held_out_sentences(model, tokenizer):
    english, french = zip(
        *[each.values() for each in examples(40, UNSEEN_SEED, held_out=True)], strict=True
    )
    ids = model.generate(**tokenizer(english, padding=True, return_tensors="np"))
    told = tokenizer.batch_decode(ids, skip_special_tokens=True)
    assert sum(one == other for one, other in zip(told, french, strict=True)) >= 39


@pytest.mark.parity
def test_transformers_translates_alike(model, tokenizer):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    theirs = transformers.MarianMTModel.from_pretrained(FOLDER, dtype=torch.float32)
    texts = [each["en"] for each in examples(60, UNSEEN_SEED + 1000, held_out=True)]
    inputs = tokenizer(texts, padding=True, return_tensors="np")
    tensors = {name: torch.tensor(np.asarray(ids)) for name, ids in inputs.items()}
    assert theirs.generate(**tensors).tolist() == model.generate(**inputs).tolist()


@pytest.mark.parity
def test_transformers_reads_the_tokenizer(tokenizer):
    pytest.importorskip("sentencepiece")
    transformers = pytest.importorskip("transformers")
    theirs = transformers.AutoTokenizer.from_pretrained(FOLDER)
    for each in examples(100, UNSEEN_SEED):
        assert theirs(each["en"]).input_ids == tokenizer(each["en"]).input_ids
        target = theirs(text_target=each["fr"]).input_ids
        assert target == tokenizer(text_target=each["fr"]).input_ids
        assert theirs.decode(target, skip_special_tokens=True) == each["fr"]
