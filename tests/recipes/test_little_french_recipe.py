"""The recipe of little-tales-french, in small: stopped and gone on with, saved, and described."""

import itertools
import json

import numpy as np
import pytest

from tinyhf import AutoModelForSeq2SeqLM, AutoTokenizer, DataCollatorForSeq2Seq
from tinyhf.recipes.little_french import card, train

pytestmark = pytest.mark.slow

PAIRS, PASSES, BATCH_SIZE = 440, 2, 4
STEPS, LAST_CHECKPOINT, STOPPED_AT = 220, 200, 205


class StoppedCollator(DataCollatorForSeq2Seq):
    """Somebody presses Ctrl-C while it trains."""

    calls = itertools.count()

    def __call__(self, features):
        if next(self.calls) == STOPPED_AT:
            raise KeyboardInterrupt
        return super().__call__(features)


def make(monkeypatch, folder):
    """The command, as a user types it."""
    sizes = ["--pairs", str(PAIRS), "--passes", str(PASSES)]
    monkeypatch.setattr("sys.argv", ["train", "--folder", str(folder), *sizes])
    train.main()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The model made in one go, and the model made in two."""
    whole, in_two = (tmp_path_factory.mktemp(name) for name in ("whole", "in_two"))
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(train, "BATCH_SIZE", BATCH_SIZE)
        monkeypatch.setitem(train.SIZES, "d_model", 24)
        monkeypatch.setattr(card, "TESTED", 20)
        make(monkeypatch, whole)
        with pytest.raises(KeyboardInterrupt), monkeypatch.context() as stopping:
            stopping.setattr(train, "DataCollatorForSeq2Seq", StoppedCollator)
            make(stopping, in_two)
        (checkpoint,) = (in_two / "checkpoints").iterdir()
        assert checkpoint.name == f"checkpoint-{LAST_CHECKPOINT}"
        make(monkeypatch, in_two)
    return whole, in_two


def test_in_two_as_in_one_go(folders):
    weights, facts = (
        [(folder / name).read_bytes() for folder in folders]
        for name in ("model.safetensors", "training.json")
    )
    assert weights[0] == weights[1]
    one, other = ({**json.loads(text), "seconds": None} for text in facts)
    assert one == other
    assert one["steps"] == STEPS


def test_it_learns(folders):
    curve = json.loads((folders[0] / "training.json").read_text())["loss_curve"]
    assert curve[-1][1] < 0.7 * curve[0][1]


def test_what_is_saved_can_be_loaded(folders):
    tokenizer = AutoTokenizer.from_pretrained(folders[0])
    model = AutoModelForSeq2SeqLM.from_pretrained(folders[0], dtype="auto")
    assert {array.dtype for array in model.state_dict().values()} == {np.dtype("float16")}
    assert model.generation_config.decoder_start_token_id == tokenizer.pad_token_id
    ids = tokenizer(text_target="Papa n'avait pas de poupée.").input_ids
    assert tokenizer.decode(ids, skip_special_tokens=True) == "Papa n'avait pas de poupée."


def test_the_card(folders):
    text = (folders[0] / "README.md").read_text("utf-8")
    facts = json.loads((folders[0] / "training.json").read_text())
    assert f"--pairs {PAIRS} --passes {PASSES} --seed 0" in text
    assert f"{facts['held_out_exact_match']:.1%} of 20 held-out sentences" in text
    assert f"in {STEPS} steps of {BATCH_SIZE} pairs" in text


def test_a_finished_model_is_left_alone(folders, monkeypatch):
    with pytest.raises(SystemExit, match="finished"):
        make(monkeypatch, folders[0])
