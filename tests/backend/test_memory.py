"""How much memory is free: the least of what the system, the limits and the container leave."""

import pytest

from tinyhf.backend import free_memory, human_size
from tinyhf.backend import memory as memory_of_the_host

resource = pytest.importorskip("resource")


@pytest.mark.parametrize(
    ("limit", "field"), [(resource.RLIMIT_AS, "VmSize:"), (resource.RLIMIT_DATA, "VmData:")]
)
def test_limits_of_the_process_count(monkeypatch, limit, field):
    used = memory_of_the_host._read_field("/proc/self/status", field, 1024)
    if used is None:
        pytest.skip("not Linux")
    no_limit = resource.RLIM_INFINITY
    limits = {resource.RLIMIT_AS: no_limit, resource.RLIMIT_DATA: no_limit, limit: used + 10**8}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (limits[kind], no_limit))
    assert 0 < free_memory() <= 1.1e8
    limits[limit] = 1
    assert free_memory() == 0


def test_no_limit_and_no_container(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (resource.RLIM_INFINITY,) * 2)
    monkeypatch.setattr(memory_of_the_host, "_container", lambda: None)
    free = free_memory()
    assert free is None or free > 10**6
    monkeypatch.setattr(memory_of_the_host, "_system", lambda: None)
    assert free_memory() is None


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (704_000, "704 kB"), (2_474_000_000, "2.47 GB")]
)
def test_human_size(count, text):
    assert human_size(count) == text
