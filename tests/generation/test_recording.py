"""generate(record_steps=…): every number of the tables is checked against the plain outputs."""

import builtins
import logging

import numpy as np
import pytest

from tests import tiny_chatglms, tiny_encoder_decoders, tiny_gpt2s, tiny_llamas
from tinyhf import AutoModelForCausalLM, AutoTokenizer, TorchGenerator
from tinyhf.backend import bfloat16, float32
from tinyhf.errors import ArgumentError, MissingExtraError, NumericsError, note_once
from tinyhf.functional import softmax
from tinyhf.generation import LogitsProcessor
from tinyhf.generation.recorded_steps import ROUNDING

SAMPLING = {
    "do_sample": True,
    "seed": 5,
    "temperature": 1.4,
    "top_k": 12,
    "top_p": 0.9,
    "repetition_penalty": 1.3,
}


def two_rows(model):
    ids = np.array([[0, 0, 7, 8], [5, 6, 7, 8]])
    return {"input_ids": ids, "attention_mask": (ids > 0).astype(np.int64)}


def one_chat(model):
    return {"input_ids": tiny_chatglms.prompt()}


def read_text(model):
    return {k: v for k, v in tiny_encoder_decoders.inputs("t5").items() if "decoder" not in k}


FAMILIES = {
    "llama": (lambda: tiny_llamas.our_llama(), two_rows),
    "gpt2": (lambda: tiny_gpt2s.our_model("gpt2"), two_rows),
    "t5": (lambda: tiny_encoder_decoders.our_model("t5"), read_text),
    "marian": (lambda: tiny_encoder_decoders.our_model("marian"), read_text),
    "chatglm": (lambda: tiny_chatglms.our_chatglm(), one_chat),
}


@pytest.fixture(scope="module", params=FAMILIES)
def model_and_inputs(request):
    make, inputs = FAMILIES[request.param]
    model = make()
    return model, inputs(model)


@pytest.fixture
def llama():
    return tiny_llamas.our_llama(eos_token_id=3)


@pytest.mark.parametrize(
    "settings", [{}, SAMPLING, {**SAMPLING, "num_return_sequences": 3}], ids=str
)
def test_nothing_changes_and_everything_is_kept(model_and_inputs, settings):
    model, inputs = model_and_inputs
    settings = {"max_new_tokens": 7, "output_scores": True, "output_logits": True, **settings}
    plain = model.generate(**inputs, **settings, return_dict_in_generate=True)
    output = model.generate(**inputs, **settings, record_steps=4)
    assert plain.steps is None
    for name in ("sequences", "scores", "logits"):
        np.testing.assert_array_equal(output[name], plain[name])
    start = plain.sequences.shape[1] - len(plain.scores)
    for step in output.steps:
        assert step.token == plain.sequences[step.row, start + step.step]
        logits, scores = (x[step.step][step.row] for x in (plain.logits, plain.scores))
        probabilities = softmax(scores)
        np.testing.assert_array_equal(step.values[:, 0], logits[step.candidates])
        np.testing.assert_array_equal(step.values[:, -1], scores[step.candidates])
        np.testing.assert_array_equal(step.probabilities, probabilities[step.candidates])
        assert sum(step.removed) == np.isneginf(scores).sum() == len(scores) - step.left
        assert step.rank == 1 + (probabilities > probabilities[step.token]).sum()
        assert {*np.argsort(-logits)[:4], step.token, step.runner_up} - {None} <= {*step.candidates}
        assert len(step.stages) == step.values.shape[1] == len(step.removed)
        if not settings.get("do_sample"):
            assert step.rank == 1
            assert step.gap == np.subtract(*np.sort(scores)[:-3:-1])


def test_the_processors_by_name_and_what_each_removed(llama):
    class Ban(LogitsProcessor):
        def __call__(self, input_ids, scores):
            scores[:, 40:50] = -np.inf  # in place: the logits that are kept must not change
            return scores

    def halve(input_ids, scores):
        return scores / 2

    output = llama.generate(
        **two_rows(llama), **SAMPLING, logits_processor=[Ban(), halve], record_steps=True
    )
    step = output.steps.step(1, row=1)
    assert step.stages == (
        *("logits", "RepetitionPenaltyLogitsProcessor", "Ban", "halve"),
        *("TemperatureLogitsWarper", "TopKLogitsWarper", "TopPLogitsWarper"),
    )
    assert step.removed[:6] == [0, 0, 10, 0, 0, 96 - 10 - 12]
    banned = step.removed_candidates(2)
    assert {*banned.tolist()} == {*range(40, 50)} & {*step.candidates.tolist()}
    assert step.removed_candidates(0).size == 0
    before = dict(zip(step.candidates.tolist(), step.values, strict=True))
    assert all(np.isfinite(before[token][:2]).all() for token in banned.tolist())


