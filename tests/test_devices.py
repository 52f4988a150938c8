"""The whole way from a name to text on other devices: the strict one here, CuPy with ``-m gpu``."""

import numpy
import pytest

from tests import strict_device
from tinyhf import AutoModelForCausalLM, AutoTokenizer, pipeline
from tinyhf.backend import device_of, float32, to_device, to_host
from tinyhf.errors import TinyHFError

NAME = "tinyhf/little-tales"

#: Strict results are NumPy's own; cuBLAS adds up in another order.
TOLERANCE = {"strict": 0.0, "cuda": 1e-4}


@pytest.fixture(scope="module", params=["strict", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request, strict_library):
    try:
        to_device(numpy.zeros(1), request.param)
    except TinyHFError as error:
        pytest.skip(f"no GPU here: {error}")
    return request.param


@pytest.fixture(scope="module")
def models(device):
    """The bundled model twice: on the host and on the device."""
    return [AutoModelForCausalLM.from_pretrained(NAME, device_map=d) for d in ("cpu", device)]


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


def test_all_weights_are_there(models, device):
    host, other = models
    assert other.device == f"{device}:0"
    assert {device_of(x) for x in other.parameters()} == {f"{device}:0"}
    assert list(other.state_dict()) == list(host.state_dict())


def test_forward_equals_the_host_and_stays_float32(models, prompt, device):
    host, other = models
    theirs = host(**prompt, output_hidden_states=True, output_attentions=True)
    there = {name: to_device(array, device) for name, array in prompt.items()}
    strict_device.seen_dtypes.clear()
    ours = other(**there, output_hidden_states=True, output_attentions=True)
    assert {dtype for dtype in strict_device.seen_dtypes if dtype.kind == "f"} <= {float32}
    rows = prompt["attention_mask"].astype(bool)
    for a, b in zip(ours.hidden_states, theirs.hidden_states, strict=True):
        assert a.dtype == float32
        assert abs(to_host(a) - b)[rows].max() <= TOLERANCE[device] * abs(b).max()
    for a, b in zip(ours.attentions, theirs.attentions, strict=True):
        assert abs(to_host(a) - b).max() <= TOLERANCE[device]
    difference = abs(to_host(ours.logits) - theirs.logits)[rows]
    assert difference.max() <= TOLERANCE[device] * abs(theirs.logits).max()


@pytest.mark.parametrize("settings", [{"do_sample": False}, {"do_sample": True, "top_p": 0.9}])
def test_generate_gives_the_same_tokens(models, prompt, settings):
    host, other = models
    theirs = host.generate(**prompt, max_new_tokens=12, seed=7, **settings)
    ours = other.generate(**prompt, max_new_tokens=12, seed=7, **settings)
    numpy.testing.assert_array_equal(ours, theirs)
    assert isinstance(ours, numpy.ndarray)


def test_half_types_compute_in_half_and_give_a_loss(device, prompt):
    model = AutoModelForCausalLM.from_pretrained(NAME, dtype="float16", device_map=device)
    ids = to_device(prompt["input_ids"], device)
    output = model(ids, labels=ids)
    assert output.logits.dtype == numpy.float16  # a GPU computes in the stored type
    assert float(output.loss) > 0


def test_pipeline(device):
    options = {"do_sample": False, "max_new_tokens": 8}
    expected = pipeline("text-generation", NAME)("Once upon a time", **options)
    assert (
        pipeline("text-generation", NAME, device=device)("Once upon a time", **options) == expected
    )
