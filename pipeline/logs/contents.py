"""The content of a landed file: decompressed, decoded, split into lines."""

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.logs.reading import UnreadableFileError
from pipeline.logs.reasons import Repair

COMPRESSION = {".gz": "gzip", ".zst": "zstd"}
_BLANK = b" \t\r\n"
_ROWS = 1_000_000
_UNPACKED_BYTES, _UNPACKED_RATIO, _STEP_BYTES = 8 * 2**20, 100, 2**20


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, n_bytes: int, /) -> bytes:
        """Return at most that many bytes; none at the end."""
        ...


def codec_of(name: str) -> str | None:
    """Return how a file is compressed, by the ending of its name in any case; None if it is not."""
    return next((codec for ending, codec in COMPRESSION.items() if name.lower().endswith(ending)), None)


def bare_name(path: str) -> str:
    """Return the name of a file in lower case, without its folders and the ending of a compressed file.

    Examples:
        >>> bare_name("ann/StreamingHistory0.JSON.gz")
        'streaminghistory0.json'
    """
    name = path.rsplit("/", maxsplit=1)[-1].lower()
    ending = next((ending for ending in COMPRESSION if name.endswith(ending)), "")
    return name.removesuffix(ending)


def decompress(data: bytes, name: str) -> bytes:
    """Decompress a file by the ending of its name.

    Raises:
        UnreadableFileError: it is truncated, damaged, not compressed as its name says, or unpacks beyond `most_bytes`.
    """
    codec = codec_of(name)
    if codec is None:
        return data
    if not data:
        raise UnreadableFileError("an empty file is not an archive")
    try:
        with pa.CompressedInputStream(pa.BufferReader(data), codec) as stream:
            return read_bounded(stream, most=most_bytes(len(data)))
    except (OSError, pa.ArrowInvalid) as err:
        raise UnreadableFileError(str(err)) from err


def most_bytes(packed: int) -> int:
    """Return how many bytes an archive of a given size may unpack to. Logs unpack to some twenty times their size."""
    return max(_UNPACKED_BYTES, _UNPACKED_RATIO * packed)


def read_bounded(stream: Readable, *, most: int) -> bytes:
    """Return what a stream unpacks to.

    Raises:
        UnreadableFileError: it is more than `most` bytes.
    """
    parts, size = [], 0
    while part := stream.read(_STEP_BYTES):
        size += len(part)
        if size > most:
            raise UnreadableFileError(f"it unpacks to more than {most:,} bytes")
        parts.append(part)
    return b"".join(parts)


