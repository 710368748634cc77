"""The proof: no byte of an erased listener below some folders, packed and columnar files included."""

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.logs.contents import COMPRESSION, decompress
from pipeline.logs.reading import UnreadableFileError

_SHORT = 4
"""An id of fewer bytes than this occurs by chance: outside tables it counts only where it stands in quotes."""


def scan(folders: Collection[Path], names: Collection[str]) -> list[Path]:
    """Files, and those below folders, that hold one of the names, in their bytes, their columns, or their own names.

    A name counts where it is a whole word: `ann` is not in `anna`. Files that two folders share are read once.
    """
    if not names:
        return []
    words = _pattern(names)
    found, seen = [], set()
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if not path.is_file() or path.is_symlink():
                continue
            stat = path.stat()
            if words.search(path.name.encode("utf-8", "surrogateescape")) or words.search(_parents(path, folder)):
                found.append(path)
            elif (stat.st_dev, stat.st_ino) not in seen:
                seen.add((stat.st_dev, stat.st_ino))
                if _holds(path, set(names), words):
                    found.append(path)
    return found


def _pattern(names: Collection[str]) -> re.Pattern[bytes]:
    long = [re.escape(name.encode()) for name in names if len(name.encode()) >= _SHORT]
    short = [re.escape(f'"{name}"'.encode()) for name in names if len(name.encode()) < _SHORT]
    alternatives = [rb"(?<![\w-])(?:" + b"|".join(long) + rb")(?![\w-])"] if long else []
    return re.compile(b"|".join([*alternatives, *short]))


def _parents(path: Path, folder: Path) -> bytes:
    return "/".join(path.relative_to(folder).parts[:-1]).encode("utf-8", "surrogateescape")


def _holds(path: Path, names: set[str], words: re.Pattern[bytes]) -> bool:
    data = path.read_bytes()
    if data[:4] == b"PAR1":
        return any(_column_holds(column, names, words) for column in _columns(data))
    if path.suffix in COMPRESSION:
        with suppress(UnreadableFileError):  # a damaged file is looked at as it lies
            data = decompress(data, path.name)
    return words.search(data) is not None


def _columns(data: bytes) -> Iterator[pa.ChunkedArray]:
    try:
        table = pq.read_table(pa.BufferReader(data), partitioning=None)
    except (OSError, pa.ArrowException):
        return
    for column in table.columns:
        kind = column.type
        while pa.types.is_list(kind) or pa.types.is_large_list(kind):
            column, kind = pc.list_flatten(column), kind.value_type  # noqa: PLW2901
        yield column


def _column_holds(column: pa.ChunkedArray, names: set[str], words: re.Pattern[bytes]) -> bool:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return not names.isdisjoint(pc.unique(column).to_pylist())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return any(raw is not None and words.search(raw) for raw in column.to_pylist())
    return False
