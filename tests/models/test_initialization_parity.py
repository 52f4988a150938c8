"""Random weights against torch's for the same seed; `pytest -m parity`."""

import numpy
import pytest

import tinyhf
from tests import tiny_encoder_decoders, tiny_encoders, tiny_gpt2s, tiny_llamas
from tests.models.test_llama_variants_parity import SIZES, VARIANTS
from tinyhf.backend.random import default_generator

pytestmark = pytest.mark.parity

#: Of the largest number of a parameter.
TOLERANCE = 1e-6


def assert_same_start(make, config_name, model_name, fields):
    import torch
    import transformers

    config = getattr(transformers, config_name)(**fields)
    torch.manual_seed(11)
    theirs = getattr(transformers, model_name)(config)
    tinyhf.set_seed(11)
    ours = make(fields).init_weights()
    for name, tensor in theirs.state_dict().items():
        found, expected = ours.get_parameter(name), tensor.numpy()
        assert abs(found - expected).max() <= TOLERANCE * max(1e-6, abs(expected).max()), name
    assert torch.rand(()).item() == default_generator().uniform(1)[0]  # as many draws


def ours(config_name, model_name):
    config_class = getattr(tinyhf, config_name)
    return lambda fields: getattr(tinyhf, model_name)(config_class(**fields))


@pytest.mark.parametrize("variant", tiny_llamas.SHAPES)
def test_llama(variant):
    names = "LlamaConfig", "LlamaForCausalLM"
    assert_same_start(ours(*names), *names, tiny_llamas.fields_of(variant))


@pytest.mark.parametrize("variant", VARIANTS)
def test_relatives_of_llama(variant):
    family, fields = VARIANTS[variant]

    def make(fields):
        config = tinyhf.AutoConfig.for_model(family.lower(), **fields)
        return tinyhf.AutoModelForCausalLM.model_class(config)(config)

    names = f"{family}Config", f"{family}ForCausalLM"
    assert_same_start(make, *names, {**SIZES, **fields})


@pytest.mark.parametrize("variant", tiny_gpt2s.VARIANTS)
def test_gpt2(variant):
    names = "GPT2Config", "GPT2LMHeadModel"
    names = names if tiny_gpt2s.is_gpt2(variant) else ("GPTBigCodeConfig", "GPTBigCodeForCausalLM")
    assert_same_start(ours(*names), *names, tiny_gpt2s.fields_of(variant))


@pytest.mark.parametrize("name", tiny_encoders.CLASSES)
def test_encoder(name):
    names = f"{tiny_encoders.family_of(name)}Config", name
    assert_same_start(ours(*names), *names, tiny_encoders.fields_of(name))


@pytest.mark.parametrize("variant", tiny_encoder_decoders.VARIANTS)
@pytest.mark.parametrize("kind", ["head", "base"])
def test_encoder_decoder(variant, kind):
    family, fields = tiny_encoder_decoders.VARIANTS[variant]
    model = tiny_encoder_decoders.HEADS[family] if kind == "head" else f"{family}Model"
    names = f"{family}Config", model
    assert_same_start(ours(*names), *names, fields)


NEW_HEADS = {
    "BertForSequenceClassification": "BertModel",
    "BertForTokenClassification": "BertForMaskedLM",
    "BertForPreTraining": "BertModel",
    "DistilBertForSequenceClassification": "DistilBertForMaskedLM",
    "RobertaForSequenceClassification": "RobertaModel",
    "RobertaForMaskedLM": "RobertaModel",
}


@pytest.mark.parametrize("name", NEW_HEADS)
def test_a_new_head(name, tmp_path):
    import torch
    import transformers

    tiny_encoders.their_encoder(NEW_HEADS[name]).save_pretrained(tmp_path)
    torch.manual_seed(5)
    theirs = getattr(transformers, name).from_pretrained(tmp_path)
    tinyhf.set_seed(5)
    model = getattr(tinyhf, name).from_pretrained(tmp_path)
    for key, tensor in theirs.state_dict().items():
        assert numpy.allclose(model.get_parameter(key), tensor.numpy(), rtol=1e-5, atol=1e-7), key
    assert torch.rand(()).item() == default_generator().uniform(1)[0]
