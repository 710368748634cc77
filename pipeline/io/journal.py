"""Journals: what is kept forever, a JSON object a line, oldest first."""

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
        TableError: a line is no JSON.
    """
    if not path.exists():
        return []
    try:
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, ValueError) as err:
        raise TableError(
            f"{path} cannot be read: {err}",
            expected="a JSON object a line",
            fix="Restore it from a backup: without it, Netgain does not know what earlier nights did.",
        ) from err


def append(path: Path, *entries: dict[str, Any]) -> None:
    """Enter something behind all that is there.

    Raises:
        TableError: what is there cannot be read.
    """
    write_lines(path, [*read_lines(path), *entries])


def now() -> str:
    """The time of an entry: ISO 8601 in UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def write_lines(path: Path, entries: Iterable[dict[str, Any]]) -> None:
    """Write a journal anew, atomically."""
    text = "".join(json.dumps(entry, sort_keys=True, ensure_ascii=False) + "\n" for entry in entries)
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
