"""CSV to records with their place in the file. Quoted line ends, stray quotes and bad encodings cost no other row."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipeline.logs.reading import MAX_LINE_BYTES
from pipeline.logs.reasons import Reason

_MOST_LINES = 50
"""A quoted text of more lines than this has lost its closing quote."""

CSV_REASONS = frozenset({Reason.LONG_LINE, Reason.NOT_UTF8, Reason.QUOTES, Reason.COLUMNS})
"""Reasons that tables in CSV give, beyond those of `settle`."""


@dataclass(frozen=True)
class Record:
    """Attributes:
    row: number of its first line.
    raw: its bytes, without the last line end.
    fields: its columns; empty if it has a reason.
    reason: why it could not be parsed; None if it could.
    """

    row: int
    raw: bytes
    fields: Sequence[str] = ()
    reason: Reason | None = None


def read_records(data: bytes, *, delimiter: str, quote: str | None, n_columns: int | None = None) -> Iterator[Record]:
    """Yield the records of a CSV in order, skipping blank lines.

    A quoted text may hold line ends. If a quote is not closed properly, only its first line gets a reason, and reading
    goes on with the next line. Lines of a writer that does not escape quotes are read as they are if they have the
    known number of columns.

    Args:
        data: UTF-8 without a byte order mark; a line that is not UTF-8 gets a reason.
        delimiter: between columns.
        quote: around texts; None: a quote is an ordinary character.
        n_columns: the number of columns, if known. A record over several lines with another number has lost a quote.
    """
    lines = data.split(b"\n")
    i = 0
    while i < len(lines):
        raw = lines[i].rstrip(b"\r")
        n_lines = 1
        if not raw.strip(b" \t\r"):
            pass
        elif len(raw) > MAX_LINE_BYTES:
            yield Record(i, raw, reason=Reason.LONG_LINE)
        elif (text := _decoded(raw)) is None:
            yield Record(i, raw, reason=Reason.NOT_UTF8)
        elif quote is None:
            yield Record(i, raw, text.split(delimiter))
        else:
            fields, n_lines = _quoted(lines, i, text, delimiter=delimiter, quote=quote, n_columns=n_columns)
            whole = b"\n".join(lines[i : i + n_lines]).rstrip(b"\r")
            yield Record(i, whole, fields, None if fields else Reason.QUOTES)
        i += n_lines


def _quoted(
    lines: Sequence[bytes], first: int, text: str, *, delimiter: str, quote: str, n_columns: int | None
) -> tuple[Sequence[str], int]:
    """Return the columns and the number of lines of the record at a line; ((), 1) if its quotes are broken."""
    if quote not in text:
        return text.split(delimiter), 1
    csv.field_size_limit(MAX_LINE_BYTES)
    given = 0

    def lines_from() -> Iterator[str]:
        nonlocal given
        for line in lines[first : first + _MOST_LINES]:
            given += 1
            following = _decoded(line)
            if following is None:
                return
            yield following + "\n"

    try:
        fields = next(csv.reader(lines_from(), delimiter=delimiter, quotechar=quote, strict=True))
    except (csv.Error, StopIteration):
        return _unquoted(text, delimiter=delimiter, quote=quote, n_columns=n_columns), 1
    lost = given > 1 and n_columns is not None and len(fields) != n_columns
    return ((), 1) if lost else (fields, given)


def _unquoted(text: str, *, delimiter: str, quote: str, n_columns: int | None) -> Sequence[str]:
    """Return the columns of a line whose writer did not escape quotes (`"Quoted" Band,B,C`); () if that is not certain:
    its quotes are not in pairs, or it does not have the known number of columns."""
    fields = text.split(delimiter)
    if text.count(quote) % 2 or len(fields) != n_columns:
        return ()
    return [_field(field, quote) for field in fields]


def _field(text: str, quote: str) -> str:
    inner = text[1:-1]
    enclosed = len(text) > 1 and text[0] == text[-1] == quote and inner.count(quote) == 2 * inner.count(2 * quote)
    return inner.replace(2 * quote, quote) if enclosed else text


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None
