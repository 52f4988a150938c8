"""Floor 0 · Every error a user can meet, as one sentence.

A sentence says what is wrong, where it is (file, field, full parameter name), what was wanted and
what was found, and what to do about it. Each class is also the built-in class that transformers
raises in the same place, so that ``except OSError`` around ``from_pretrained`` works here as there.
"""

import functools
import logging

logger = logging.getLogger("tinyhf")


class TinyHFError(Exception):
    """Base of all errors here; the command line shows its sentence and exits with code 2.

    Args:
        problem: what is wrong, without a full stop.
        where: the file, field or parameter it is about.
        wanted: what would have been right.
        got: what was found instead (shown as Python writes it).
        fix: what the user can do, as a sentence.
    """

    _nothing = object()

    def __init__(self, problem, *, where=None, wanted=None, got=_nothing, fix=None):
        self.problem, self.where, self.wanted, self.fix = problem, where, wanted, fix
        self.got = None if got is self._nothing else got
        details = [f"wanted {wanted}"] if wanted is not None else []
        if got is not self._nothing:
            details.append(f"got {_shorten(repr(got))}")
        sentence = f"{where}: {problem}" if where else problem
        if details:
            sentence += f" ({', '.join(details)})"
        fix = fix if not fix or fix[-1] in ".?!" else f"{fix}."
        super().__init__(f"{sentence}. {fix}" if fix else f"{sentence}.")


def _shorten(text, limit=200):
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


class HubError(TinyHFError, OSError):
    """A name could not be turned into a local file."""


class ConfigError(TinyHFError, ValueError):
    """A field of a config is missing, of the wrong type, or impossible."""


class CheckpointError(TinyHFError, OSError):
    """A weight file or shard index is damaged, incomplete or points outside its folder."""


class WeightMismatchError(TinyHFError, RuntimeError):
    """The checkpoint's tensors do not fit the model's parameters."""


class TokenizerError(TinyHFError, ValueError):
    """A tokenizer cannot be built from its files, or text cannot be encoded as asked."""


class ArgumentError(TinyHFError, ValueError):
    """An argument of a call is unknown, contradictory or out of range."""


class NumericsError(TinyHFError, RuntimeError):
    """A result is NaN or infinite where numbers are needed."""


class DeviceError(TinyHFError, RuntimeError):
    """Arrays are not on the device they are needed on, or the device does not exist."""


class NotEnoughMemoryError(TinyHFError, MemoryError):
    """A load that cannot fit, said before it starts."""


class MissingExtraError(TinyHFError, ImportError):
    """An optional package is needed; the sentence names the command that installs it."""


@functools.cache
def note_once(message):
    """Log ``message`` as a warning, the first time only."""
    logger.warning(message)
