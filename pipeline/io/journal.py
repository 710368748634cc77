"""Journals: what is kept forever, a JSON object a line, oldest first.

Each is written twice, its copy first (ADR 0014): one that was cut off, emptied or deleted is read from the other.
"""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import TableError
from pipeline.io.tables import atomic_path


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The entries of a journal; none where there is no file.

    Raises:
        TableError: neither it nor its copy is whole.
    """
    try:
        return _parsed(_text(path) or b"")
    except (OSError, ValueError) as err:
        raise TableError(
            f"{path} cannot be read: {err}",
            expected="a JSON object a line, here or in its copy",
            fix="Restore it from a backup: without it, Netgain does not know what earlier nights did.",
        ) from err


def copy_of(path: Path) -> Path:
    """Where a journal stands a second time."""
    return path.with_name(f".{path.name}.copy")


def disagrees(path: Path) -> bool:
    """Whether a journal is not what it is read as.

    Raises:
        OSError: it, or its copy, cannot be read.
    """
    return _bytes(path) != _text(path)


def _text(path: Path) -> bytes | None:
    """What a journal says: whichever is whole, of it and its copy; of two that are, the copy, which is written first,
    unless the journal goes on from there."""
    here, copy = _bytes(path), _bytes(copy_of(path))
    if here is None or copy is None or here == copy:
        return copy if here is None else here
    if not _is_whole(copy) or (_is_whole(here) and here.startswith(copy)):
        return here
    return copy


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _is_whole(text: bytes) -> bool:
    try:
        return bool(_parsed(text)) and text.endswith(b"\n")
    except ValueError:
        return False


def _parsed(text: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.split(b"\n") if line]


def mend(path: Path) -> int | None:
    """Have a journal and its copy be what it is read as; its entries where it was not, None where it was.

    Raises:
        TableError: neither is whole.
    """
    entries, text, before = read_lines(path), _text(path), _bytes(path)
    if text is not None and not before == text == _bytes(copy_of(path)):
        _write(path, text, (path if before is not None else copy_of(path)).stat().st_mode & 0o777)
    return None if before == text else len(entries)


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
