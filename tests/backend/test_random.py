"""tinyhf.backend.random draws torch's numbers. Golden ones are from torch 2.13 on x86-64 Linux."""

import time

import numpy as np
import pytest

from tinyhf.backend.random import TorchGenerator, default_generator, set_seed
from tinyhf.errors import ArgumentError


def close(draws, wanted, tolerance=0.0):
    np.testing.assert_allclose(
        draws, np.asarray(wanted).astype(draws.dtype), rtol=0, atol=tolerance
    )


def test_exponential_golden():
    draws = TorchGenerator(1234).exponential((1, 5))
    assert draws.shape == (1, 5)
    assert draws.dtype == np.float32
    close(draws[0], [0.26374966, 0.08202802, 0.6281203, 0.5350833, 0.4950334], 6e-8)


@pytest.mark.parametrize(
    ("stream", "wanted"),
    [
        ("mt53", [1.6459, 0.4294, 0.0677, 1.3809, 0.7803]),
        ("mkl_mcg31", [0.5809, 0.0436, 2.0548, 1.9680, 0.3315]),
    ],
)
def test_both_streams_of_pytorch_issue_150538(stream, wanted):
    generator = TorchGenerator(42, stream=stream)
    generator.uniform(5)
    close(generator.exponential(5), wanted, 5e-5)


def test_uniform_golden():
    close(TorchGenerator(0).uniform(5), [0.4962566, 0.7682218, 0.08847743, 0.13203049, 0.30742282])


def test_few_normals_golden():
    close(
        TorchGenerator(0).normal(5),
        [1.5409961, -0.2934289, -2.1787894, 0.56843126, -1.0845224],
    )


def test_many_normals_golden():
    draws = TorchGenerator(0).normal((4, 5))
    close(draws[0], [-1.1258398, -1.1523602, -0.25057858, -0.4338788, 0.59883946], 3e-7)
    close(draws[3], [-0.84367675, 0.9318266, 1.2590092, 2.0049806, 0.053736903], 3e-7)


def test_a_lone_normal_keeps_its_twin_for_the_next_call():
    one_by_one = TorchGenerator(0)
    draws = np.concatenate([one_by_one.normal(3), one_by_one.normal(2)])
    close(draws, TorchGenerator(0).normal(5))


def test_randperm_golden():
    close(TorchGenerator(0).randperm(10), [4, 1, 7, 5, 3, 9, 0, 8, 6, 2])
    assert TorchGenerator(0).randperm(0).shape == (0,)


def test_bernoulli_golden():
    close(TorchGenerator(7).bernoulli(8, 0.7), [1, 1, 0, 1, 0, 0, 1, 1])


def test_multinomial_golden():
    generator = TorchGenerator(7)
    probabilities = np.array([[0.1, 0.2, 0.3, 0.4]], np.float32)
    drawn = [generator.multinomial(probabilities).item() for _ in range(12)]
    assert drawn == [1, 2, 3, 1, 0, 3, 3, 3, 3, 1, 2, 1]


def test_multinomial_without_replacement_golden():
    probabilities = np.array([[0.1, 0.2, 0.3, 0.4], [0.25] * 4], np.float32)
    drawn = TorchGenerator(7).multinomial(probabilities, num_samples=2)
    assert drawn.tolist() == [[1, 3], [2, 3]]


def test_what_has_no_probability_is_never_drawn():
    probabilities = np.zeros((200, 1000), np.float32)
    probabilities[:, [3, 500]] = 0.5
    drawn = TorchGenerator(0).multinomial(probabilities)
    assert set(drawn.reshape(-1).tolist()) == {3, 500}


def test_only_the_low_32_bits_of_a_seed_count():
    wanted = TorchGenerator(5).exponential(3)
    for seed in (5 + 2**32, 5 - 2**32, np.int64(5)):
        close(TorchGenerator(seed).exponential(3), wanted)


def test_manual_seed_starts_over():
    generator = TorchGenerator(3)
    first = generator.normal(3)
    close(generator.manual_seed(3).normal(3), first)
    assert generator.initial_seed() == 3


def test_without_a_seed_every_generator_differs():
    assert TorchGenerator().initial_seed() != TorchGenerator().initial_seed()


def test_the_default_stream_goes_on():
    set_seed(11)
    draws = [default_generator().exponential(2) for _ in range(2)]
    close(np.concatenate(draws), TorchGenerator(11).exponential(4))


def test_numpys_global_generator_is_left_alone():
    np.random.seed(0)
    wanted = np.random.rand()
    np.random.seed(0)
    set_seed(1)
    TorchGenerator(2).multinomial(np.ones((2, 3), np.float32))
    assert np.random.rand() == wanted


@pytest.mark.parametrize("seed", [1.5, "1", [1]])
def test_a_seed_that_is_no_whole_number(seed):
    with pytest.raises(ArgumentError, match="seed: must be a whole number"):
        TorchGenerator(seed)


def test_an_unknown_stream():
    with pytest.raises(ArgumentError, match="'mt53' or 'mkl_mcg31', got 'philox'"):
        TorchGenerator(1, stream="philox")


def test_a_row_of_a_large_vocabulary_is_fast():
    generator = TorchGenerator(0)
    seconds = []
    for _ in range(20):
        start = time.perf_counter()
        generator.exponential((1, 32000))
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1e-3


@pytest.mark.parity
@pytest.mark.parametrize("seed", [0, 1234, 2**32 + 5, -7])
@pytest.mark.parametrize("count", [1, 2, 15, 16, 17, 31, 32, 33, 624, 50257])
def test_all_kinds_equal_torch(seed, count):
    """One kind after the other from one stream: each must also take as many words as torch does."""
    torch = pytest.importorskip("torch")
    generator = TorchGenerator(seed)
    torch.manual_seed(seed)
    for _ in range(2):
        close(generator.exponential(count), torch.empty(count).exponential_())
        close(generator.uniform(count), torch.rand(count))
        theirs = torch.empty(count).uniform_(-0.3, 0.2)
        np.testing.assert_array_equal(generator.uniform(count, -0.3, 0.2), theirs.numpy())
        close(generator.normal(count), torch.randn(count).numpy(), 5e-7)
        close(generator.normal(count, 1.0, 0.02), torch.empty(count).normal_(1.0, 0.02), 1.5e-7)
        close(generator.bernoulli(count, 0.9), torch.empty(count).bernoulli_(0.9))
        close(generator.randperm(min(count, 5000)), torch.randperm(min(count, 5000)))


@pytest.mark.parity
@pytest.mark.parametrize("num_samples", [1, 3])
def test_multinomial_equals_torch(num_samples):
    torch = pytest.importorskip("torch")
    generator = TorchGenerator(9)
    torch.manual_seed(9)
    logits = np.random.default_rng(0).normal(size=(30, 4, 1000)).astype(np.float32) * 3
    for rows in logits:
        probabilities = torch.softmax(torch.tensor(rows), -1)
        wanted = torch.multinomial(probabilities, num_samples).numpy()
        assert (generator.multinomial(probabilities.numpy(), num_samples) == wanted).all()
