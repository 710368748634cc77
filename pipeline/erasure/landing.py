"""Removes erased listeners from landed files: whole folders of theirs, or their rows in shared files."""

import gzip
import io
import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.logs.contents import as_utf8, decompress, read_parquet
from pipeline.logs.formats import formats_of
from pipeline.logs.landing import LandedFile, Landing, open_landed
from pipeline.logs.pseudonyms import Erased, PrivacyRules, pseudonymise
from pipeline.logs.reading import Source
from pipeline.logs.reasons import Reason
from pipeline.storage.atomic import atomic_path


def remove_folders(root: Path, format: str, erased: Erased) -> int:
    """Remove the folders of erased listeners, if each folder is one listener's; return the number of removed files."""
    if not root.is_dir() or not any(each.by_folder(root) for each in formats_of(format)):
        return 0
    n_files = 0
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and erased.has(path.name)):
        n_files += sum(path.is_file() for path in folder.rglob("*"))
        shutil.rmtree(folder)
    return n_files


def remove_rows(landing: Landing, file: LandedFile, erased: Erased) -> int:
    """Rewrite a landed file without the rows of erased listeners, keeping its compression and its modification time.

    A file of a single listener is removed as a whole.

    Returns:
        The number of removed rows.

    Raises:
        LandingError: the file has changed since it landed.
    """
    data, path = open_landed(landing.root, file), landing.root / file.path
    rows, every = _rows(landing, file, data, erased)
    if not rows:
        return 0
    if landing.is_own(file):
        path.unlink()
        return len(rows)
    stat = path.stat()
    with atomic_path(path) as temporary:
        temporary.write_bytes(_without(data, file.path, rows, every))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    return len(rows)


def count_rows(landing: Landing, file: LandedFile, erased: Erased) -> int:
    """Return the number of rows of erased listeners in a landed file as it is now."""
    path = landing.root / file.path
    return len(_rows(landing, file, path.read_bytes(), erased)[0]) if path.exists() else 0


def _rows(landing: Landing, file: LandedFile, data: bytes, erased: Erased) -> tuple[set[int], list[int]]:
    """Return the rows of erased listeners, and all rows. In a single listener's file, either all rows match or none."""
    source = Source(file.path, landing.root.absolute().name, columns=landing.columns, raw_bytes=None)
    found = pseudonymise(landing.format_of(file).read(data, source), PrivacyRules(erased=erased))
    aside = found.quarantine.to_pylist()
    every = sorted({*found.plays["row"].to_pylist(), *(row["row"] for row in aside)})
    if landing.is_own(file):
        return (set(every) if erased.has(source.listener) else set()), every
    return {row["row"] for row in aside if row["reason"] == Reason.ERASED and row["row"] >= 0}, every


def _without(data: bytes, path: str, removed: Collection[int], rows: Sequence[int]) -> bytes:
    """Return the packed content without some of its rows; a row of a text extends to the start of the next one."""
    content = decompress(data, path)
    if path.endswith(".parquet"):
        return _table_without(content, removed)
    lines = as_utf8(content)[0].split(b"\n")
    ends = [*rows[1:], len(lines) - (lines[-1] == b"")]
    dropped = {i for row, end in zip(rows, ends, strict=True) if row in removed for i in range(row, end)}
    return _packed(b"\n".join(line for i, line in enumerate(lines) if i not in dropped), path)


def _table_without(content: bytes, removed: Collection[int]) -> bytes:
    table = read_parquet(content)
    out = io.BytesIO()
    pq.write_table(
        table.take(pa.array([i for i in range(table.num_rows) if i not in removed], pa.int64())),
        out,
        compression="zstd",
    )
    return out.getvalue()


def _packed(content: bytes, path: str) -> bytes:
    if path.endswith(".gz"):
        return gzip.compress(content, mtime=0)
    if path.endswith(".zst"):
        return bytes(pa.compress(content, codec="zstd", asbytes=True))
    return content
