"""BERT, DistilBERT and RoBERTa with every head against transformers, on fresh checkpoints."""

import logging

import numpy
import pytest

import tinyhf
from tests.tiny_encoders import (
    CLASSES,
    SIZES,
    arrays_of,
    assert_alike,
    family_of,
    inputs,
    labels,
    our_encoder,
    their_encoder,
)
from tests.tiny_llamas import assert_close

pytestmark = pytest.mark.parity
torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

EVERYTHING = {"output_hidden_states": True, "output_attentions": True}
every_class = pytest.mark.parametrize("name", CLASSES)


@pytest.fixture(autouse=True)
def quiet():
    transformers.logging.set_verbosity_error()
    logging.getLogger("tinyhf").setLevel(logging.ERROR)
    yield
    logging.getLogger("tinyhf").setLevel(logging.NOTSET)


@pytest.fixture(scope="module", params=CLASSES)
def pair(request):
    """(ours, theirs) with the same weights."""
    return our_pair(request.param)


def our_pair(name, **fields):
    theirs, ours = their_encoder(name, **fields), our_encoder(name, **fields)
    for key, tensor in theirs.state_dict().items():
        ours.set_parameter(key, tensor.numpy())
    ours.tie_weights()
    return ours, theirs


def tensors(arrays):
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


@torch.no_grad()
def both(pair, **arrays):
    """All arrays of both outputs; BERT as a decoder has cross attentions, which are empty here."""
    ours, theirs = pair
    theirs = arrays_of(theirs(**tensors(arrays), **EVERYTHING))
    return arrays_of(ours(**arrays, **EVERYTHING)), theirs


def test_names_in_order(pair):
    ours, theirs = pair
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for names in ("named_parameters", "named_modules"):
        assert [n for n, _ in getattr(ours, names)()] == [n for n, _ in getattr(theirs, names)()]
    assert ours.num_parameters() == theirs.num_parameters()
    assert ours.can_generate() == theirs.can_generate()


def test_printed_alike(pair):
    assert repr(pair[0]) == repr(pair[1])


def test_every_stage_and_the_loss_of_a_right_padded_batch(pair):
    name = type(pair[0]).__name__
    batch = inputs(name)
    ours, theirs = both(pair, **batch, **labels(name, batch))
    assert_alike(ours, theirs)
    assert {"hidden_states.2", "attentions.1"} <= set(ours)


def test_every_module_gives_what_torchs_does(pair):
    """Hooks on both trees: the same stages, in the same order, with the same arrays."""
    seen, removers = [], []
    for model in pair:
        seen.append({})
        for path, module in model.named_modules():

            def note(module, args, output, path=path, found=seen[-1]):
                first = output[0] if isinstance(output, tuple) else output
                if hasattr(first, "shape") and first.ndim:
                    found[path] = numpy.asarray(first)

            hook = module.register_forward_hook(note)
            removers.append(getattr(hook, "remove", hook))
    both(pair, **inputs(type(pair[0]).__name__))
    for remove in removers:
        remove()
    shared = [path for path in seen[1] if path in seen[0]]
    assert [path for path in seen[0] if path in shared] == shared
    assert set(seen[1]) <= set(seen[0])
    only_ours = {path.rpartition(".")[2] for path in set(seen[0]) - set(seen[1])}
    assert only_ours <= {"dropout"}  # torch drops attention weights by a function
    for path in shared:
        assert_close(seen[0][path], seen[1][path])


def test_left_padding_and_no_mask(pair):
    name = type(pair[0]).__name__
    batch = {key: array[:, ::-1].copy() for key, array in inputs(name).items()}
    assert_alike(*both(pair, **batch))
    assert_alike(*both(pair, input_ids=batch["input_ids"]))


def test_a_row_of_nothing_but_padding(pair):
    batch = inputs(type(pair[0]).__name__)
    batch["attention_mask"][1] = 0
    assert_alike(*both(pair, **batch))


def test_positions_and_embeddings(pair):
    name = type(pair[0]).__name__
    batch = inputs(name)
    position_ids = numpy.random.default_rng(5).integers(0, 24, batch["input_ids"].shape)
    assert_alike(*both(pair, **batch, position_ids=position_ids))
    vectors = pair[0].get_input_embeddings()(batch.pop("input_ids"))
    assert_alike(*both(pair, **batch, inputs_embeds=vectors))


