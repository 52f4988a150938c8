"""Floor 8 · What a command says beside its result: errors and notes, on the standard error."""

import logging
import sys
from contextlib import contextmanager

from tinyhf.errors import TinyHFError, logger


def tell(error):
    """One line about what went wrong, and the exit code for it."""
    if isinstance(error, TinyHFError):
        print(f"tinyhf: error: {error}", file=sys.stderr)
        return 2
    words = " ".join([type(error).__name__, *str(error).split()])
    print(f"tinyhf: error: {words} (--debug shows where it happened)", file=sys.stderr)
    return 1


def note(message):
    """One line that is not part of the result."""
    print(f"tinyhf: note: {message}", file=sys.stderr)


@contextmanager
def notes_on_stderr():
    """Inside, what the library logs is shown as ``tinyhf: note: …``."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("tinyhf: note: %(message)s"))
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
