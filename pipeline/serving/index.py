"""Reads the serving index of a release.

Keys and places are held in memory, 16 bytes a listener; records are read where they lie in the page cache, which all
workers share. They are not mapped into memory: a mapped file that is cut off ends the process (SIGBUS), and this
server must answer from the release before it instead.
"""

import os
from bisect import bisect_left
from pathlib import Path

from pipeline.serving.layout import (
    HEADER,
    MAGIC,
    MAGIC_WITH_ARMS,
    NO_KEY,
    DamagedIndex,
    Entry,
    key_of,
    start_and_length,
    unpack,
)

_pread = os.pread


class Index:
    """An open index. The file is closed with the last reference, so a request that holds one can always finish.

    Attributes:
        n_listeners: number of listeners who have a list.
        fallback: the list of all other listeners.
        stamp: inode, size [B] and time of change [ns] of the file.
    """

    def __init__(self, path: Path) -> None:
        """Open an index and read its keys, places and fallback list.

        Raises:
            DamagedIndex: the file is missing, is no index, or is not of its size.
        """
        try:
            self._file = path.open("rb", buffering=0)
            self._handle = self._file.fileno()
            found = os.fstat(self._handle)
            self._read(found.st_size)
        except OSError as err:
            raise DamagedIndex(f"{path.name} cannot be read: {err.strerror}") from err
        self.stamp = found.st_ino, found.st_size, found.st_mtime_ns

    def _read(self, found_size: int) -> None:
        header = _pread(self._handle, HEADER.size, 0)
        if len(header) < HEADER.size:
            raise DamagedIndex("the index is cut off")
        magic, self.n_listeners, fallback, keys, places, size = HEADER.unpack(header)
        n_bytes = 8 * self.n_listeners
        if (
            magic not in (MAGIC, MAGIC_WITH_ARMS)
            or size != found_size
            or keys + n_bytes != places
            or places + n_bytes != size
        ):
            raise DamagedIndex("the index is of another version, or is cut off")
        columns = memoryview(_pread_all(self._handle, 2 * n_bytes, keys)).cast("Q")
        self._keys, self._places = columns[: self.n_listeners], columns[self.n_listeners :]
        self.fallback = self._entry(fallback, NO_KEY)

    def find(self, name: str) -> Entry | None:
        """Return a listener's list; None if the release has none.

        Raises:
            DamagedIndex: the file was changed since it was opened.
        """
        key = key_of(name)
        row = bisect_left(self._keys, key)
        if row == self.n_listeners or self._keys[row] != key:
            return None
        return self._entry(self._places[row], key)

    def _entry(self, place: int, key: int) -> Entry:
        start, length = start_and_length(place)
        try:
            return unpack(_pread(self._handle, length, start), key)
        except OSError as err:
            raise DamagedIndex(f"the index cannot be read: {err.strerror}") from err


def _pread_all(handle: int, length: int, start: int) -> bytes:
    """Return bytes of a file; one call returns two gigabytes at most.

    Raises:
        DamagedIndex: the file is cut off.
    """
    parts = []
    while length:
        parts.append(_pread(handle, length, start))
        if not parts[-1]:
            raise DamagedIndex("the index is cut off")
        length, start = length - len(parts[-1]), start + len(parts[-1])
    return b"".join(parts)
