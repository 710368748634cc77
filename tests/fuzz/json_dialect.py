"""What dialects in JSON share: lines and arrays, and the values that JSON can get wrong."""

import json
from collections.abc import Sequence

from pipeline.logs.reasons import Reason
from tests.fuzz.dialect import Dirt, Record, put


def as_line(record: Record) -> bytes:
    """Return a record as JSON; bytes stay as they are."""
    if isinstance(record, bytes):
        return record
    try:
        return json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be written as an escape
        return json.dumps(record).encode()


def lines(records: Sequence[Record]) -> bytes:
    """Return JSON lines."""
    return b"".join(as_line(record) + b"\n" for record in records)


def array(records: Sequence[Record]) -> bytes:
    """Return a JSON array."""
    return b"[" + b",\n".join(as_line(record) for record in records) + b"]"


LINE_DIRT: tuple[Dirt, ...] = (
    (Reason.NOT_JSON, lambda record: as_line(record)[:-9]),
    (Reason.NOT_JSON, lambda record: as_line(record)[5:]),
    (Reason.NOT_JSON, lambda _: b"\xc3\xa4 plain text"),
    (Reason.NOT_JSON, lambda _: b'{"listener_id": ' + b"[" * 5000),
    (Reason.NOT_UTF8, lambda record: as_line(record)[:-1] + ', "x": "Björk"}'.encode("latin-1")),
    (Reason.NOT_UTF8, lambda record: as_line(record) + b"\xff"),
    (Reason.NOT_OBJECT, lambda record: as_line([record])),
    (Reason.NOT_OBJECT, lambda _: b"null"),
    *(
        (Reason.NOT_JSON, lambda record, value=value: as_line({**record, "extra": value}))
        for value in (float("nan"), float("inf"), float("-inf"))
    ),
)


def bad_values(*, artist: tuple[str, ...], track: tuple[str, ...]) -> tuple[Dirt, ...]:
    """Return the faults of the fields that hold the artist and the track, by their paths."""
    return (
        (Reason.UNSTORABLE, put(*artist, value="A\x00B")),
        (Reason.UNSTORABLE, put(*track, value="\ud800")),
        (Reason.MISSING_ARTIST, put(*artist, value=None)),
        (Reason.MISSING_ARTIST, put(*artist, value={"name": "A"})),
        (Reason.MISSING_TRACK, put(*track, value="")),
        (Reason.MISSING_TRACK, put(*track, value=True)),
    )


def bad_durations(key: str) -> tuple[Dirt, ...]:
    """Return the faults of a field that holds a duration [ms]."""
    return (
        (Reason.NEGATIVE_DURATION, put(key, value=-1)),
        (Reason.BAD_DURATION, put(key, value=10**12)),
        (Reason.BAD_DURATION, put(key, value="long")),
        (Reason.BAD_DURATION, put(key, value=10**25)),
    )
