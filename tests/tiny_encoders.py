"""Tiny BERTs, DistilBERTs and RoBERTas with every head: made by us or by transformers."""

import json
from pathlib import Path

import numpy

import tinyhf
from tests.tiny_llamas import assert_close
from tinyhf.backend import to_host

GOLDEN = Path(__file__).parent / "golden" / "encoders"

_BERT_SIZES = {
    "vocab_size": 60,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 24,
    "max_position_embeddings": 24,
    "type_vocab_size": 3,
}
SIZES = {
    "Bert": _BERT_SIZES,
    "Roberta": {**_BERT_SIZES, "layer_norm_eps": 1e-5},
    "DistilBert": {
        "vocab_size": 60,
        "dim": 16,
        "n_layers": 2,
        "n_heads": 4,
        "hidden_dim": 24,
        "max_position_embeddings": 24,
    },
}

_HEADS = (
    "Model",
    "ForMaskedLM",
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
)
#: Every class of the three families.
CLASSES = [f"{family}{head}" for family in SIZES for head in _HEADS]
CLASSES += ["BertForNextSentencePrediction", "BertForPreTraining"]
#: Those of which tests/golden/encoders holds weights and what transformers computes with them.
STORED = [
    "BertForPreTraining",
    "BertForSequenceClassification",
    "BertForQuestionAnswering",
    "DistilBertForMaskedLM",
    "DistilBertForSequenceClassification",
    "RobertaForMaskedLM",
    "RobertaForSequenceClassification",
    "RobertaForTokenClassification",
]
#: The head that tells some kinds apart has another number of them than 2.
LABELS = {"num_labels": 5}


def family_of(name):
    """ "DistilBert" of "DistilBertForMaskedLM"."""
    return next(family for family in SIZES if name.startswith(family))


def fields_of(name, **fields):
    """The config fields for a class, as keywords for our config or transformers'."""
    labels = LABELS if name.endswith("Classification") else {}
    return {**SIZES[family_of(name)], **labels, **fields}


def config_of(library, name, **fields):
    """The config for a class, ours or transformers'."""
    return getattr(library, f"{family_of(name)}Config")(**fields_of(name, **fields))


def random_values(name, shape, rng):
    """Weights that show mistakes: no bias or padding row is zero, no norm weight is one."""
    values = rng.normal(0.0, 0.4, shape).astype("float32")
    is_norm = name.lower().replace("_", "").endswith("layernorm.weight")
    return values + 1.0 if is_norm else values


def our_encoder(name, seed=0, **fields):
    """One of our models with random weights."""
    rng = numpy.random.default_rng(seed)
    model = getattr(tinyhf, name)(config_of(tinyhf, name, **fields))
    for parameter, place in model.state_dict().items():
        model.set_parameter(parameter, random_values(parameter, place.shape, rng))
    model.tie_weights()
    return model


def their_encoder(name, seed=0, **fields):
    """One of transformers' models with random weights, attention written out."""
    import torch
    import transformers

    rng = numpy.random.default_rng(seed)
    config = config_of(transformers, name, **fields)
    config._attn_implementation = "eager"
    model = getattr(transformers, name)(config).eval()
    with torch.no_grad():
        for parameter, tensor in model.named_parameters():
            tensor.copy_(torch.from_numpy(random_values(parameter, tensor.shape, rng)))
    return model


def inputs(name, rows=3, seq=11, seed=1):
    """Right-padded ids with their mask and, where the family knows them, token types."""
    rng = numpy.random.default_rng(seed)
    padding = 1 if family_of(name) == "Roberta" else 0
    lengths = numpy.linspace(seq, seq // 2, rows).astype(int)
    attention_mask = (numpy.arange(seq) < lengths[:, None]).astype("int64")
    input_ids = numpy.where(attention_mask, rng.integers(2, 60, (rows, seq)), padding)
    batch = {"input_ids": input_ids, "attention_mask": attention_mask}
    if family_of(name) != "DistilBert":
        batch["token_type_ids"] = rng.integers(0, 3, (rows, seq)) * attention_mask
    return batch


def labels(name, batch, seed=2):
    """What the class wants as labels, by argument name; some of them do not count."""
    rng = numpy.random.default_rng(seed)
    rows, seq = batch["input_ids"].shape
    counted = (rng.random((rows, seq)) > 0.3) & (batch["attention_mask"] == 1)
    tokens = {"labels": numpy.where(counted, rng.integers(0, 60, (rows, seq)), -100)}
    texts = rng.integers(0, 2, rows)
    if name.endswith("Model"):
        return {}
    if name.endswith("ForTokenClassification"):
        return {"labels": numpy.where(counted, rng.integers(0, 5, (rows, seq)), -100)}
    if name.endswith("ForSequenceClassification"):
        return {"labels": rng.integers(0, 5, rows)}
    if name.endswith("ForQuestionAnswering"):
        ends = numpy.array([3, seq + 5, 0])[:rows]  # the second lies beyond the text
        return {"start_positions": numpy.array([1, 2, -4])[:rows], "end_positions": ends}
    if name.endswith("ForNextSentencePrediction"):
        return {"labels": texts}
    return {**tokens, "next_sentence_label": texts} if "PreTraining" in name else tokens


def arrays_of(output):
    """All arrays of an output by name, on the host: ``hidden_states.1``, ``logits`` …"""
    found = {}
    for name, value in output.items():
        values = value if isinstance(value, tuple | list) else [value]
        names = [f"{name}.{number}" for number in range(len(values))]
        found |= dict(zip(names if values is value else [name], values, strict=True))
    return {name: numpy.asarray(to_host(value)) for name, value in found.items()}


def assert_alike(ours, theirs):
    """The same arrays under the same names."""
    assert list(ours) == list(theirs)
    for name, array in ours.items():
        assert_close(array, theirs[name])


def golden(name):
    """(model, inputs with labels, what transformers computed) of a stored case."""
    folder = GOLDEN / name
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    model_class = getattr(tinyhf, config["architectures"][0])
    with numpy.load(folder / "expected.npz") as stored:
        arrays = dict(stored)
    given = {key[6:]: arrays.pop(key) for key in list(arrays) if key.startswith("input.")}
    return model_class.from_pretrained(folder), given, arrays