def test_the_gap_of_a_draw(llama):
    """Worked out again from a stream of the same seed."""
    settings = {**SAMPLING, "max_new_tokens": 5, "output_scores": True, "eos_token_id": None}
    output = llama.generate(**two_rows(llama), **settings, record_steps=True)
    generator = TorchGenerator(settings["seed"])
    for number, scores in enumerate(output.scores):
        race = softmax(scores) / generator.exponential(scores.shape)
        for row in (0, 1):
            step = output.steps.step(number, row)
            second, best = np.argsort(race[row])[-2:]
            assert (step.token, step.runner_up) == (best, second)
            assert step.gap == pytest.approx(1 - race[row, second] / race[row, best], abs=1e-6)


def test_a_generator_goes_on_as_without_recording(llama):
    generators = [TorchGenerator(2, stream="mkl_mcg31") for _ in range(2)]
    for generator, record_steps in zip(generators, (False, True), strict=True):
        llama.generate(
            **two_rows(llama), do_sample=True, generator=generator, record_steps=record_steps
        )
    np.testing.assert_array_equal(generators[0].normal(5), generators[1].normal(5))


def test_a_row_has_no_steps_after_its_end(llama):
    settings = {"do_sample": True, "seed": 1, "eos_token_id": list(range(3, 30)), "pad_token_id": 0}
    output = llama.generate(**two_rows(llama), **settings, max_new_tokens=20, record_steps=True)
    answers = output.sequences[:, 4:]
    lengths = [(row > 0).sum() for row in answers]
    assert lengths[0] != lengths[1]
    for row, length in enumerate(lengths):
        steps = [step for step in output.steps if step.row == row]
        assert [step.token for step in steps] == answers[row, :length].tolist()
        assert [step.step for step in steps] == list(range(length))


def test_how_many_candidates(llama):
    for record_steps, wanted in ((True, 10), (1, 1), (np.int64(5), 5), (500, 96)):
        output = llama.generate([[5]], max_new_tokens=1, record_steps=record_steps)
        assert len(output.steps.step(0).candidates) == max(wanted, 2)  # and the runner-up


@pytest.mark.parametrize("record_steps", [-1, "yes", 2.5, [3]])
def test_what_record_steps_may_be(llama, record_steps):
    with pytest.raises(ArgumentError, match=r"record_steps: not allowed .wanted True, or how many"):
        llama.generate([[5]], record_steps=record_steps)


@pytest.mark.parametrize("settings", [{"num_beams": 2}, {"prompt_lookup_num_tokens": 3}], ids=str)
def test_other_ways_are_not_shown(llama, settings):
    with pytest.raises(ArgumentError, match="record_steps: shows greedy search and samp"):
        llama.generate([[5, 6]], record_steps=True, **settings)


# ---- near-ties -----------------------------------------------------------------------------------


@pytest.fixture
def tied_model(random_model):
    """Token 7 is followed by 11 or by 12, whose scores differ by as much as is asked for."""

    def make(difference, dtype=float32):
        model = random_model()
        model.table[7], model.table[7, 11], model.table[7, 12] = 0, 4, 4 + difference
        model.dtype = dtype
        return model

    return make


@pytest.mark.parametrize("dtype", [float32, bfloat16], ids=str)
def test_a_near_tie_is_reported(tied_model, dtype, caplog):
    note_once.cache_clear()
    bound = 4 * ROUNDING[dtype.name]
    with caplog.at_level(logging.WARNING):
        far = tied_model(1.1 * bound, dtype).generate([[7]], max_new_tokens=1, record_steps=True)
        assert (far.steps.near_ties(), caplog.text) == ([], "")
        for _ in range(2):
            model = tied_model(0.9 * bound, dtype)
            near = model.generate([[7]], max_new_tokens=1, record_steps=True)
    assert caplog.text.count("rounding could have chosen the other one") == 1
    (step,) = near.steps.near_ties()
    assert (step.token, step.runner_up) == (12, 11)
    assert "near-tie" in str(near.steps)
    assert "a near-tie, rounding can be" in near.steps.table(0)
    assert "1 near-ties" in repr(near.steps)


def test_a_near_tie_of_a_draw_is_reported(tied_model):
    class Tie(TorchGenerator):
        def exponential(self, shape):
            return super().exponential(shape) * 0 + 1

    model = tied_model(1e-6)
    model.generation_config.do_sample = True
    output = model.generate([[7]], max_new_tokens=1, record_steps=True, generator=Tie(0))
    assert [step.token for step in output.steps.near_ties()] == [12]


