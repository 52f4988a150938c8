"""A record of what was looked up where, for `tinyhf inspect` and for telling how a load went."""

from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

_active = ContextVar("active record of lookups", default=None)


class Lookup(NamedTuple):
    """One question to ``cached_file`` and its answer.

    ``result`` is the path found, or None. ``reason`` is "local folder", "bundled", "cache",
    "download", "not there", "not in the cache", or the sentence of the error raised.
    """

    name: str
    filename: str
    result: str | None
    reason: str


@contextmanager
def record_lookups():
    """``with record_lookups() as lookups:`` lists a ``Lookup`` for every file asked for inside."""
    lookups = []
    outer = _active.set(lookups)
    try:
        yield lookups
    finally:
        _active.reset(outer)


def record(lookup):
    """Add to the active record, if there is one."""
    lookups = _active.get()
    if lookups is not None:
        lookups.append(lookup)
