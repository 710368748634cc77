"""Removes erased listeners from landed files: whole folders of theirs, or their rows in shared files."""

import gzip
import io
import os
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import LandingError
from pipeline.logs.archives import exists, file_of, is_archive, read_landed, unpack_in_place
from pipeline.logs.contents import as_utf8, decompress, read_parquet
from pipeline.logs.formats import formats_of
from pipeline.logs.landing import LandedFile, Landing, open_landed
from pipeline.logs.pseudonyms import PrivacyRules, pseudonymise
from pipeline.logs.reading import Source, listener_of
from pipeline.logs.reasons import Reason
from pipeline.storage.atomic import atomic_path


@dataclass(frozen=True)
class Theirs:
    """The rows of a landed file.

    Attributes:
        erased: of erased listeners; all of them in a file of their own.
        every: all rows.
    """

    erased: frozenset[int]
    every: tuple[int, ...]

    @property
    def all(self) -> bool:
        """Whether nothing of another listener is in the file."""
        return bool(self.erased) and len(self.erased) == len(self.every)


def remove_folders(root: Path, format: str, privacy: PrivacyRules) -> int:
    """Remove the folders of erased listeners, if each folder is one listener's; return the number of removed files.

    An archive beside the folders counts as one. Where a folder is a link, what it leads to is removed with it.
    """
    if privacy.erased is None or not root.is_dir() or not any(each.by_folder(root) for each in formats_of(format)):
        return 0
    n_files = 0
    folders = sorted(path for path in root.iterdir() if path.is_dir() or is_archive(path.name))
    listeners = {folder: listener_of(f"{folder.name}/", root.name) for folder in folders}
    gone = privacy.erased.among(set(listeners.values()), privacy.key)
    for folder in (each for each in folders if listeners[each] in gone):
        target = folder.resolve()
        if target.is_dir():
            n_files += sum(path.is_file() for path in target.rglob("*"))
            shutil.rmtree(target)
        else:
            n_files += target.exists()
            target.unlink(missing_ok=True)
        if folder.is_symlink():
            folder.unlink()
    return n_files


def rows_of_erased(landing: Landing, file: LandedFile, data: bytes, privacy: PrivacyRules) -> Theirs:
    """Return which rows of a landed file are erased listeners': those that a reader finds theirs, and those too broken
    to name a listener that mention one."""
    source = Source(file.path, landing.root.absolute().name, columns=landing.columns, raw_bytes=None)
    format = landing.format_of(file)
    found = pseudonymise(format.read(data, source), privacy, are_tokens=format.pseudonymised)
    aside = found.quarantine.to_pylist()
    every = tuple(sorted({*found.plays["row"].to_pylist(), *(row["row"] for row in aside)}))
    if landing.is_own(file):
        theirs = privacy.erased is not None and privacy.erased.among([source.listener], privacy.key)
        return Theirs(frozenset(every if theirs else ()), every)
    return Theirs(frozenset(row["row"] for row in aside if row["reason"] == Reason.ERASED), every)


def remove_rows(landing: Landing, file: LandedFile, privacy: PrivacyRules) -> int:
    """Rewrite a landed file without the rows of erased listeners, keeping its compression, owner, rights and times.

    An archive is unpacked into a folder of its name. A file in which no other listener has a row is removed, as is one
    that cannot be read at all and mentions an erased listener. If the file is a link, what it leads to is rewritten or
    removed.

    Returns:
        The number of removed rows.

    Raises:
        LandingError: the file has changed since it landed.
    """
    data, path = open_landed(landing.root, file), landing.root / file.path
    rows = rows_of_erased(landing, file, data, privacy)
    if not rows.erased:
        return 0
    if (archive := file_of(landing.root, file.path)) != path:
        unpack_in_place(archive.resolve())
    if rows.all:
        path.resolve().unlink()
        path.unlink(missing_ok=True)  # the link
    else:
        _rewrite(path.resolve(), _without(data, file.path, rows.erased, rows.every))
    return len(rows.erased)


def count_rows(landing: Landing, file: LandedFile, privacy: PrivacyRules) -> int:
    """Return the number of rows of erased listeners in a landed file as it is now."""
    if not exists(landing.root, file.path):
        return 0
    return len(rows_of_erased(landing, file, read_landed(landing.root, file.path), privacy).erased)


def _rewrite(path: Path, data: bytes) -> None:
    before = path.stat()
    if _may_give(before):
        with atomic_path(path, like=before) as temporary:
            temporary.write_bytes(data)
            shutil.copystat(path, temporary)  # access lists too
            os.chown(temporary, before.st_uid, before.st_gid)
    else:  # only the file itself can keep its owner
        try:
            with path.open("r+b") as file:
                file.write(data)
                file.truncate()
                os.fsync(file.fileno())
        except PermissionError as err:
            raise LandingError(
                f"a landed file with rows of an erased listener cannot be written: {path.name}",
                expected="the right to write it",
                fix="Run the night as its owner, or widen its rights.",
            ) from err
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _may_give(file: os.stat_result) -> bool:
    """Return whether this account may make another file with the same owner and group."""
    mine = file.st_uid == os.geteuid() and file.st_gid in (os.getegid(), *os.getgroups())
    return mine or os.geteuid() == 0


def _without(data: bytes, path: str, removed: Collection[int], rows: Sequence[int]) -> bytes:
    """Return the packed content without some of its rows; a row of a text extends to the start of the next one."""
    content = decompress(data, path)
    if path.endswith(".parquet"):
        return _table_without(content, removed)
    lines = as_utf8(content)[0].split(b"\n")
    ends = [*rows[1:], len(lines) - (lines[-1] == b"")]
    dropped = {i for row, end in zip(rows, ends, strict=True) if row in removed for i in range(row, end)}
    return packed(b"\n".join(line for i, line in enumerate(lines) if i not in dropped), path)


def _table_without(content: bytes, removed: Collection[int]) -> bytes:
    table = read_parquet(content)
    out = io.BytesIO()
    pq.write_table(
        table.take(pa.array([i for i in range(table.num_rows) if i not in removed], pa.int64())),
        out,
        compression="zstd",
    )
    return out.getvalue()


def packed(content: bytes, path: str) -> bytes:
    """Return content compressed as the name of its file says."""
    if path.endswith(".gz"):
        return gzip.compress(content, mtime=0)
    if path.endswith(".zst"):
        return bytes(pa.compress(content, codec="zstd", asbytes=True))
    return content
