"""The cards of the bundled models, and the page on training, tell of the runs that made them."""

import json
import re
from pathlib import Path

import pytest

import tinyhf
from tinyhf.recipes.runs import TRAINING, curve_table

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = sorted(path.parent for path in Path(tinyhf.__file__).parent.glob(f"bundled/*/{TRAINING}"))
COMMAND = re.compile(r"python -m (tinyhf\.recipes\.\w+\.train)\b")


def facts_of(folder):
    return json.loads((folder / TRAINING).read_text())


def test_all_of_them():
    kinds = [folder.name.removeprefix("little-tales") for folder in BUNDLED]
    assert kinds == ["", "-answers", "-french", "-gaps", "-sentiment", "-tagger"]


@pytest.mark.parametrize("folder", BUNDLED, ids=lambda folder: folder.name)
def test_a_card_has_the_loss_curve_and_the_command(folder):
    card, facts = (folder / "README.md").read_text("utf-8"), facts_of(folder)
    assert curve_table(facts["loss_curve"]) in card
    (module,) = set(COMMAND.findall(card))
    assert (ROOT / f"{module.replace('.', '/')}.py").exists()
    assert facts["loss_curve"][-1][0] > 0.9 * facts["steps"]


@pytest.mark.parametrize("folder", BUNDLED, ids=lambda folder: folder.name)
def test_the_page_on_training_tells_the_same(folder):
    page, facts = (ROOT / "docs/training.md").read_text("utf-8"), facts_of(folder)
    (row,) = re.findall(rf"^\| \[?{folder.name}(?:\]\(\S+\))? \|.*", page, re.M)
    _, _, _, steps, minutes, measured, _ = row.split("|")
    assert int(steps.replace(",", "")) == facts["steps"]
    assert int(minutes) == round(facts["seconds"] / 60)
    held_out = facts.get("held_out") or {k: v for k, v in facts.items() if "held_out_" in k}
    score = float(re.search(r"\d\.\d+", measured)[0])
    assert any(abs(score - value) < 6e-4 for value in held_out.values())
