"""The proof of erasure: searches files, packed and columnar ones included, for erased listeners."""

import json
import re
import sqlite3
from collections.abc import Collection
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.logs.contents import COMPRESSION, decompress, read_parquet
from pipeline.logs.reading import UnreadableFileError

_SHORT = 4
"""Shorter ids occur by chance in text and file names [bytes]."""
_SQLITE = b"SQLite format 3\0"
_ID_COLUMN = re.compile("listener|user", re.IGNORECASE)
"""Numeric columns are searched only if their name suggests ids: a number of plays is not a listener."""


@dataclass(frozen=True)
class Sought:
    """What to search for.

    Attributes:
        names: all ids and pseudonyms, searched as whole values in columns.
        words: those distinguishable from other text, searched as whole words, plain and as escaped in JSON.
        n_in_columns_alone: the number of names that are too short or are words of Netgain's own.
    """

    names: frozenset[str]
    words: re.Pattern[bytes] | None
    n_in_columns_alone: int


def sought(names: Collection[str], *, own_words: Collection[str] = ()) -> Sought:
    """Return what to search for.

    Args:
        names: ids and pseudonyms.
        own_words: words that Netgain's own files contain; such names are searched in columns only.
    """
    clear = [name for name in names if len(name.encode()) >= _SHORT and name not in own_words]
    forms = sorted({form.encode() for name in clear for form in (name, json.dumps(name)[1:-1])})
    words = rb"(?<![\w-])(?:" + b"|".join(map(re.escape, forms)) + rb")(?![\w-])"
    return Sought(frozenset(names), re.compile(words) if forms else None, len(set(names)) - len(set(clear)))


def own_words(workspace: Path) -> set[str]:
    """Return the words of a workspace's parameters, stages and code."""
    sources = (workspace / "params.yaml", workspace / "dvc.yaml", *(workspace / "pipeline").rglob("*.py"))
    text = " ".join(path.read_text(encoding="utf-8") for path in sources if path.is_file())
    return set(re.findall(r"[\w-]+", text))


def scan(folders: Collection[Path], wanted: Sought, *, id_columns: Collection[str] = ()) -> list[Path]:
    """Return the files that contain one of the names in their bytes, their columns or their path.

    A name matches whole words only: `ann` does not match `anna`. Hard links are read once.

    Args:
        folders: folders or files to search.
        wanted: what to search for.
        id_columns: numeric columns that hold ids, whatever their names.
    """
    found, seen = [], set()
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
            if not path.is_file() or path.is_symlink():
                continue
            stat = path.stat()
            own_name = path.relative_to(folder if folder.is_dir() else folder.parent).as_posix()
            if _in_text(own_name.encode("utf-8", "surrogateescape"), wanted):
                found.append(path)
            elif (stat.st_dev, stat.st_ino) not in seen:
                seen.add((stat.st_dev, stat.st_ino))
                if holds(path, wanted, id_columns):
                    found.append(path)
    return found


def holds(path: Path, wanted: Sought, id_columns: Collection[str] = ()) -> bool:
    """Return whether a file contains one of the names: compressed files are unpacked, Parquet is read by column."""
    data = path.read_bytes()
    if data[:4] == b"PAR1":
        with suppress(OSError, pa.ArrowException):
            table = read_parquet(data)
            return any(
                _column_holds(name, column, wanted, id_columns)
                for name, column in zip(table.column_names, table.columns, strict=True)
            )
    if data.startswith(_SQLITE) and _database_holds(path, wanted):
        return True
    if path.suffix in COMPRESSION:
        with suppress(UnreadableFileError):  # a damaged file is searched as it is
            data = decompress(data, path.name)
    return _in_text(data, wanted)


def _database_holds(path: Path, wanted: Sought) -> bool:
    """Search the values of a SQLite database: in its bytes, a value that spans pages is interrupted."""
    with (
        suppress(sqlite3.DatabaseError),
        closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as base,
    ):
        for (name,) in base.execute("select name from sqlite_master where type = 'table'").fetchall():
            quoted = name.replace('"', '""')
            for row in base.execute(f'select * from "{quoted}"'):  # noqa: S608  # a name from the database itself
                if any(_in_text(str(value).encode(), wanted) for value in row if isinstance(value, str)):
                    return True
    return False


def _in_text(data: bytes, wanted: Sought) -> bool:
    return wanted.words is not None and wanted.words.search(data) is not None


def _column_holds(name: str, column: pa.ChunkedArray, wanted: Sought, id_columns: Collection[str]) -> bool:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _column_holds(name, column.cast(kind.value_type), wanted, id_columns)
    if pa.types.is_struct(kind):
        parts = zip((field.name for field in kind), column.combine_chunks().flatten(), strict=True)
        return any(_column_holds(part, pa.chunked_array([values]), wanted, id_columns) for part, values in parts)
    if pa.types.is_map(kind):
        entries = column.combine_chunks()
        both = (pa.chunked_array([part]) for part in (entries.keys, entries.items))
        return any(_column_holds(name, part, wanted, id_columns) for part in both)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _column_holds(name, pc.list_flatten(column), wanted, id_columns)
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return any(raw is not None and _in_text(raw, wanted) for raw in column.to_pylist())
    if pa.types.is_integer(kind) and (name in id_columns or _ID_COLUMN.search(name)):
        column, kind = column.cast(pa.string()), pa.string()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return not wanted.names.isdisjoint(pc.unique(column).to_pylist())
    return False