def test_plain_tuples(pair):
    name = type(pair[0]).__name__
    batch = inputs(name)
    batch |= labels(name, batch)
    ours, theirs = pair
    with torch.no_grad():
        expected = theirs(**tensors(batch), return_dict=False)
    given = ours(**batch, return_dict=False)
    for a, b in zip(given, expected, strict=True):
        assert_close(a, b.numpy())


# ---- losses --------------------------------------------------------------------------------------

PROBLEMS = {
    "one number": ({"num_labels": 1}, numpy.array([0.5, -1.0, 2.0], "float32")),
    "one number, in a column": ({"num_labels": 1}, numpy.array([[0.5], [-1.0], [2.0]], "float32")),
    "one number, of 64 bits": ({"num_labels": 1}, numpy.array([0.5, -1.0, 2.0])),
    "numbers": (
        {"num_labels": 3, "problem_type": "regression"},
        numpy.random.default_rng(0).normal(size=(3, 3)).astype("float32"),
    ),
    "one label": ({"num_labels": 4}, numpy.array([3, 0, 1])),
    "one label, in a column": ({"num_labels": 4}, numpy.array([[3], [0], [1]])),
    "some texts without": ({"num_labels": 4}, numpy.array([3, -100, 1])),
    "several labels": (
        {"num_labels": 3},
        numpy.array([[0, 1, 1], [0, 0, 0], [1, 0, 1]], "float32"),
    ),
    "several, said": (
        {"num_labels": 2, "problem_type": "multi_label_classification"},
        numpy.array([[0, 1], [0, 0], [1, 1]], "float32"),
    ),
}


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("family", SIZES)
def test_losses_of_sequence_classification(family, problem):
    fields, wanted = PROBLEMS[problem]
    name = f"{family}ForSequenceClassification"
    ours, theirs = our_pair(name, **fields)
    batch = {**inputs(name), "labels": wanted}
    with torch.no_grad():
        expected = theirs(**tensors(batch))
    given = ours(**batch)
    assert_close(given.loss, expected.loss.numpy())
    assert given.loss.shape == ()
    assert given.loss.dtype == "float32"
    assert ours.config.problem_type == theirs.config.problem_type


def test_answers_in_a_column_and_beyond_the_text():
    ours, theirs = our_pair("BertForQuestionAnswering")
    for starts, ends in (([[1], [2], [3]], [[4], [5], [6]]), ([99, 1, 2], [99, 11, 4])):
        batch = inputs("BertForQuestionAnswering")
        batch |= {"start_positions": numpy.array(starts), "end_positions": numpy.array(ends)}
        with torch.no_grad():
            expected = theirs(**tensors(batch)).loss
        assert_close(ours(**batch).loss, expected.numpy())


def test_pretraining_needs_both_kinds_of_labels():
    ours, theirs = our_pair("BertForPreTraining")
    batch = inputs("BertForPreTraining")
    wanted = labels("BertForPreTraining", batch)
    for only in wanted:
        some = {**batch, only: wanted[only]}
        assert "loss" not in ours(**some)
        assert "loss" not in theirs(**tensors(some))


# ---- files ---------------------------------------------------------------------------------------


@torch.no_grad()
def assert_same_numbers(ours, theirs, name):
    assert type(ours).__name__ == type(theirs).__name__
    batch = inputs(name)
    theirs.set_attn_implementation("eager")
    output = theirs.eval()(**tensors(batch))
    assert_alike(arrays_of(ours(**batch)), arrays_of(output))


def auto_name(name):
    """The Auto class that chooses the class ``name``."""
    head = name.removeprefix(family_of(name))
    return "AutoModel" + head.removeprefix("Model")


@every_class
def test_saved_by_us_read_by_transformers(tmp_path, name):
    ours = our_encoder(name)
    ours.save_pretrained(tmp_path)
    auto_class = getattr(transformers, auto_name(name))
    theirs, info = auto_class.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert_same_numbers(ours, theirs, name)


@every_class
def test_saved_by_transformers_read_by_us(tmp_path, name):
    theirs = their_encoder(name)
    theirs.save_pretrained(tmp_path)
    auto_class = getattr(tinyhf, auto_name(name))
    ours, info = auto_class.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert_same_numbers(ours, theirs, name)


