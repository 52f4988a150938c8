"""Floor 0 · The state of torch's CPU generator: the bytes that ``torch.get_rng_state()`` gives.

Mirrors CPUGeneratorImplState of ATen/CPUGeneratorImpl.cpp, as measured in torch 2.13.
"""

import numpy as np

from tinyhf.errors import ArgumentError

WORDS = 624  # the Mersenne Twister makes so many at a time, and gives them out one by one

#: The fields of the 5056 bytes, little-endian.
STATE = np.dtype(
    [
        ("seed", "<u8"),
        ("left", "<i4"),  # words until the next 624 are made, plus one
        ("seeded", "<i4"),
        ("next", "<u8"),  # the place of the next word; without meaning where left is 1
        ("words", "<u8", WORDS),  # 32 bits each
        ("unused", "V8"),
        ("spare_normal", "<f8"),  # the second one of a pair, if the next three fields say so
        ("unused_too", "V8"),
        ("has_spare_normal", "<i4"),
        ("padding", "V12"),
    ]
)


def read_state(blob):
    """The fields of ``STATE``, out of a state as torch gives it.

    Args:
        blob: uint8 (5056,) as an array, as bytes, or as anything with ``.numpy()``.

    Raises:
        ArgumentError: it is something else.
    """
    wanted = f"the {STATE.itemsize} bytes of torch.get_rng_state()"
    array = blob.numpy() if hasattr(blob, "numpy") else blob
    if isinstance(array, bytes | bytearray):
        array = np.frombuffer(array, np.uint8)
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8:
        got = getattr(array, "dtype", type(blob).__name__)
        raise ArgumentError("is no state", where="state", wanted=wanted, got=str(got))
    if array.shape != (STATE.itemsize,):
        fix = "A state of torch.cuda is of another kind: draws are made on the CPU."
        problem = "is no state of torch's CPU generator"
        raise ArgumentError(problem, where="state", wanted=wanted, got=array.shape, fix=fix)
    state = np.frombuffer(array.tobytes(), STATE)[0]
    if not (state["seeded"] and 1 <= state["left"] <= WORDS and state["next"] <= WORDS):
        raise ArgumentError("the bytes are damaged", where="state", wanted=wanted)
    return state


def read_mersenne_twister(state):
    """What ``numpy.random.RandomState.set_state`` wants: the words, and how many are used up."""
    used = WORDS if state["left"] == 1 else int(state["next"])
    return "MT19937", state["words"].astype(np.uint32), used


def write_state(seed, mersenne_twister, spare_normal):
    """The bytes that ``torch.set_rng_state`` takes: uint8 (5056,).

    Args:
        seed: any whole number; 64 bits of it are kept.
        mersenne_twister: what ``numpy.random.RandomState.get_state()`` gives.
        spare_normal: a float, or None.
    """
    _, words, used, *_ = mersenne_twister
    state = np.zeros(1, STATE)
    state["seed"], state["seeded"] = seed & (2**64 - 1), 1
    state["words"], state["next"], state["left"] = words, used, WORDS + 1 - used
    if spare_normal is not None:
        state["spare_normal"], state["has_spare_normal"] = spare_normal, 1
    return state.view(np.uint8)