def test_scores_without_another_candidate_or_with_nan(random_model):
    model = random_model()
    model.dtype = float32
    output = model.generate(
        [[7]], max_new_tokens=2, record_steps=True, prefix_allowed_tokens_fn=lambda *_: [9]
    )
    for step in output.steps:
        assert (step.token, step.runner_up, step.left, step.gap) == (9, None, 1, np.inf)
    assert "no other was left" in output.steps.table(0)
    model.table[7, 3] = np.nan
    with pytest.raises(NumericsError, match="row 0, token 1"):
        model.generate([[7]], max_new_tokens=2, record_steps=True)


# ---- tables and pictures -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tale():
    """Two answers of the bundled model, drawn step by step."""
    model = AutoModelForCausalLM.from_pretrained("tinyhf/little-tales")
    tokenizer = AutoTokenizer.from_pretrained("tinyhf/little-tales")
    inputs = tokenizer(["Once upon a time"], return_tensors="np")
    settings = {**SAMPLING, "num_return_sequences": 2, "max_new_tokens": 6}
    return model.generate(**inputs, **settings, record_steps=6, tokenizer=tokenizer)


def test_the_table_of_all_steps(tale):
    header, *lines = str(tale.steps).splitlines()
    columns = "row step id token p rank left gap ahead of"
    assert " ".join(header.split()) == columns
    assert len(lines) == len(tale.steps) == 12
    assert lines[1].split()[:4] == ["0", "1", "480", "'"]
    assert "' there'" in lines[1]
    places = {line.index("'") for line in lines}
    assert places == {header.index("token")}
    assert all(line == line.rstrip() for line in lines)


def test_the_table_of_one_step(tale):
    step = tale.steps.step(4, row=1)
    headline, _, header, *lines, removed = tale.steps.table(4, row=1).splitlines()
    assert headline.startswith("row 1, step 4: ")
    assert header.split() == [
        *("id", "token", "logits", "RepetitionPenalty", "Temperature", "TopK", "TopP", "p")
    ]
    assert len(lines) == len(step.candidates)
    (drawn,) = [line for line in lines if line.startswith("→")]
    assert drawn.split()[1] == str(step.token)
    assert f"{step.probability:.4f}" in drawn
    dashes = sum(line.count("–") for line in lines)
    assert dashes == np.isneginf(step.values).sum() > 0
    assert removed.split()[0] == "removed"
    assert [-int(n) for n in removed.split()[1:]] == [n for n in step.removed if n]


def test_a_notebook_shows_tables(tale):
    assert repr(tale.steps.table()) == str(tale.steps)
    assert tale.steps._repr_html_().startswith("<pre>row")
    assert "&#x27; there&#x27;" in tale.steps._repr_html_()
    assert "steps: <12 steps of 2 rows" in repr(tale)


def test_without_a_tokenizer_there_are_ids(llama):
    steps = llama.generate([[5]], max_new_tokens=2, record_steps=3).steps
    assert "'" not in str(steps)
    assert str(steps.step(0).token) in str(steps)


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ({"step": 6}, "step: row 0 has none .wanted 0 to 5, got 6"),
        ({"step": -1}, "step: row 0 has none"),
        ({"step": "3"}, "step: row 0 has none"),
        ({"step": 0, "row": 2}, "row: there is no such row .wanted 0 to 1, got 2"),
    ],
)
def test_a_step_that_is_not_there(tale, where, sentence):
    for look in (tale.steps.step, tale.steps.table, tale.steps.plot):
        with pytest.raises(ArgumentError, match=sentence):
            look(**where)


def test_the_picture(tale):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    step = tale.steps.step(4, row=1)
    axes = tale.steps.plot(4, row=1)
    before, after = axes.containers
    np.testing.assert_allclose(before.datavalues, step.probabilities_before)
    np.testing.assert_allclose(after.datavalues, step.probabilities)
    red = matplotlib.colors.to_rgba("tab:red")
    (drawn,) = [n for n, bar in enumerate(after) if bar.get_facecolor() == red]
    assert step.candidates[drawn] == step.token
    grey = matplotlib.colors.to_rgba("grey", alpha=0.45)
    assert [bar.get_facecolor() == grey for bar in before] == (step.probabilities == 0).tolist()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[drawn].endswith(str(step.token))
    matplotlib.pyplot.close(axes.figure)


def test_without_matplotlib_the_command_is_named(tale, monkeypatch):
    plain_import = builtins.__import__

    def without_matplotlib(name, *args, **kwargs):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return plain_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_matplotlib)
    with pytest.raises(MissingExtraError, match=r"pip install 'tinyhf\[notebooks\]'"):
        tale.steps.plot(0)
