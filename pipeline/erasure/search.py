"""Searches a file for tokens, whatever it is packed in: archives within archives, columns, databases, UTF-16."""

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from pipeline.erasure.cells import column_holds, database_holds, parquet_holds
from pipeline.erasure.sought import Sought

_CHUNK = 4 << 20
_OVERLAP = 4 * 32  # a token in UTF-32
_DEEPEST = 8
_MOST_BYTES = 64 << 30
"""How much of one file is unpacked [B]: an archive of zeros must not stop the night for ever."""
_ZLIB = {b"x\x01", b"x\x5e", b"x\x9c", b"x\xda"}
_SQLITE = b"SQLite format 3\0"
_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError, NotImplementedError, RuntimeError, KeyError)
"""What readers of archives raise for damaged, encrypted or unknown content."""


class NotSearched(Exception):
    """A part of a file could not be unpacked, and may hold anything."""


def holds(path: Path, sought: Sought) -> bool:
    """Return whether a file contains one of the tokens.

    Raises:
        NotSearched: it does not as far as it could be unpacked, and a part could not.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if file.read(len(_SQLITE)) == _SQLITE and database_holds(path, sought):
            return True
        file.seek(0)
        return _Search(sought).stream_holds(file)


class _Search:
    """One search through one file; remembers what could not be unpacked, and how much was."""

    def __init__(self, sought: Sought) -> None:
        self.sought, self.n_bytes = sought, 0

    def stream_holds(self, file: IO[bytes], depth: int = 0) -> bool:
        """Search a stream that can be read again from its start, as it is and unpacked."""
        missed: NotSearched | None = None
        head = file.read(512)
        file.seek(0)
        if self._bytes_hold(file):
            return True
        file.seek(0)
        for part in self._parts(file, head) if depth < _DEEPEST else ():
            try:
                if part is True or (isinstance(part, io.IOBase | pa.NativeFile) and self._part_holds(part, depth)):
                    return True
            except NotSearched as err:
                missed = err
            if isinstance(part, NotSearched):
                missed = part
        if missed is not None:
            raise missed
        return False

    def _part_holds(self, part: Any, depth: int) -> bool:
        with tempfile.SpooledTemporaryFile(max_size=_CHUNK * 8) as whole, closing(part):
            try:
                while chunk := part.read(_CHUNK):
                    self.n_bytes += len(chunk)
                    if self.n_bytes > _MOST_BYTES:
                        raise NotSearched("it unpacks to too much")
                    whole.write(chunk)
            except _DAMAGED as err:
                whole.seek(0)
                if self.stream_holds(whole, depth + 1):
                    return True
                raise NotSearched(str(err)) from err
            whole.seek(0)
            return self.stream_holds(whole, depth + 1)

    def _bytes_hold(self, file: IO[bytes]) -> bool:
        tail = b""
        while chunk := file.read(_CHUNK):
            if self.sought.in_bytes(tail + chunk):
                return True
            tail = chunk[-_OVERLAP:]
        return False

    def _parts(self, file: IO[bytes], head: bytes) -> Iterator[Any]:
        """Yield what a packed file holds: streams, whether a table holds a token, and what could not be unpacked."""
        if head[:4] == b"PK\x03\x04":
            yield from _zip_parts(file, self.sought)
        elif head[257:262] == b"ustar":
            yield from _tar_parts(file)
        elif head[:4] == b"PAR1":
            with suppress(OSError, pa.ArrowException):  # a damaged table is searched as it is
                yield parquet_holds(file, self.sought)
        elif head[:6] == b"ARROW1":
            with suppress(OSError, pa.ArrowException):
                yield any(column_holds(column, self.sought) for column in pa.ipc.open_file(file).read_all().columns)
        elif (unpacked := _unpacked(file, head)) is not None:
            yield unpacked


def _unpacked(file: IO[bytes], head: bytes) -> Any:
    if head[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=file, mode="rb")
    if head[:3] == b"BZh":
        return bz2.BZ2File(file)
    if head[:6] == b"\xfd7zXZ\0":
        return lzma.LZMAFile(file)
    for magic, codec in ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\x04\x22\x4d\x18", "lz4")):
        if head[:4] == magic:
            return pa.CompressedInputStream(pa.PythonFile(file, "r"), codec)
    return _Inflated(file) if head[:2] in _ZLIB else None


class _Inflated(io.RawIOBase):
    """The content of a zlib stream, such as a loose object of Git; a file that only begins like one gives nothing."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._zlib = file, zlib.decompressobj()

    def read(self, size: int = -1) -> bytes:
        with suppress(zlib.error):
            while data := self._zlib.unconsumed_tail or self._file.read(_CHUNK):
                if found := self._zlib.decompress(data, max(size, 1)):
                    return found
        return b""


def _zip_parts(file: IO[bytes], sought: Sought) -> Iterator[Any]:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, *_DAMAGED) as err:
        yield NotSearched(str(err))
        return
    for member in archive.infolist():
        yield sought.in_bytes(member.filename.encode() + b"\n" + member.comment)
        if not member.is_dir():
            try:
                yield archive.open(member)
            except (zipfile.BadZipFile, *_DAMAGED) as err:
                yield NotSearched(str(err))


def _tar_parts(file: IO[bytes]) -> Iterator[Any]:
    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for member in archive:
                if member.isfile() and (content := archive.extractfile(member)) is not None:
                    yield content
    except (tarfile.TarError, *_DAMAGED) as err:
        yield NotSearched(str(err))
