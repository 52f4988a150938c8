"""Floor 0 · torch's random numbers, drawn with NumPy: the same seed gives the very same tokens.

Mirrors torch's CPU generator (ATen/core/MT19937RNGEngine.h, DistributionsHelper.h), as measured in
torch 2.13. Every draw starts from 32-bit words of the Mersenne Twister mt19937 (Matsumoto and
Nishimura 1998); kinds of numbers differ in how many words one of them takes:

    one word   → 24 low bits → a float32 uniform
    two words  → 53 low bits → a float64 uniform → an exponential, or a yes or no

NumPy's own global generator is neither read nor seeded.
"""

import math
import operator
import secrets

import numpy as np

from tinyhf.backend.random_state import read_mersenne_twister, read_state, write_state
from tinyhf.errors import ArgumentError

STREAMS = ("mt53", "mkl_mcg31")


class TorchGenerator:
    """A stream of random numbers equal to that of ``torch.Generator().manual_seed(seed)``.

    Args:
        seed: any whole number (its low 32 bits count, as in torch); None asks the operating system.
        stream: where exponentials, and so ``multinomial``, come from: ``"mt53"`` is today's torch;
            ``"mkl_mcg31"`` is those builds that took them from Intel MKL's short-period generator
            (pytorch issue 150538). ``detect_stream(torch)`` tells which one an installed torch has.
    """

    def __init__(self, seed=None, stream="mt53"):
        if stream not in STREAMS:
            wanted = " or ".join(map(repr, STREAMS))
            raise ArgumentError("unknown stream", where="stream", wanted=wanted, got=stream)
        self.stream = stream
        self.manual_seed(secrets.randbits(32) if seed is None else seed)

    def manual_seed(self, seed):
        """Start the stream over from ``seed``; returns the generator itself, as torch does."""
        try:
            self._seed = operator.index(seed)
        except TypeError as error:
            raise ArgumentError("must be a whole number", where="seed", got=seed) from error
        self._mersenne_twister = np.random.RandomState(self._seed & 0xFFFFFFFF)
        self._spare_normal = None
        return self

    def initial_seed(self):
        """The seed this stream started from, also when the operating system chose it."""
        return self._seed

    def get_state(self):
        """Where the stream stands, as ``torch.Generator.set_state`` takes it: uint8 (5056,)."""
        return write_state(self._seed, self._mersenne_twister.get_state(), self._spare_normal)

    def set_state(self, state):
        """Go on from ``state``; returns the generator itself.

        Args:
            state: what ``get_state()`` or ``torch.get_rng_state()`` gave: an array, a tensor or
                bytes.

        Raises:
            ArgumentError: it is no such state.
        """
        fields = read_state(state)
        self._seed = int(fields["seed"])
        self._mersenne_twister.set_state(read_mersenne_twister(fields))
        spare = float(fields["spare_normal"])
        self._spare_normal = spare if fields["has_spare_normal"] else None
        return self

    # ---- words become uniforms -----------------------------------------------------------------

    def _words(self, count):
        return self._mersenne_twister.randint(0, 2**32, size=count, dtype=np.uint32)

    def _uniform53(self, count):
        words = self._words(2 * count).reshape(count, 2)
        return (words[:, 0] & 0x1FFFFF) * 2.0**-21 + words[:, 1] * 2.0**-53  # 21 + 32 bits

    def uniform(self, shape, low=0.0, high=1.0):
        """float32 in [low, high), as ``torch.rand`` and ``Tensor.uniform_``; rounded once."""
        low, high = np.float32(low), np.float32(high)
        fractions = (self._words(_count(shape)) & 0xFFFFFF) * 2.0**-24  # float64
        return (fractions * float(high - low) + float(low)).astype(np.float32).reshape(shape)

    # ---- uniforms become other kinds -----------------------------------------------------------

    def exponential(self, shape):
        """float32 with density exp(-x), as ``Tensor.exponential_()``: -log(1 - uniform)."""
        count = _count(shape)
        if self.stream == "mkl_mcg31":
            draws = _mkl_exponentials(self._words(1).item(), count)
        else:
            draws = -np.log1p(-self._uniform53(count))
        return draws.astype(np.float32).reshape(shape)

    def multinomial(self, probabilities, num_samples=1):
        """Indices drawn by their probability, without replacement, as ``torch.multinomial``.

        An exponential race: entry i arrives after an exponential time / probability[i], and is the
        first to arrive with exactly that probability. The largest inverse time is the first.

        Args:
            probabilities: float32 (rows, entries); rows need not sum to one.

        Returns:
            int64 (rows, num_samples), in the order of arrival.
        """
        inverse_times = probabilities / self.exponential(probabilities.shape)
        if num_samples == 1:
            return inverse_times.argmax(axis=-1, keepdims=True)
        return np.argsort(-inverse_times, axis=-1, kind="stable")[:, :num_samples]

    def bernoulli(self, shape, probability):
        """True with ``probability``; a dropout of p keeps ``bernoulli(shape, 1 - p)``."""
        return self._uniform53(_count(shape)).reshape(shape) < probability

    def normal(self, shape, mean=0.0, std=1.0):
        """float32 from the bell curve, as ``torch.randn`` and ``Tensor.normal_``, within 5e-7.

        torch makes 16 or more at once in float32, fewer one by one in float64, both by the
        transform of Box and Muller (1958).
        """
        count = _count(shape)
        if count < 16:
            draws = np.array([self._next_normal() for _ in range(count)])
            return (draws * std + mean).astype(np.float32).reshape(shape)
        draws = self.uniform(count)
        whole = count - count % 16
        draws[:whole] = _box_muller(draws[:whole])
        if whole < count:  # the last block of 16 overlaps the one before, and draws afresh
            draws[-16:] = _box_muller(self.uniform(16))
        return (draws * std + mean).reshape(shape)

    def _next_normal(self):
        if self._spare_normal is not None:
            spare, self._spare_normal = self._spare_normal, None
            return spare
        angle, distance = self._uniform53(2).tolist()
        radius = math.sqrt(-2.0 * math.log1p(-distance))
        self._spare_normal = radius * math.sin(2.0 * math.pi * angle)
        return radius * math.cos(2.0 * math.pi * angle)

    def randint(self, high, shape):
        """int64 from 0 to high - 1, as ``torch.randint(high, shape)`` for high below 2**32."""
        return (self._words(_count(shape)) % high).astype(np.int64).reshape(shape)

    def randperm(self, n):
        """int64 (n,): 0 … n-1 in random order (Fisher and Yates), as ``torch.randperm``."""
        order = list(range(n))
        for i, word in enumerate(self._words(max(n - 1, 0)).tolist()):
            other = i + word % (n - i)
            order[i], order[other] = order[other], order[i]
        return np.array(order, np.int64)