def read_parquet(data: bytes, *, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the table in the bytes of a Parquet file, or some of its columns.

    Only this thread reads: another thread that releases Python's bytes while the interpreter shuts down would abort the
    process (SIGABRT).

    Raises:
        OSError, ArrowException: it is not Parquet, or a column is missing or occurs twice.
        UnreadableFileError: of the columns asked for, it has more rows than bytes, or unpacks beyond `most_bytes`.
    """
    file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False)  # `read_table` would start threads
    if columns is None:
        return file.read(use_threads=False)
    names = list(columns)
    for name in names:
        if (n := file.schema_arrow.names.count(name)) != 1:
            raise pa.ArrowInvalid(f"{n} columns {name!r}")
    if file.metadata.num_rows > max(_ROWS, len(data)):
        raise UnreadableFileError(f"{file.metadata.num_rows:,} rows in {len(data):,} bytes")
    _require_bounded(data, names, most=most_bytes(len(data)))
    return file.read(columns=names, use_threads=False).select(names)


def _require_bounded(data: bytes, names: Sequence[str], *, most: int) -> None:
    """Refuse a table whose texts would take more than `most` bytes: a single long one may stand in millions of rows.

    Texts are read as numbers of a dictionary, which take no more room than the file says.
    """
    schema = pq.read_schema(pa.BufferReader(data))
    wanted = [name for name in names if schema.field(name).type in (pa.string(), pa.large_string())]
    file = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False, read_dictionary=wanted)
    size = 0
    for number in range(file.num_row_groups if wanted else 0):
        for column in file.read_row_group(number, columns=wanted, use_threads=False).columns:
            for chunk in column.chunks:
                if pa.types.is_dictionary(chunk.type):
                    lengths = pc.binary_length(chunk.dictionary).take(chunk.indices)
                    size += pc.sum(lengths).as_py() or 0
        if size > most:
            raise UnreadableFileError(f"its texts unpack to more than {most:,} bytes")


_MARKS = {
    # UTF-32's mark starts with that of UTF-16. Such a file is read as UTF-16, and its U+0000 are refused row by row.
    codecs.BOM_UTF16_LE: ("utf-16-le", Repair.UTF_16),
    codecs.BOM_UTF16_BE: ("utf-16-be", Repair.UTF_16),
    codecs.BOM_UTF8: (None, Repair.BYTE_ORDER_MARK),
}


def as_utf8(data: bytes) -> tuple[bytes, Repair | None]:
    """Return the content of a text file in UTF-8 without its byte order mark, and the repair that this was.

    The mark names the encoding. Without one nothing is guessed: rows that are not UTF-8 go to quarantine.

    Raises:
        UnreadableFileError: the content is not in the encoding that its mark names.
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
    """The lines of a file that are not blank.

    Attributes:
        data: the file.
        number: int64 of shape (n,), each line's number in the file, from 0, blank lines counted.
        start, end: int64 of shape (n,), the offsets of each line's first byte and of the byte after its line feed.
    """

    data: bytes
    number: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.number)

    def line(self, i: int) -> bytes:
        """Return line i of those that are not blank, without its line end."""
        return self.data[self.start[i] : self.end[i]].rstrip(b"\r\n")

    def raw(self, number: int) -> bytes:
        """Return the line with that number in the file."""
        return self.line(int(np.searchsorted(self.number, number)))

    def between(self, first: int, last: int) -> "Lines":
        """Return lines first … last−1."""
        return Lines(self.data, self.number[first:last], self.start[first:last], self.end[first:last])

    def select(self, keep: npt.NDArray[np.bool_]) -> "Lines":
        """Return the lines where `keep` is true, moved together."""
        number, start, end = self.number[keep], self.start[keep], self.end[keep]
        apart = start[1:] != end[:-1]
        firsts, lasts = start[np.append(True, apart)[: len(start)]], end[np.append(apart, True)[: len(end)]]
        data = b"".join(self.data[i:j] for i, j in zip(firsts.tolist(), lasts.tolist(), strict=True))
        ends = np.cumsum(end - start)
        return Lines(data, number, ends - (end - start), ends)

    def block(self) -> bytes:
        """Return all of them and the blank lines between, as one block."""
        return self.data[self.start[0] : self.end[-1]]

    def cut_off(self, opening: bytes, closing: bytes) -> npt.NDArray[np.bool_]:
        """Return a mask of the lines that do not start with `opening` or end with `closing`, white space included."""
        buffer = np.frombuffer(self.data, dtype=np.uint8)
        last = self.end - 1
        for ending in b"\n\r":
            last = last - (buffer[last] == ending)
        return np.asarray(
            (buffer[self.start] != opening[0]) | (buffer[np.maximum(last, self.start)] != closing[0]), dtype=np.bool_
        )

    def longer_than(self, n_bytes: int) -> npt.NDArray[np.bool_]:
        """Return a mask of the lines that are longer than that."""
        return np.asarray(self.end - self.start > n_bytes, dtype=np.bool_)

    def not_utf8(self) -> npt.NDArray[np.bool_]:
        """Return a mask of the lines that are not UTF-8."""
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
    """Split at line feeds only: other characters that count as line ends elsewhere may be part of a title."""
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
    """Return a file of the lines."""
    return b"".join(line + b"\n" for line in lines)
