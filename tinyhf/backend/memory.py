"""Floor 0 · How many bytes are free, so that a load that cannot fit is refused before it starts."""

import importlib
import re
from pathlib import Path

from tinyhf.backend.arrays import LIBRARIES, device_context, parse_device


def free_memory(device="cpu"):
    """Free bytes on ``device``, or None where the system does not tell.

    On the CPU: the least of what Linux calls available, what the process limits (``ulimit -v`` and
    ``-d``) leave, and what the container (cgroup v2) leaves.
    """
    kind = parse_device(device).partition(":")[0]
    if kind != "cpu":
        with device_context(device):
            return importlib.import_module(LIBRARIES[kind]).cuda.runtime.memGetInfo()[0]
    known = [bytes_left() for bytes_left in (_system, _process_limit, _container)]
    return min((value for value in known if value is not None), default=None)


def human_size(count):
    """``count`` bytes for people: ``2.47 GB``, ``12.6 MB``, ``704 kB`` (thousands, not 1024s)."""
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count} B"


def _system():
    return _read_field("/proc/meminfo", "MemAvailable:", 1024)


def _process_limit():
    """What ``ulimit -v`` (all addresses) and ``ulimit -d`` (private memory) leave."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return None
    left = []
    for limit, field in ((resource.RLIMIT_AS, "VmSize:"), (resource.RLIMIT_DATA, "VmData:")):
        most, used = resource.getrlimit(limit)[0], _read_field("/proc/self/status", field, 1024)
        if most != resource.RLIM_INFINITY and used is not None:
            left.append(max(most - used, 0))
    return min(left, default=None)


def _container():
    folder = Path("/sys/fs/cgroup")
    try:
        limit, used = (int((folder / f"memory.{name}").read_text()) for name in ("max", "current"))
    except (OSError, ValueError):  # no cgroup, or the limit reads "max"
        return None
    return max(limit - used, 0)


def _read_field(path, field, unit):
    try:
        text = Path(path).read_text()
    except OSError:  # not Linux
        return None
    found = re.search(rf"^{field}\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) * unit if found else None