def _count(shape):
    return shape if isinstance(shape, int) else math.prod(shape)


def _box_muller(uniforms):
    # torch's blocks of 16: eight distances, then eight angles; eight cosines, then eight sines
    distance, angle = uniforms.reshape(-1, 2, 8).swapaxes(0, 1)
    radius = np.sqrt(-2.0 * np.log(1.0 - distance))
    theta = 2.0 * math.pi * angle
    return np.stack([radius * np.cos(theta), radius * np.sin(theta)], axis=1).reshape(-1)


def _mkl_exponentials(seed, count):
    # x[n+1] = multiplier * x[n] % modulus (L'Ecuyer 1999), so x[n] = x[0] * multiplier**n: the
    # powers are made by doubling, each product stays below 2**62
    multiplier, modulus = 1132489760, 2**31 - 1
    powers = np.ones(1, np.int64)
    while len(powers) < count:
        stride = pow(multiplier, len(powers), modulus)
        powers = np.concatenate([powers, powers * stride % modulus])
    states = powers[:count] * (seed % modulus or 1) % modulus
    return -np.log(states / modulus)


_default_generator = TorchGenerator()


def default_generator():
    """The stream that every call without a seed of its own goes on drawing from, as in torch."""
    return _default_generator


def set_seed(seed):
    """Start the default stream over from ``seed``, as ``transformers.set_seed`` does."""
    _default_generator.manual_seed(seed)


def get_rng_state():
    """Where the default stream stands, as ``torch.set_rng_state`` takes it: uint8 (5056,)."""
    return _default_generator.get_state()


def set_rng_state(new_state):
    """Let the default stream go on from what ``torch.get_rng_state()`` gave."""
    _default_generator.set_state(new_state)


def detect_stream(torch):
    """The stream that the installed torch draws from: ``"mt53"`` or ``"mkl_mcg31"``.

        TorchGenerator(seed, stream=detect_stream(torch))

    Ten exponentials are drawn from a generator of their own: torch's global one stays as it is.

    Args:
        torch: the module, imported by you: tinyhf itself never does.

    Raises:
        ArgumentError: it is not torch, or this torch draws other numbers than both streams.
    """
    try:
        theirs = torch.Generator().manual_seed(42)
        draws = [torch.empty(5, dtype=torch.float32) for _ in range(2)]
        draws = np.stack([draw.exponential_(generator=theirs).numpy() for draw in draws])
    except AttributeError as error:
        wanted = "the imported module torch"
        raise ArgumentError("is not torch", where="torch", wanted=wanted, got=torch) from error
    for stream in STREAMS:
        ours = TorchGenerator(42, stream)
        if np.allclose(draws, [ours.exponential(5), ours.exponential(5)], rtol=1e-5, atol=1e-6):
            return stream
    raise ArgumentError(
        "this torch draws other exponentials than both known streams",
        where="torch",
        got=draws[0].tolist(),
        fix="The same seed will not give its tokens; any stream gives tokens as random.",
    )
