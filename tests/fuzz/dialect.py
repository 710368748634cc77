"""How a log format writes plays, and how its rows go wrong. Each file of `tests/fuzz/dialects/` holds one family's."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.logs.reasons import Reason, Repair

MBID = "f1b1cf71-bd35-4e99-8624-24a6e15f133a"
WRITTEN_AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
AHEAD = WRITTEN_AT + dt.timedelta(minutes=16)
BEFORE, BEYOND = dt.datetime(2001, 12, 31, 23, 59, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Play:
    """The content of a good row."""

    listener: str
    played_at: dt.datetime
    artist: str
    track: str
    ms: int


Record = Any
"""A row before it is encoded: a dictionary or a list of columns; bytes are written as they are."""
Spoil = Callable[[Record], Record]
Dirt = tuple[Reason, Spoil]
Mend = tuple[Repair, Spoil]


@dataclass(frozen=True)
class Dialect:
    """A way to write the files of a format.

    Attributes:
        format: the format's name.
        file: (listener, number) → the name of a file.
        record: a play → a record.
        encode: the records of a file → its bytes.
        dirt: ways to spoil a record, each with the reason that quarantine must give.
        mends: ways to write a record that readers must repair.
        packs: endings of compressed files.
        text: whether it is text, with line ends, a byte order mark, and an encoding.
        blanks: whether blank lines are skipped; else half a file is one unreadable row.
        by_folder: whether the folder is the listener.
        columns: the column map at the landing root.
        tells_duration: whether its plays hold how long they were.
    """

    format: str
    file: Callable[[str, int], str]
    record: Callable[[Play], Record]
    encode: Callable[[Sequence[Record]], bytes]
    dirt: tuple[Dirt, ...]
    mends: tuple[Mend, ...] = ()
    packs: tuple[str, ...] = ()
    text: bool = True
    blanks: bool = False
    by_folder: bool = False
    columns: Mapping[str, str] | None = None
    tells_duration: bool = True


def put(*path: str, value: Any) -> Spoil:
    """Return a function that sets a field of a record, nested by `path`."""

    def spoil(record: Record) -> Record:
        first, *rest = path
        inner = put(*rest, value=value)(record[first]) if rest else value
        return {**record, first: inner}

    return spoil


def drop(key: str) -> Spoil:
    """Return a function that removes a field of a record."""
    return lambda record: {name: value for name, value in record.items() if name != key}


def iso(moment: dt.datetime) -> str:
    """Return a time as ISO 8601 with Z."""
    return moment.isoformat().replace("+00:00", "Z")


def bad_times(key: str, write: Callable[[dt.datetime], Any]) -> tuple[Dirt, ...]:
    """Return the faults of a field that holds a time, written by `write`."""
    return (
        (Reason.BAD_TIMESTAMP, put(key, value="yesterday")),
        (Reason.BAD_TIMESTAMP, put(key, value=None)),
        (Reason.BEFORE_2002, put(key, value=write(BEFORE))),
        (Reason.FROM_2100, put(key, value=write(BEYOND))),
        (Reason.AHEAD, put(key, value=write(AHEAD))),
    )
