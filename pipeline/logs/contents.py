"""Bytes of a landed file, whole: decompressed, divided into lines."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.logs.reading import Repair, UnreadableFileError

COMPRESSION = {".gz": "gzip", ".zst": "zstd"}
_BLANK = b" \t\r\n"


def decompress(data: bytes, name: str) -> bytes:
    """The content of a file, by the ending of its name.

    Raises:
        UnreadableFileError: truncated, damaged, or not what its name says.
    """
    codec = next((codec for ending, codec in COMPRESSION.items() if name.endswith(ending)), None)
    if codec is None:
        return data
    if not data:
        raise UnreadableFileError("an empty file is no archive")
    try:
        with pa.CompressedInputStream(pa.BufferReader(data), codec) as stream:
            return bytes(stream.read())
    except (OSError, pa.ArrowInvalid) as err:
        raise UnreadableFileError(str(err)) from err


def read_parquet(data: bytes, *, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in the bytes of a file, or some of its columns; read by this thread alone, for one that gives Python's
    bytes back while the interpreter ends takes the process with it (SIGABRT).

    Raises:
        OSError, ArrowException: it is not Parquet, or lacks a column, or has it twice.
    """
    file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)  # `read_table` would start threads
    if columns is None:
        return file.read(use_threads=False)
    for name in columns:
        if (n := file.schema_arrow.names.count(name)) != 1:
            raise pa.ArrowInvalid(f"{n} columns {name!r}")
    return file.read(columns=list(columns), use_threads=False).select(list(columns))


_MARKS = {
    # UTF-32's mark begins with that of UTF-16, which a file of UTF-32 is not: its U+0000 are refused row by row.
    codecs.BOM_UTF16_LE: ("utf-16-le", Repair.UTF_16),
    codecs.BOM_UTF16_BE: ("utf-16-be", Repair.UTF_16),
    codecs.BOM_UTF8: (None, Repair.BYTE_ORDER_MARK),
}


def as_utf8(data: bytes) -> tuple[bytes, Repair | None]:
    """The content of a text file without its byte order mark, which says how it is written.

    Without a mark nothing is guessed: what is no UTF-8 then is put aside, row by row.

    Raises:
        UnreadableFileError: it is not what its mark says.
    """
    for mark, (codec, repair) in _MARKS.items():
        if data.startswith(mark):
            try:
                rest = data[len(mark) :]
                return (rest.decode(codec).encode() if codec else rest), repair
            except UnicodeDecodeError as err:
                raise UnreadableFileError(str(err)) from err
    return data, None


@dataclass(frozen=True)
class Lines:
    """Lines of a file that are not blank.

    Attributes:
        data: the file.
        number: int64 of shape (n,), each line's number in the file, counted from 0 with the blank ones.
        start, end: int64 of shape (n,), each line's first byte and the byte after its line feed.
    """

    data: bytes
    number: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.number)

    def line(self, i: int) -> bytes:
        """Line i of those that are not blank, without its line feed."""
        return self.data[self.start[i] : self.end[i]].rstrip(b"\r\n")

    def raw(self, number: int) -> bytes:
        """The line of that number in the file."""
        return self.line(int(np.searchsorted(self.number, number)))

    def between(self, first: int, last: int) -> "Lines":
        """Lines first … last−1."""
        return Lines(self.data, self.number[first:last], self.start[first:last], self.end[first:last])

    def select(self, keep: npt.NDArray[np.bool_]) -> "Lines":
        """Some of the lines, brought together."""
        number, start, end = self.number[keep], self.start[keep], self.end[keep]
        apart = start[1:] != end[:-1]
        firsts, lasts = start[np.append(True, apart)[: len(start)]], end[np.append(apart, True)[: len(end)]]
        data = b"".join(self.data[i:j] for i, j in zip(firsts.tolist(), lasts.tolist(), strict=True))
        ends = np.cumsum(end - start)
        return Lines(data, number, ends - (end - start), ends)

    def block(self) -> bytes:
        """All of them, and blank lines that lie between."""
        return self.data[self.start[0] : self.end[-1]]

    def cut_off(self, opening: bytes, closing: bytes) -> npt.NDArray[np.bool_]:
        """Which lines do not begin and end as they should; white space around a line counts as a fault."""
        buffer = np.frombuffer(self.data, dtype=np.uint8)
        last = self.end - 1
        for ending in b"\n\r":
            last = last - (buffer[last] == ending)
        return np.asarray(
            (buffer[self.start] != opening[0]) | (buffer[np.maximum(last, self.start)] != closing[0]), dtype=np.bool_
        )

    def longer_than(self, n_bytes: int) -> npt.NDArray[np.bool_]:
        """Which lines are longer than that."""
        return np.asarray(self.end - self.start > n_bytes, dtype=np.bool_)

    def not_utf8(self) -> npt.NDArray[np.bool_]:
        """Which lines are not UTF-8."""
        bad = np.zeros(len(self), dtype=bool)
        position, view = 0, memoryview(self.data)
        while True:
            try:
                codecs.utf_8_decode(view[position:], "strict", True)
            except UnicodeDecodeError as err:
                i = int(np.searchsorted(self.end, position + err.start, side="right"))
                bad[i] = True
                position = int(self.end[i])
            else:
                return bad


def split_lines(data: bytes) -> Lines:
    """Divide at line feeds alone: other characters that some call line ends are part of a title."""
    buffer = np.frombuffer(data, dtype=np.uint8)
    end = np.flatnonzero(buffer == ord("\n")).astype(np.int64) + 1
    if len(data) and (not len(end) or end[-1] != len(data)):
        end = np.append(end, len(data))
    start = np.concatenate([[0], end[:-1]]).astype(np.int64)[: len(end)]
    maybe_blank = np.flatnonzero((end - start <= 1) | np.isin(buffer[start.clip(max=len(data) - 1)], list(_BLANK)))
    blank = [i for i in maybe_blank if not data[start[i] : end[i]].strip(_BLANK)]
    keep = np.ones(len(end), dtype=bool)
    keep[blank] = False
    return Lines(data, np.flatnonzero(keep).astype(np.int64), start[keep], end[keep])


def join_lines(lines: Sequence[bytes]) -> bytes:
    """Lines as a file."""
    return b"".join(line + b"\n" for line in lines)
