"""Journals: what is kept forever, a JSON object a line, oldest first.

Each is written twice, its copy first (ADR 0014): one that was cut off, emptied or deleted is read from the other.
"""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import TableError
from pipeline.storage.tables import atomic_path


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The entries of a journal; none where there is no file.

    Raises:
        TableError: neither it nor its copy is whole.
    """
    return _read(path).entries


def copy_of(path: Path) -> Path:
    """Where a journal stands a second time."""
    return path.with_name(f".{path.name}.copy")


def journal_of(path: Path) -> Path:
    """The journal that a file is, or is the copy of."""
    return path.with_name(path.name.removeprefix(".").removesuffix(".copy"))


def disagrees(path: Path) -> bool:
    """Whether a journal is not what it is read as.

    Raises:
        TableError: neither it nor its copy is whole.
    """
    found = _read(path)
    return found.here != found.text


def mend(path: Path) -> int | None:
    """Have a journal and its copy be what it is read as; its entries where it was not, None where it was.

    Raises:
        TableError: neither is whole.
    """
    found = _read(path)
    if found.text is not None and not found.here == found.text == found.copy:
        of = path if found.here is not None else copy_of(path)
        _write(path, found.text, of.stat().st_mode & 0o777)
    return None if found.here == found.text else len(found.entries)


def append(path: Path, *entries: dict[str, Any]) -> None:
    """Enter something behind all that is there.

    Raises:
        TableError: what is there cannot be read.
    """
    write_lines(path, [*read_lines(path), *entries])


def now() -> str:
    """The time of an entry: ISO 8601 in UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def write_lines(path: Path, entries: Iterable[dict[str, Any]], *, mode: int = 0o644) -> None:
    """Write a journal anew, and its copy before it, each atomically."""
    text = "".join(json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n" for entry in entries)
    _write(path, text.encode("utf-8"), mode)


def _write(path: Path, text: bytes, mode: int) -> None:
    for each in (copy_of(path), path):
        with atomic_path(each, mode=mode) as temporary:
            temporary.write_bytes(text)


class _Read(NamedTuple):
    """A journal's bytes, its copy's, and what of the two it says; None where there is no file."""

    here: bytes | None
    copy: bytes | None
    text: bytes | None
    entries: list[dict[str, Any]]


def _read(path: Path) -> _Read:
    try:
        here, copy = (each.read_bytes() if each.exists() else None for each in (path, copy_of(path)))
        text = _chosen(here, copy)
        return _Read(here, copy, text, _parsed(text or b""))
    except (OSError, ValueError) as err:
        raise TableError(
            f"{path} cannot be read: {err}",
            expected="a JSON object a line, here or in its copy",
            fix="Restore it from a backup: without it, Netgain does not know what earlier nights did.",
        ) from err


def _chosen(here: bytes | None, copy: bytes | None) -> bytes | None:
    """Whichever is whole; of two that are, the copy, which is written first, unless the journal goes on from there."""
    if here is None or copy is None or here == copy:
        return copy if here is None else here
    if not _is_whole(copy) or (_is_whole(here) and here.startswith(copy)):
        return here
    return copy


def _is_whole(text: bytes) -> bool:
    try:
        return bool(_parsed(text)) and text.endswith(b"\n")
    except ValueError:
        return False


def _parsed(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split(b"\n") if line]
