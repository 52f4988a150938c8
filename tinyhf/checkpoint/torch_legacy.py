"""Floor 1 · ``pytorch_model.bin`` as torch wrote it before version 1.6: pickles, then storages.

Mirrors _legacy_load of torch/serialization.py. Five pickles follow each other:

    a magic number │ a version │ the computer it was made on │ the tensors │ keys of the storages

and then, for each key in that order, 8 bytes with the count of numbers, and the numbers.
"""

from tinyhf.checkpoint.torch_file import Storage, TorchFile

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001


class TorchLegacyFile(TorchFile):
    """The tensors of a file without archive by name.

    Raises:
        CheckpointError: the file is damaged, or holds more than tensors.
    """

    def _read(self):
        magic_number, version = self.unpickle(self._map), self.unpickle(self._map)
        if (magic_number, version) != (MAGIC_NUMBER, PROTOCOL_VERSION):
            raise self.damaged("does not begin as torch.save begins a file")
        computer = self.unpickle(self._map)
        if type(computer) is not dict or computer.get("little_endian") is not True:
            raise self.damaged("was written on a computer with another byte order")
        state_dict, keys = self.unpickle(self._map), self.unpickle(self._map)
        if type(keys) is not list or set(map(type, keys)) - {str} or set(keys) - {*self._storages}:
            raise self.damaged("has a list of storages that does not fit its tensors")
        start = self._map.tell()
        for key in keys:
            start = self._place(key, start)
        return state_dict

    def _find_storage(self, key, dtype, nbytes):
        return Storage(dtype, nbytes)

    def _place(self, key, start):
        """Say where a storage lies whose count is at ``start``; returns where the next one is."""
        storage = self._storages[key]
        storage.start = start + 8
        nbytes = int.from_bytes(self._map[start : start + 8], "little") * storage.dtype.itemsize
        if nbytes != storage.nbytes or storage.start + nbytes > self.size:
            raise self.damaged(f"has a storage {key!r} that is cut short or of another size")
        return storage.start + nbytes
