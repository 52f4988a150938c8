"""A torch.get_rng_state() blob goes in and comes out; one call tells which stream a torch has.

torch itself is needed for ``-m parity`` only: a stand-in with torch's calls shows the rest.
"""

from types import SimpleNamespace

import numpy as np
import pytest

from tinyhf.backend.random import (
    STREAMS,
    TorchGenerator,
    detect_stream,
    get_rng_state,
    set_rng_state,
    set_seed,
)
from tinyhf.errors import ArgumentError
from tinyhf.generation.assembly import choose_generator


def draw_all_kinds(generator):
    kinds = (generator.exponential(5), generator.uniform(3), generator.normal(3))
    return np.concatenate([*kinds, generator.randperm(7)])


@pytest.mark.parametrize("words", [0, 1, 5, 622, 623, 624, 625, 1248])
def test_a_state_goes_on_where_it_was_taken(words):
    first = TorchGenerator(5)
    first.uniform(words)
    state = first.get_state()
    assert (state.shape, state.dtype) == ((5056,), np.uint8)
    wanted = draw_all_kinds(first)
    for blob in (state, state.tobytes(), SimpleNamespace(numpy=lambda: state)):
        second = TorchGenerator(99).set_state(blob)
        np.testing.assert_array_equal(draw_all_kinds(second), wanted)
        assert second.initial_seed() == 5


def test_a_state_holds_the_spare_normal():
    first = TorchGenerator(0)
    first.normal(3)
    second = TorchGenerator(1).set_state(first.get_state())
    np.testing.assert_array_equal(second.normal(1), first.normal(1))
    fresh = TorchGenerator().set_state(second.get_state())  # the spare is used up
    np.testing.assert_array_equal(fresh.normal(3), first.normal(3))


def test_the_default_stream_has_a_state():
    set_seed(4)
    state = get_rng_state()
    wanted = draw_all_kinds(choose_generator(None, None))
    set_rng_state(state)
    np.testing.assert_array_equal(draw_all_kinds(choose_generator(None, None)), wanted)


def damaged(place, value):
    state = TorchGenerator(0).get_state()
    state[place] = value
    return state


@pytest.mark.parametrize(
    ("blob", "sentence"),
    [
        (
            "a state",
            r"state: is no state .wanted the 5056 bytes of .*, got 'str'",
        ),
        (7, "got 'int'"),
        (np.zeros(5056), "got 'float64'"),
        (np.zeros(16, np.uint8), r"got \(16,\)\). A state of torch.cuda is of another kind"),
        (b"", r"got \(0,\)"),
        (damaged(12, 0), "the bytes are damaged"),
        (damaged(slice(8, 12), 255), "the bytes are damaged"),
        (damaged(23, 1), "the bytes are damaged"),
    ],
)
def test_what_is_no_state(blob, sentence):
    generator = TorchGenerator(3)
    with pytest.raises(ArgumentError, match=sentence):
        generator.set_state(blob)
    np.testing.assert_array_equal(draw_all_kinds(generator), draw_all_kinds(TorchGenerator(3)))


def test_generate_takes_a_generator_or_a_state():
    generator = TorchGenerator(3, stream="mkl_mcg31")
    assert choose_generator(None, generator) is generator
    for blob in (TorchGenerator(3).get_state(), TorchGenerator(3).get_state().tobytes()):
        chosen = choose_generator(None, blob)
        np.testing.assert_array_equal(draw_all_kinds(chosen), draw_all_kinds(TorchGenerator(3)))


@pytest.mark.parametrize(
    ("generator", "sentence"),
    [
        (np.random.default_rng(0), "generator: draws other numbers.*'Generator'.*Pass seed="),
        (np.random.RandomState(0), "got 'RandomState'"),
        (SimpleNamespace(get_state=None), r"Pass its generator.get_state\(\)"),
        (5, "state: is no state"),
    ],
)
def test_other_generators_get_a_sentence(generator, sentence):
    with pytest.raises(ArgumentError, match=sentence):
        choose_generator(None, generator)


