"""The gradients of whole models, and their dropout, against torch's; `pytest -m parity`."""

import inspect

import numpy
import pytest

import tinyhf
from tests import tiny_encoder_decoders, tiny_encoders, tiny_gpt2s, tiny_llamas
from tests.models.test_llama_variants_parity import SIZES, VARIANTS
from tinyhf.autograd import Tensor
from tinyhf.backend.random import default_generator

pytestmark = pytest.mark.parity

#: Of the largest gradient of a parameter. Those of a parameter whose gradients are all next to
#: nothing (a key's bias moves all scores alike) are compared with the largest of the model.
TOLERANCE, NOTHING = 1e-4, 1e-2

WHOSE = ("our", "their")
HEADS = [name for name in tiny_encoders.CLASSES if not name.endswith("Model")]


def assert_same_gradients(ours, theirs, arrays):
    """Loss, which parameters get gradients, and these."""
    our_loss = ours.requires_grad_()(**arrays).loss
    known = inspect.signature(theirs.forward).parameters
    given = {name: value for name, value in arrays.items() if name in known}
    their_loss = theirs(**tiny_llamas.as_tensors(given)).loss
    assert float(our_loss) == pytest.approx(their_loss.item(), rel=1e-5)
    our_loss.backward()
    their_loss.backward()
    ours, theirs = dict(ours.named_parameters()), dict(theirs.named_parameters())
    assert {name for name, value in ours.items() if isinstance(value, Tensor)} == {
        name for name, value in theirs.items() if value.requires_grad
    }
    grads = {name: value.grad.numpy() for name, value in theirs.items() if value.grad is not None}
    largest = max(abs(grad).max() for grad in grads.values())
    for name, grad in grads.items():
        found = ours[name].grad if ours[name].grad is not None else numpy.zeros_like(grad)
        error = abs(found - grad).max() / max(abs(grad).max(), NOTHING * largest)
        assert error <= TOLERANCE, (name, error)


def copy_weights(theirs, ours):
    """``ours`` with the numbers of ``theirs``."""
    for name, tensor in theirs.state_dict().items():
        ours.set_parameter(name, tensor.numpy().copy())
    ours.tie_weights()
    return ours


def seq2seq_arrays(variant):
    """A text and what to write, both padded."""
    arrays = tiny_encoder_decoders.inputs(variant)
    arrays = {name: arrays[name] for name in ("input_ids", "attention_mask")}
    return arrays | {"labels": tiny_encoder_decoders.labels(variant)}


def relatives(variant, **fields):
    """(ours, theirs): a Mistral or Qwen with equal weights."""
    import transformers

    family, own = VARIANTS[variant]
    fields = {**SIZES, **own, **fields}
    config = getattr(transformers, f"{family}Config")(**fields, attn_implementation="eager")
    theirs = getattr(transformers, f"{family}ForCausalLM")(config).eval()
    ours = tinyhf.AutoConfig.for_model(family.lower(), **fields)
    return copy_weights(theirs, tinyhf.AutoModelForCausalLM.from_config(ours)), theirs


@pytest.mark.parametrize("variant", tiny_llamas.VARIANTS)
def test_llama(variant):
    ours, theirs = tiny_llamas.our_llama(variant), tiny_llamas.their_llama(variant)
    assert_same_gradients(ours, theirs, tiny_llamas.inputs(3, 23))


@pytest.mark.parametrize("variant", VARIANTS)
def test_relatives_of_llama(variant):
    assert_same_gradients(*relatives(variant), tiny_llamas.inputs(3, 13))


@pytest.mark.parametrize("variant", tiny_gpt2s.VARIANTS)
def test_gpt2(variant):
    ours, theirs = tiny_gpt2s.our_model(variant), tiny_gpt2s.their_model(variant)
    assert_same_gradients(ours, theirs, tiny_gpt2s.inputs_of(variant, 3, 11))


@pytest.mark.parametrize("name", HEADS)
def test_encoder(name):
    batch = tiny_encoders.inputs(name)
    ours, theirs = (getattr(tiny_encoders, f"{whose}_encoder")(name) for whose in WHOSE)
    assert_same_gradients(
        copy_weights(theirs, ours), theirs, batch | tiny_encoders.labels(name, batch)
    )