@every_class
@pytest.mark.parametrize("saved", ["Model", "ForMaskedLM", "ForSequenceClassification", "other"])
def test_any_head_from_any_checkpoint(tmp_path, name, saved):
    """Which parameters are missing and which are left over, with and without the prefix."""
    family = family_of(name)
    others = {"Bert": "ForPreTraining"}.get(family, "ForQuestionAnswering")
    their_encoder(family + (others if saved == "other" else saved)).save_pretrained(tmp_path)
    models, infos = [], []
    for library in (tinyhf, transformers):
        model, info = getattr(library, name).from_pretrained(
            tmp_path, output_loading_info=True, ignore_mismatched_sizes=True, num_labels=2
        )
        models.append(model)
        infos.append({key: set(info[key]) for key in ("missing_keys", "unexpected_keys")})
    assert infos[0] == infos[1]
    missing = infos[0]["missing_keys"]
    for key, tensor in models[1].state_dict().items():
        if key not in missing and "classifier" not in key and "qa_outputs" not in key:
            numpy.testing.assert_array_equal(models[0].get_parameter(key), tensor.numpy())


OLD_SPELLINGS = {
    "LayerNorm.weight": "LayerNorm.gamma",
    "LayerNorm.bias": "LayerNorm.beta",
}


@pytest.mark.parametrize("name", ["BertModel", "BertForMaskedLM", "BertForPreTraining"])
@pytest.mark.parametrize("prefix", ["bert.", ""])
def test_old_spellings(tmp_path, name, prefix):
    from safetensors.torch import load_file, save_file

    their_encoder("BertForPreTraining").save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["bert.embeddings.position_ids"] = torch.arange(24)[None]
    for new, old in OLD_SPELLINGS.items():
        weights = {key.replace(new, old): value for key, value in weights.items()}
    weights = {key.replace("bert.", prefix, 1): value for key, value in weights.items()}
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    ours, info = getattr(tinyhf, name).from_pretrained(tmp_path, output_loading_info=True)
    theirs, expected = getattr(transformers, name).from_pretrained(
        tmp_path, output_loading_info=True
    )
    assert {key: set(value) for key, value in info.items()} == {
        key: set(value) for key, value in expected.items()
    }
    assert_same_numbers(ours, theirs, name)


@pytest.mark.parametrize("name", ["BertForMaskedLM", "RobertaForMaskedLM", "DistilBertForMaskedLM"])
@pytest.mark.parametrize("tied", [True, False])
def test_tied_or_not(tmp_path, name, tied):
    theirs = their_encoder(name, tie_word_embeddings=tied)
    theirs.save_pretrained(tmp_path)
    ours = getattr(tinyhf, name).from_pretrained(tmp_path)
    assert ours.num_parameters() == theirs.num_parameters()
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert_same_numbers(ours, theirs, name)


@pytest.mark.parametrize("more", [0, 1])
def test_a_checkpoint_that_holds_only_the_copy_or_another_one(tmp_path, more):
    """A bias under its second name only; a table of scores that is, or is not, the tokens' one."""
    from safetensors.torch import load_file, save_file

    their_encoder("BertForMaskedLM").save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    weights["cls.predictions.decoder.bias"] = weights.pop("cls.predictions.bias")
    table = weights["bert.embeddings.word_embeddings.weight"]
    weights["cls.predictions.decoder.weight"] = table + more
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    ours, info = tinyhf.BertForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values())
    assert_same_numbers(
        ours, transformers.BertForMaskedLM.from_pretrained(tmp_path), "BertForMaskedLM"
    )


def test_our_start_is_distributed_as_theirs():
    sizes = {"hidden_size": 64, "vocab_size": 300, "pad_token_id": 3, "intermediate_size": 200}
    theirs = their_encoder("BertForPreTraining", **sizes)
    theirs = transformers.BertForPreTraining(theirs.config).state_dict()
    config = our_encoder("BertForPreTraining", **sizes).config
    ours = tinyhf.BertForPreTraining(config).init_weights(seed=0).state_dict()
    for name, tensor in theirs.items():
        chance = 6 / numpy.sqrt(tensor.numel())  # both are random, small ones more so
        assert ours[name].mean() == pytest.approx(float(tensor.mean()), abs=0.02 * chance), name
        assert ours[name].std() == pytest.approx(float(tensor.std(correction=0)), rel=chance), name
    assert not ours["bert.embeddings.word_embeddings.weight"][3].any()
