"""Two runs side by side: what counts as equal, what is read, what is said."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

import tinyhf
from tests import tiny_encoder_decoders, tiny_encoders, tiny_gpt2s
from tests.tiny_chatglms import our_chatglm, prompt
from tests.tiny_llamas import inputs, our_llama
from tinyhf.errors import ArgumentError, CheckpointError

TEXT = {name: x for name, x in inputs(3, 9).items() if name != "labels"}
ATTENTION = "model.layers.0.self_attn"
IDS = {"input_ids": inputs(3, 9, 60)["input_ids"]}
FAMILIES = {
    "llama": (our_llama, IDS),
    "llama, yarn": (lambda: our_llama("yarn"), IDS),
    "gpt2": (lambda: tiny_gpt2s.our_model("gpt2"), IDS),
    "bigcode": (lambda: tiny_gpt2s.our_model("bigcode"), IDS),
    **{
        name: (lambda name=name: tiny_encoders.our_encoder(name), tiny_encoders.inputs(name))
        for name in ("BertForMaskedLM", "DistilBertForMaskedLM", "RobertaForMaskedLM")
    },
    **{
        name: (lambda name=name: tiny_encoder_decoders.our_model(name), encoded)
        for name in ("t5 gated", "bart", "marian")
        if (encoded := tiny_encoder_decoders.inputs(name))
    },
    "chatglm": (our_chatglm, {"input_ids": prompt()}),
}


def traced(model, text=TEXT):
    with tinyhf.trace(model) as t:
        model(**text)
    return t


@pytest.fixture(scope="module")
def right():
    return traced(our_llama())


def changed(t, **values):
    """The values of a trace, some of them functions of what they were."""
    names = {own: next(name for name in t if name.endswith(own)) for own in values}
    return dict(t) | {names[own]: change(t[names[own]]) for own, change in values.items()}


# ---- equal, rounding, different ------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")  # float64's lowest number
@pytest.mark.parametrize("family", FAMILIES)
def test_another_width_is_rounding(family):
    """float64 gives the same numbers, rounded elsewhere, and is no leak where all is float64."""
    make, text = FAMILIES[family]
    narrow, wide = make(), make()
    for name, weight in wide.state_dict().items():
        wide.set_parameter(name, weight.astype("float64"))
    wide.tie_weights()
    result = tinyhf.compare(narrow, wide, inputs=text)
    assert result, result.summary()
    assert {stage.verdict for stage in result.stages} == {"equal", "rounding"}
    assert not result.only_a and not result.only_b
    assert max(stage.error for stage in result.stages) > 0


def test_the_same_twice_is_equal(right):
    result = tinyhf.compare(right, our_llama())
    assert result and {stage.verdict for stage in result.stages} == {"equal"}
    assert result.first is result.place is result.hint is None
    assert "No difference at all." in repr(result)


def test_numbers_of_a_stage(right):
    other = changed(right, logits=lambda x: x + np.float32(0.5))
    stage = tinyhf.compare(right, other).first
    logits = right["logits"].astype("float64")
    shown = TEXT["attention_mask"].astype(bool)
    assert stage.name == "logits" and stage.verdict == "differs"
    assert stage.max_difference == pytest.approx(0.5)
    assert stage.mean_difference == pytest.approx(0.5 * shown.mean())
    assert stage.nmse == pytest.approx(0.25 * shown.sum() * 96 / (logits[shown] ** 2).sum())
    a, b = logits[shown].ravel(), logits[shown].ravel() + 0.5
    assert stage.cosine == pytest.approx(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def test_the_ladder(right):
    """Ids, masks and positions come before all that is computed from them."""
    names = [stage.name for stage in tinyhf.compare(right, right).stages]
    ladder = ["input_ids", "attention_mask", "model.causal_mask", "model.position_ids"]
    assert names[:5] == [*ladder, "model.embed_tokens"]
    assert names[-1] == "logits"


def test_padding_may_differ(right):
    hidden = TEXT["attention_mask"] == 0
    assert hidden.any()
    other = dict(right)
    for name in ("model.layers.0", "logits", "input_ids"):
        other[name] = right[name].copy()
        other[name][hidden] = 7
    assert tinyhf.compare(right, other)
    other["logits"][~hidden] += 1
    assert tinyhf.compare(right, other).first.name == "logits"
    other["logits"] = np.where(hidden[..., None], 7, right["logits"])
    assert tinyhf.compare(right, other, names="logits")  # the mask is known all the same
    assert tinyhf.compare({"logits": right["logits"]}, dict(right) | {"logits": other["logits"]})


def test_batches_of_one_heads_elsewhere_and_last_ones_only(right):
    def kept(name):
        return right[f"{ATTENTION}.{name}"]

    other = {
        "model.position_ids": np.repeat(right["model.position_ids"], 3, axis=0),
        "model.rotary_emb": right["model.rotary_emb"][0],
        f"{ATTENTION}.q": kept("q").swapaxes(1, 2),
        f"{ATTENTION}.v": np.concatenate([kept("v")[:, :, :2], kept("v")], axis=2),
        "logits": right["logits"][:, -1:],
    }
    assert tinyhf.compare(right, other)
    other["model.embed_tokens"] = right["model.embed_tokens"][:, 1:]
    found = tinyhf.compare(right, other)
    assert found.first.verdict == "shape (3, 8, 32)"


def test_halves(right):
    """Half precision explains more."""
    off = right["model.layers.1"] * np.float32(1 + 1e-3)
    assert not tinyhf.compare(right, {"model.layers.1": off})
    assert tinyhf.compare(right, {"model.layers.1": off.astype("float16")})


def test_equal_infinities_are_no_difference():
    scores = np.array([[0.5, -np.inf, 3.0]], "float32")
    assert tinyhf.compare({"scores": scores}, {"scores": scores * np.float32(1 + 1e-7)})
    found = tinyhf.compare({"scores": scores}, {"scores": np.array([[-np.inf, -np.inf, 3.0]])})
    assert found.first.verdict == "Inf on one side" and "the first at (0, 0)" in found.hint


def test_labels_are_not_positions():
    """Logits of the last position are enough, but not those of the last classes."""
    rng = np.random.default_rng(0)
    found = tinyhf.compare({"logits": rng.random((3, 5))}, {"logits": rng.random((3, 2))})
    assert found.first.verdict == "shape (3, 2)"


def test_errors_may_grow_but_not_without_end(right):
    noise = np.random.default_rng(0).normal(0, 1, right["model.norm"].shape).astype("float32")

    def off(by):
        return changed(right, norm=lambda x: x + np.float32(by) * abs(x).max() * noise / 4)

    assert tinyhf.compare(right, off(1e-7))
    assert not tinyhf.compare(right, off(1e-4))
    early = dict(off(1e-4), **{"model.embed_tokens": right["model.embed_tokens"] * (1 + 1.5e-6)})
    assert not tinyhf.compare(right, early)


# ---- hints ---------------------------------------------------------------------------------------


def ids(rows, mask=None):
    rows = np.array(rows)
    return {"input_ids": rows, "attention_mask": np.ones_like(rows) if mask is None else mask}


def roll_rows(x):
    """Left padding to right padding."""
    return np.stack([np.roll(row, -n) for row, n in zip(x, x_padding(), strict=True)])


def x_padding():
    return (TEXT["attention_mask"] == 0).sum(-1)


def to_pairs(x):
    return np.stack(np.split(x, 2, axis=-1), axis=-1).reshape(x.shape)


def hint_for(right, **values):
    found = tinyhf.compare(right, changed(right, **values))
    assert found.first.name.endswith(next(iter(values)))
    return found.hint


def test_hints_about_ids():
    once, twice = ids([[1, 5, 6], [1, 8, 9]]), ids([[1, 1, 5, 6], [1, 1, 8, 9]])
    assert "b begins with the token 1 twice" in tinyhf.compare(once, twice).hint
    bare = ids([[5, 6], [8, 9]])
    assert "a begins with the token 1, b does not" in tinyhf.compare(once, bare).hint
    assert tinyhf.compare(once, ids([[1, 5, 7, 6], [1, 8, 8, 9]])).hint is None
    assert tinyhf.compare(once, ids([[1, 5, 7], [1, 8, 9]])).hint is None
    right_padded = {name: roll_rows(x) for name, x in TEXT.items()}
    hint = tinyhf.compare(TEXT, right_padded).hint
    assert "a pads on the left, b on the right" in hint


def test_hints_about_masks(right):
    mask = right["model.causal_mask"]
    seq = mask.shape[-1]
    lowest, padding = mask.min(), (TEXT["attention_mask"] == 0)[:, None, None]
    all_of_it = np.where(padding, lowest, 0 * mask)
    assert "causal mask is missing" in hint_for(right, causal_mask=lambda x: all_of_it)
    no_padding = np.where(np.tri(seq, dtype=bool), 0, lowest)[None, None].repeat(3, 0)
    assert "lets tokens see padding" in hint_for(right, causal_mask=lambda x: no_padding)
    strict = np.where(np.tri(seq, k=-1, dtype=bool) & ~padding, 0, lowest)
    assert "hides each token from itself" in hint_for(right, causal_mask=lambda x: strict)
    as_bool = changed(right, causal_mask=lambda x: x == 0)
    assert tinyhf.compare(right, as_bool)


def test_hint_about_the_pattern(right):
    hint = hint_for(right, pattern=lambda x: np.full_like(x, 1 / 9))
    assert "b lets tokens see all later ones" in hint


def test_hints_about_positions(right):
    by_row = TEXT["attention_mask"].cumsum(-1) - 1
    assert "each by its padding" in hint_for(right, position_ids=lambda x: by_row)
    assert hint_for(right, rotary_emb=lambda x: x[:, ::-1]) is None
    cos = our_llama().model.rotary_emb(np.arange(1, 10)[None])[0]
    assert "b's positions are 1 further" in hint_for(right, rotary_emb=lambda x: cos)


def test_hints_about_heads(right):
    assert "Meta's files" in hint_for(right, q=to_pairs)
    wrong = {f"{ATTENTION}.q": right[f"{ATTENTION}.k"].repeat(2, 1)}
    assert tinyhf.compare(right, wrong).hint is None


def test_hints_about_numbers(right):
    scale = hint_for(right, embed_tokens=lambda x: x * np.float32(32**0.5))
    assert "times 5.65685, which is the square root of the hidden size (32)" in scale
    assert "another one" in hint_for(right, embed_tokens=lambda x: x * 3)
    bias = np.linspace(-1, 1, 32, dtype="float32")
    assert "same vector at every position" in hint_for(right, o_proj=lambda x: x + bias)
    noise = np.random.default_rng(0).normal(0, 1, (3, 9, 32)).astype("float32")
    assert hint_for(right, o_proj=lambda x: x + noise) is None
    assert hint_for(right, input_layernorm=lambda x: x + noise) is None


def test_nan_comes_first(right):
    def one_nan(x):
        x = x.copy()
        x[2, 8, 3] = np.nan
        return x

    found = tinyhf.compare(right, changed(right, o_proj=one_nan))
    assert found.first.verdict == "NaN on one side"
    assert "b has 1 numbers that are NaN or Inf, the first at (2, 8, 3)" in found.hint


def test_the_activation_of_the_wrong_half(monkeypatch):
    from tinyhf.models.llama import LlamaMLP

    right = traced(our_llama())

    def forward(self, x):
        bent = self.act_fn(self.up_proj(x)) * self.gate_proj(x)
        return self.down_proj(self.record("act", bent))

    monkeypatch.setattr(LlamaMLP, "forward", forward)
    found = tinyhf.compare(right, our_llama())
    assert found.first.name == "model.layers.0.mlp.act_fn"
    assert "the activation was given up_proj" in found.hint


def test_eps_of_a_layer_norm():
    wrong = tiny_gpt2s.our_model("gpt2")
    for block in wrong.transformer.h:
        block.ln_1.eps = 1e-3
    text = {"input_ids": inputs(2, 6, 60)["input_ids"]}
    found = tinyhf.compare(tiny_gpt2s.our_model("gpt2"), wrong, inputs=text)
    assert found.first.name == "transformer.h.0.ln_1" and "eps is smaller" in found.hint


# ---- sides ---------------------------------------------------------------------------------------


def test_files_and_folders(right, tmp_path):
    right.save(tmp_path / "t.safetensors")
    floats = {name: np.ascontiguousarray(x) for name, x in right.items() if x.dtype.kind == "f"}
    save_file(floats, tmp_path / "plain.safetensors")
    np.savez(tmp_path / "all.npz", **floats)
    folder = tmp_path / "folder" / "model" / "layers"
    folder.mkdir(parents=True)
    np.save(folder / "0.npy", right["model.layers.0"])
    np.save(tmp_path / "folder" / "logits.npy", right["logits"] + 1)
    for name in ("t.safetensors", "plain.safetensors", "all.npz"):
        assert tinyhf.compare(right, tmp_path / name), name
    found = tinyhf.compare(str(tmp_path / "t.safetensors"), tmp_path / "folder")
    assert [stage.name for stage in found.stages] == ["model.layers.0", "logits"]
    assert found.first.name == "logits" and found.place is None
    assert tinyhf.compare(tmp_path / "t.safetensors", our_llama())


def test_places_come_from_either_side(right, tmp_path):
    wrong = changed(right, o_proj=lambda x: x + 1)
    assert tinyhf.compare(right, wrong).place == right.places[f"{ATTENTION}.o_proj"]
    assert tinyhf.compare(wrong, right).place == right.places[f"{ATTENTION}.o_proj"]


def test_renaming(right):
    theirs = {"tok_embd": right["model.embed_tokens"], "blk.0.attn.q": right[f"{ATTENTION}.q"]}
    names = {"tok_embd": "model.embed_tokens", "blk": "model.layers", "blk.0.attn": ATTENTION}
    assert len(tinyhf.compare(right, theirs, rename=names).stages) == 2
    assert len(tinyhf.compare(right, theirs, rename=lambda name: names.get(name, name)).stages) == 1
    half = tinyhf.compare(right, theirs, rename={"tok": "model", "tok_embd": "model.embed_tokens"})
    assert [stage.name for stage in half.stages] == ["model.embed_tokens"]
    assert half.only_b == ["blk.0.attn.q"]


def test_only_some_names(right):
    result = tinyhf.compare(right, right, names=["*.q", "blocks.*.attn.hook_pattern"])
    assert {stage.name.rpartition(".")[2] for stage in result.stages} == {"q", "pattern"}


def test_steps_of_generate(tmp_path):
    model, wrong = our_llama(), our_llama()
    with tinyhf.trace(model, file=tmp_path / "t.safetensors") as t:
        model.generate(**TEXT, max_new_tokens=3, do_sample=False)
    again = tinyhf.compare(t, our_llama())
    assert again and "step 2: model.layers.1" in [stage.name for stage in again.stages]
    assert again.only_a[-1] == "step 2: next_tokens"
    wrong.lm_head.weight = wrong.lm_head.weight * 2
    found = tinyhf.compare(t, wrong, step=1)
    assert found.first.name == "lm_head" and len(found.stages) < len(again.stages) / 2
    found = tinyhf.compare(t, wrong)
    assert found.first.name == "step 0: lm_head" and "b is a times 2:" in found.hint
    assert found.place == t.places["lm_head"]
    with pytest.raises(ArgumentError, match=r"no such step.*0 to 2, got 3"):
        tinyhf.compare(t, wrong, step=3)


def test_a_debugger_tree(right, tmp_path):
    """As transformers writes it; test_compare_parity reads true ones."""
    mid = right["model.embed_tokens"]
    printed = "tensor([" + ",\n".join(str([f"{x:.4e}" for x in row]) for row in mid[0]) + "])"
    tensor = {"shape": "torch.Size([9, 32])", "dtype": "torch.float32"}
    leaf = {**tensor, "value": printed.replace("'", "").splitlines()}
    child = {"module_path": "LlamaForCausalLM.model.embed_tokens", "outputs": leaf, "inputs": {}}
    tree = {"module_path": "LlamaForCausalLM", "inputs": {"kwargs": {}}, "children": [child]}
    path = tmp_path / "LlamaForCausalLM_debug_tree_FULL_TENSORS.json"
    path.write_text(json.dumps(tree))
    one = {"model.embed_tokens": mid[0]}
    assert tinyhf.compare(one, tmp_path) and tinyhf.compare(path, one)
    assert not tinyhf.compare({"model.embed_tokens": mid[0] * 1.01}, tmp_path)
    assert tinyhf.compare(path, tmp_path)
    path.write_text("[]")
    with pytest.raises(CheckpointError, match="not a tree that model_addition_debugger_context"):
        tinyhf.compare(one, tmp_path)


# ---- what is said --------------------------------------------------------------------------------


def test_what_is_printed(right):
    found = tinyhf.compare(right, changed(right, q_rotary=lambda x: x + np.float32(0.01)))
    shown = found.table().splitlines()
    assert len(shown) <= 43 and len(found.table(all=True).splitlines()) == len(found.stages) + 1
    (marked,) = [line for line in shown if "<- first difference" in line]
    assert marked.startswith(f"{ATTENTION}.q_rotary ")
    assert "stages below: .table(all=True)" in shown[-1]
    assert f"First difference: {ATTENTION}.q_rotary: differs." in found.summary()
    assert "Made in models/llama.py:" in found.summary()
    late = tinyhf.compare(right, changed(right, logits=lambda x: x + 1))
    assert "stages above" in late.table().splitlines()[1]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"tok_embd": np.zeros(3)}, r"share no name: a has input_ids.*b has tok_embd.*rename="),
        ("nowhere.safetensors", r"nowhere.*no such file or folder"),
        (7, r"cannot be compared.*wanted a trace.*int"),
    ],
)
def test_wrong_sides(right, other, message):
    with pytest.raises(ArgumentError, match=message):
        tinyhf.compare(right, other)


def test_a_folder_with_nothing_in_it(right, tmp_path):
    with pytest.raises(ArgumentError, match=r"nothing to compare.*\.npy"):
        tinyhf.compare(right, tmp_path)


@pytest.mark.parametrize("name", ["x.npy", "x.npz", "objects.npy"])
def test_damaged_files(right, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"PK not this")
    if name == "objects.npy":
        np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(CheckpointError, match="cannot be read"):
        tinyhf.compare(right, tmp_path)


def test_inputs_may_be_lists():
    assert tinyhf.compare(our_llama(), our_llama(), inputs={"input_ids": [[5, 6, 7]]})


def test_models_need_inputs():
    with pytest.raises(ArgumentError, match=r"nothing to give to the model.*inputs="):
        tinyhf.compare(our_llama(), our_llama())


def test_steps_of_an_encoder_decoder():
    model = tiny_encoder_decoders.our_model("t5")
    with tinyhf.trace(model) as t:
        model.generate(tiny_encoder_decoders.inputs("t5")["input_ids"], max_new_tokens=2)
    assert tinyhf.compare(t, t)
    with pytest.raises(ArgumentError, match=r"cannot be repeated.*traces of two generate"):
        tinyhf.compare(t, model)
