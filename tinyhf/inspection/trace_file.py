"""Floor 6 · A trace in a safetensors file, written while the model runs.

A safetensors file begins with a header that tells where everything lies, which is known at the end
only: until then the numbers go to a file beside it, so that a trace needs no memory of its own.
"""

import errno
import json
import os
from pathlib import Path

import numpy

from tinyhf.checkpoint.safetensors_file import DTYPES, SafetensorsFile
from tinyhf.errors import ArgumentError, CheckpointError

STORED = {numpy.dtype(dtype): name for name, dtype in DTYPES.items()}
FORMAT = "tinyhf trace 1"


class TraceFile:
    """Takes values one by one; leaving the ``with`` block without ``finish`` leaves no file."""

    def __init__(self, path):
        self.path = Path(path)
        self.numbers = self.path.with_name(f"{self.path.name}.numbers.tmp")
        self.header, self.position = {}, 0
        try:
            if self.path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            self.stream = self.numbers.open("wb")
        except OSError as error:
            problem = f"a trace cannot be written there ({error.strerror})"
            raise ArgumentError(problem, where=str(path), fix="Name a file in a folder.") from error

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stream.close()
        self.numbers.unlink(missing_ok=True)

    def add(self, step, name, value):
        """Write one value; returns a view of what was written."""
        value = numpy.ascontiguousarray(value)
        if value.dtype not in STORED:
            raise CheckpointError("no such type in safetensors", where=name, got=value.dtype.name)
        start, self.position = self.position, self.position + value.nbytes
        self.stream.write(value.tobytes())
        self.stream.flush()
        self.header.pop(f"{step}/{name}", None)  # a module called twice: the later value counts
        self.header[f"{step}/{name}"] = {
            "dtype": STORED[value.dtype],
            "shape": list(value.shape),
            "data_offsets": [start, self.position],
        }
        if not value.size:
            return value
        return numpy.memmap(self.numbers, value.dtype, "r", start, value.shape)

    def finish(self, places, about):
        """Put header and numbers together under the final name."""
        pieces, end = [entry["data_offsets"] for entry in self.header.values()], 0
        for entry, (start, stop) in zip(self.header.values(), pieces, strict=True):
            entry["data_offsets"] = [end, end := end + stop - start]
        metadata = {"format": FORMAT, "places": json.dumps(places), "about": json.dumps(about)}
        header = json.dumps({"__metadata__": metadata, **self.header}).encode()
        header += b" " * (-len(header) % 8)
        whole = self.path.with_name(f"{self.path.name}.tmp")
        try:
            with whole.open("wb") as target, self.numbers.open("rb") as numbers:
                target.write(len(header).to_bytes(8, "little") + header)
                for start, stop in pieces:
                    numbers.seek(start)
                    target.write(numbers.read(stop - start))
            os.replace(whole, self.path)
        finally:
            whole.unlink(missing_ok=True)


def read_trace_file(path):
    """(steps, places, about) of a file that ``TraceFile`` wrote; values are read when looked at.

    Raises:
        CheckpointError: the file is damaged, or holds something else.
    """
    file = SafetensorsFile(path)
    if file.metadata.get("format") != FORMAT:
        problem = "is a safetensors file, but not a trace"
        raise CheckpointError(
            problem, where=str(path), fix="tinyhf.trace(model, file=) writes one."
        )
    steps = []
    for key in file:
        number, _, name = key.partition("/")
        steps.extend({} for _ in range(int(number) + 1 - len(steps)))
        steps[int(number)][name] = file[key]
    return steps, json.loads(file.metadata["places"]), json.loads(file.metadata["about"])