def test_a_seed_and_a_state_contradict():
    with pytest.raises(ArgumentError, match="give one of them, not both"):
        choose_generator(1, TorchGenerator(0).get_state())


# ---- which stream a torch has --------------------------------------------------------------------


class TorchStandIn:
    """As much of torch as ``detect_stream`` calls, drawing from one of our streams."""

    float32 = np.float32

    def __init__(self, stream="mt53", scale=1.0):
        self.stream, self.scale = stream, scale

    def Generator(self):
        return TorchGenerator(0, self.stream)

    def empty(self, size, dtype):
        def exponential_(generator):
            draws = (generator.exponential(size) * self.scale).astype(dtype)
            return SimpleNamespace(numpy=lambda: draws)

        return SimpleNamespace(exponential_=exponential_)


@pytest.mark.parametrize("stream", STREAMS)
def test_each_stream_is_told(stream):
    assert detect_stream(TorchStandIn(stream)) == stream


def test_a_torch_that_draws_otherwise_gets_a_sentence():
    with pytest.raises(ArgumentError, match="torch: this torch draws other exponentials"):
        detect_stream(TorchStandIn(scale=1.01))


@pytest.mark.parametrize("no_torch", ["torch", None, np])
def test_what_is_not_torch(no_torch):
    with pytest.raises(ArgumentError, match=r"torch: is not torch .wanted the imported module"):
        detect_stream(no_torch)


# ---- live ----------------------------------------------------------------------------------------


@pytest.mark.parity
@pytest.mark.parametrize("words", [0, 1, 3, 623, 624, 625, 5000])
@pytest.mark.parametrize("normals", [0, 1, 2])
def test_states_are_torchs(words, normals):
    torch = pytest.importorskip("torch")
    theirs = torch.Generator().manual_seed(2**40 + 7)
    if words:
        torch.rand(words, generator=theirs)
    torch.randn(normals, generator=theirs)
    ours = TorchGenerator().set_state(theirs.get_state())
    assert ours.initial_seed() == theirs.initial_seed()
    assert TorchGenerator().set_state(ours.get_state()).initial_seed() == theirs.initial_seed()
    back = torch.Generator()
    back.set_state(torch.from_numpy(ours.get_state()))
    wanted = [*torch.randn(5, generator=theirs), *torch.rand(9, generator=theirs)]
    for generator in (ours, TorchGenerator().set_state(ours.get_state())):
        draws = [*generator.normal(5), *generator.uniform(9)]
        np.testing.assert_allclose(draws, wanted, atol=5e-7)
    assert (
        torch.randn(5, generator=back).tolist() + torch.rand(9, generator=back).tolist() == wanted
    )


@pytest.mark.parity
def test_the_installed_torch_has_a_known_stream():
    torch = pytest.importorskip("torch")
    before = torch.get_rng_state()
    assert detect_stream(torch) == "mt53"  # torch 2.13, as parity is pinned to
    assert (torch.get_rng_state() == before).all()


@pytest.mark.parity
@pytest.mark.parametrize("num_samples", [2, 4, 8])
def test_beams_draw_what_torch_draws(num_samples):
    """Several without replacement, with as many zeros as top_k leaves, from a state of torch."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)
    generator = TorchGenerator().set_state(torch.get_rng_state())
    logits = np.random.default_rng(1).normal(size=(40, 3, 800)).astype(np.float32) * 4
    for rows in logits:
        rows[rows < np.sort(rows)[:, -50:-49]] = -np.inf
        probabilities = torch.softmax(torch.tensor(rows), -1)
        wanted = torch.multinomial(probabilities, num_samples).numpy()
        drawn = generator.multinomial(probabilities.numpy(), num_samples)
        np.testing.assert_array_equal(drawn, wanted)


@pytest.mark.parity
def test_a_torch_generator_is_told_to_give_its_state():
    torch = pytest.importorskip("torch")
    with pytest.raises(ArgumentError, match=r"Pass its generator.get_state\(\)"):
        choose_generator(None, torch.Generator())
