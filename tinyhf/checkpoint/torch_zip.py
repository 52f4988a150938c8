"""Floor 1 · ``pytorch_model.bin`` as torch has written it since version 1.6: a zip archive.

Mirrors _load of torch/serialization.py. Nothing in it is compressed, so that tensors are views of
the file:

    archive/data.pkl     the pickle: which part of which storage a tensor is
    archive/byteorder    "little"
    archive/data/0 …     the storages
"""

import zipfile

from tinyhf.checkpoint.torch_file import Storage, TorchFile

#: How each file in the archive begins: these bytes, 22 that the archive's directory repeats, two
#: lengths of two bytes, and a name and an extra field of those lengths.
LOCAL_HEADER = b"PK\x03\x04"
LOCAL_HEADER_SIZE = 30

DAMAGE = (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError)


class TorchZipFile(TorchFile):
    """The tensors of a zip archive by name.

    Raises:
        CheckpointError: the archive is damaged, or holds more than tensors.
    """

    def _read(self):
        try:
            with zipfile.ZipFile(self.path) as archive:
                self._records = {entry.filename: entry for entry in archive.infolist()}
        except DAMAGE as error:
            raise self.damaged(f"is a zip archive that cannot be read: {error}") from error
        pickles = [name for name in self._records if name.partition("/")[2] == "data.pkl"]
        if len(pickles) != 1:
            raise self.damaged("is a zip archive, but not of torch.save: it has no data.pkl")
        self._folder = pickles[0].removesuffix("data.pkl")
        if self._folder + "byteorder" in self._records and self._bytes_of("byteorder") != b"little":
            raise self.damaged("was written on a computer with another byte order")
        return self.unpickle(self._bytes_of("data.pkl"))

    def _find_storage(self, key, dtype, nbytes):
        start, end = self._extent(f"data/{key}")
        if end - start != nbytes:
            problem = f"has a storage {key!r} of another size than its pickle says"
            raise self.damaged(problem, wanted=nbytes, got=end - start)
        return Storage(dtype, nbytes, start)

    def _bytes_of(self, name):
        start, end = self._extent(name)
        return self._map[start:end]

    def _extent(self, name):
        """Where the content of a file in the archive starts and ends."""
        entry = self._records.get(self._folder + name)
        if entry is None:
            raise self.damaged(f"has no {name!r} in its archive")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise self.damaged(f"has {name!r} compressed or encrypted, as torch.save never does")
        header = self._map[entry.header_offset : entry.header_offset + LOCAL_HEADER_SIZE]
        lengths = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        start = entry.header_offset + LOCAL_HEADER_SIZE + lengths
        end = start + entry.file_size
        if not header.startswith(LOCAL_HEADER) or end > self.size:
            raise self.damaged(f"has an archive whose directory is wrong about {name!r}")
        return start, end
