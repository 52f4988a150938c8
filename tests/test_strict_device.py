"""The whole way from a name to text on an array type that never touches the host in secret."""

import numpy
import pytest

from tests import strict_device
from tinyhf import AutoModelForCausalLM, AutoTokenizer, pipeline
from tinyhf.backend import device_of, float32, to_device, to_host
from tinyhf.nn import Unloaded

NAME = "tinyhf/little-tales"


@pytest.fixture(scope="module")
def models(strict_library):
    """The bundled model twice: on the host and on the strict device."""
    return [AutoModelForCausalLM.from_pretrained(NAME, device_map=d) for d in ("cpu", "strict")]


@pytest.fixture
def prompt():
    tokenizer = AutoTokenizer.from_pretrained(NAME)
    tokenizer.padding_side = "left"
    return tokenizer(["Once upon a time", "The dog"], padding=True, return_tensors="np")


def test_the_strict_device_is_strict(strict_library):
    ours, host = to_device(numpy.ones(3), "strict"), numpy.ones(3)
    for mix in (lambda: ours + host, lambda: host + ours, lambda: numpy.asarray(ours)):
        with pytest.raises(TypeError):
            mix()
    with pytest.raises(TypeError):
        strict_device.exp(host)
    with pytest.raises(TypeError):
        ours[numpy.array([0])]
    assert device_of(ours) == "strict:0"
    assert to_host(ours).tolist() == [1, 1, 1]


def test_all_weights_are_there(models):
    host, strict = models
    assert strict.device == "strict:0"
    assert all(isinstance(x, strict_device.ndarray) for x in strict.parameters())
    assert not any(isinstance(x, Unloaded) for x in strict.parameters())
    assert list(strict.state_dict()) == list(host.state_dict())


def test_forward_equals_the_host_and_stays_float32(models, prompt):
    host, strict = models
    on_device = {name: to_device(array, "strict") for name, array in prompt.items()}
    strict_device.seen_dtypes.clear()
    ours = strict(**on_device, output_hidden_states=True, output_attentions=True)
    floats = {dtype for dtype in strict_device.seen_dtypes if dtype.kind == "f"}
    assert floats == {float32}
    theirs = host(**prompt, output_hidden_states=True, output_attentions=True)
    for name in ("hidden_states", "attentions"):
        for a, b in zip(ours[name], theirs[name], strict=True):
            numpy.testing.assert_array_equal(to_host(a), b)
    numpy.testing.assert_array_equal(to_host(ours.logits), theirs.logits)


@pytest.mark.parametrize("settings", [{"do_sample": False}, {"do_sample": True, "top_p": 0.9}])
def test_generate_gives_the_same_tokens(models, prompt, settings):
    host, strict = models
    theirs = host.generate(**prompt, max_new_tokens=12, seed=7, **settings)
    ours = strict.generate(**prompt, max_new_tokens=12, seed=7, **settings)
    numpy.testing.assert_array_equal(ours, theirs)
    assert isinstance(ours, numpy.ndarray)


def test_labels_and_half_types(strict_library, prompt):
    model = AutoModelForCausalLM.from_pretrained(NAME, dtype="float16", device_map="strict")
    ids = to_device(prompt["input_ids"], "strict")
    output = model(ids, labels=ids)
    assert output.logits.dtype == numpy.float16  # a GPU computes in the stored type
    assert float(output.loss) > 0


def test_pipeline(strict_library):
    options = {"do_sample": False, "max_new_tokens": 8}
    expected = pipeline("text-generation", NAME)("Once upon a time", **options)
    assert (
        pipeline("text-generation", NAME, device="strict")("Once upon a time", **options)
        == expected
    )
