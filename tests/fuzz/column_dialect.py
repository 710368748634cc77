"""What dialects in columns share: CSV, and what its quotes can get wrong; Parquet."""

import csv
import io
from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.logs.reasons import Reason
from tests.fuzz.dialect import AHEAD, BEFORE, BEYOND, Dirt, Record, Spoil


def column(index: int, value: str) -> Spoil:
    """Return a function that sets a column of a record."""
    return lambda record: [*record[:index], value, *record[index + 1 :]]


def csv_of(header: Sequence[str], delimiter: str) -> Callable[[Sequence[Record]], bytes]:
    """Return an encoder of a CSV with a header."""

    def encode(records: Sequence[Record]) -> bytes:
        found = [_line(header, delimiter)]
        return b"".join([*found, *(r + b"\n" if isinstance(r, bytes) else _line(r, delimiter) for r in records)])

    return encode


def csv_dirt(delimiter: str, *, time: int, artist: int, track: int) -> tuple[Dirt, ...]:
    """Return the faults of a CSV whose columns of time (Unix), artist and track have these places."""
    return (
        # Without its line ends: if a record of several lines is broken, each line becomes a row of its own.
        (Reason.COLUMNS, lambda record: _flat(record)[:-1]),
        (Reason.COLUMNS, lambda record: [*_flat(record), "extra"]),
        (Reason.NOT_UTF8, lambda record: _line(_flat(record), delimiter)[:-1] + b"\xe9"),
        (Reason.QUOTES, lambda record: b'"no end' + _line(_flat(record), delimiter).replace(b'"', b"")[:-1]),
        (
            Reason.QUOTES,  # of a line with as many columns as the header, quotes may be texts of a careless writer
            lambda record: b'"an' + delimiter.encode() + b'end" too soon' + _line(_flat(record), delimiter)[:-1],
        ),
        (Reason.UNSTORABLE, column(artist, "A\x00")),
        (Reason.BAD_TIMESTAMP, column(time, "yesterday")),
        (Reason.BAD_TIMESTAMP, column(time, "")),
        (Reason.BEFORE_2002, column(time, str(int(BEFORE.timestamp())))),
        (Reason.FROM_2100, column(time, str(int(BEYOND.timestamp())))),
        (Reason.AHEAD, column(time, str(int(AHEAD.timestamp())))),
        (Reason.MISSING_ARTIST, column(artist, "")),
        (Reason.MISSING_TRACK, column(track, " ")),
    )


def parquet(records: Sequence[Record], schema: pa.Schema) -> bytes:
    """Return a Parquet file."""
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records), schema=schema), out)
    return out.getvalue()


def _line(fields: Sequence[str], delimiter: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow(fields)
    return out.getvalue().encode()


def _flat(record: Record) -> list[str]:
    return [field.replace("\n", " ") for field in record]