@pytest.mark.parametrize("family", tiny_encoders.SIZES)
@pytest.mark.parametrize("problem", ["regression", "several numbers", "multi_label_classification"])
def test_other_losses_of_classifiers(family, problem):
    name, numbers = f"{family}ForSequenceClassification", numpy.random.default_rng(0)
    kind = problem.replace("several numbers", "regression")
    fields = {"num_labels": 1 if problem == "regression" else 4, "problem_type": kind}
    ours, theirs = (getattr(tiny_encoders, f"{whose}_encoder")(name, **fields) for whose in WHOSE)
    shape = (3,) if problem == "regression" else (3, 4)
    labels = numbers.integers(0, 2, shape) if "multi" in problem else numbers.normal(size=shape)
    arrays = tiny_encoders.inputs(name) | {"labels": labels.astype("float32")}
    assert_same_gradients(copy_weights(theirs, ours), theirs, arrays)


@pytest.mark.parametrize("variant", tiny_encoder_decoders.VARIANTS)
def test_encoder_decoder(variant):
    pair = (getattr(tiny_encoder_decoders, f"{whose}_model")(variant) for whose in WHOSE)
    assert_same_gradients(*pair, seq2seq_arrays(variant))


# ---- dropout: the numbers torch leaves out for the same seed -----------------------------------


def assert_same_training(ours, theirs, arrays):
    """Loss and gradients in training mode, after the same seed."""
    import torch

    torch.manual_seed(3)
    tinyhf.set_seed(3)
    assert_same_gradients(ours.train(), theirs.train(), arrays)
    assert torch.rand(()).item() == default_generator().uniform(1)[0]  # as many draws


@pytest.mark.parametrize("family", ["llama", *list(VARIANTS)[::2]])
def test_dropout_of_llama_and_its_relatives(family):
    if family == "llama":
        pair = (getattr(tiny_llamas, f"{whose}_llama")(attention_dropout=0.3) for whose in WHOSE)
    else:
        pair = relatives(family, attention_dropout=0.3)
    assert_same_training(*pair, tiny_llamas.inputs(3, 13))


@pytest.mark.parametrize("variant", tiny_gpt2s.VARIANTS)
def test_dropout_of_gpt2(variant):
    rates = {"attn_pdrop": 0.2, "resid_pdrop": 0.3, "embd_pdrop": 0.1}
    pair = (getattr(tiny_gpt2s, f"{whose}_model")(variant, **rates) for whose in WHOSE)
    assert_same_training(*pair, tiny_gpt2s.inputs_of(variant, 3, 11))


@pytest.mark.parametrize("name", HEADS)
def test_dropout_of_encoders(name):
    rates = {"hidden_dropout_prob": 0.2, "attention_probs_dropout_prob": 0.3}
    if name.startswith("Distil"):
        rates = {"dropout": 0.2, "attention_dropout": 0.3, "qa_dropout": 0.25}
    ours, theirs = (getattr(tiny_encoders, f"{whose}_encoder")(name, **rates) for whose in WHOSE)
    batch = tiny_encoders.inputs(name)
    arrays = batch | tiny_encoders.labels(name, batch)
    assert_same_training(copy_weights(theirs, ours), theirs, arrays)


@pytest.mark.parametrize("variant", tiny_encoder_decoders.VARIANTS)
def test_dropout_of_encoder_decoders(variant):
    rates = {"dropout": 0.2, "attention_dropout": 0.3, "activation_dropout": 0.1}
    rates = {"dropout_rate": 0.2} if variant.startswith("t5") else rates
    pair = (getattr(tiny_encoder_decoders, f"{whose}_model")(variant, **rates) for whose in WHOSE)
    assert_same_training(*pair, seq2seq_arrays(variant))


@pytest.mark.parametrize("variant", ["bart", "marian"])
def test_layers_left_out(variant):
    rates = {"dropout": 0.2, "encoder_layerdrop": 0.5, "decoder_layerdrop": 0.5}
    pair = (getattr(tiny_encoder_decoders, f"{whose}_model")(variant, **rates) for whose in WHOSE)
    assert_same_training(*pair, seq2seq_arrays(variant))
