"""CSVs of scrobbles, which every exporter heads in its own way: the columns are recognised by their names."""

from collections.abc import Mapping, Sequence

import polars as pl

from pipeline.logs.columns import ColumnMap, parse_columns
from pipeline.logs.head import HEADER_LINES, Head
from pipeline.logs.reading import ReadResult, Source, UnreadableFileError
from pipeline.logs.tables import parse_csv
from pipeline.logs.values import any_moments

# Our column → the names that exporters give it, the most exact first; in lower case, with blanks for _ and -.
_NAMES: Mapping[str, Sequence[str]] = {
    "played_at": ("uts", "unix", "unix timestamp", "timestamp", "date uts", "utc time", "played at", "date", "time"),
    "artist": ("artist", "artist name", "artistname"),
    "track": ("track", "track name", "trackname", "song", "song name", "title", "name"),
    "artist_id": ("artist mbid",),
    "track_id": ("track mbid", "recording mbid"),
}
_REQUIRED = ("played_at", "artist", "track")
_WITHOUT_HEADER = ("artist", "album", "track", "date")
_DELIMITERS = (",", ";", "\t", "|")
_SHOWN = 80


def read_scrobbles(data: bytes, source: Source) -> ReadResult:
    """Read a CSV whose header names artist, track and time, or one of `artist,album,track,date` without a header.

    Raises:
        UnreadableFileError: it has other columns.
    """
    head = Head.of(source.path, data)
    columns = scrobble_columns(head)
    if columns is None:
        if not data.strip():
            columns = ColumnMap(played_at="date", artist="artist", track="track")
        else:
            raise UnreadableFileError(f"no columns for artist, track and time: {header_text(head)}")
    return parse_csv(data, source, (columns,), mbids=True)


def of_librefm(head: Head) -> bool:
    """Return whether the first line names Libre.fm, as its export does."""
    return bool(head.lines) and "libre.fm" in head.lines[0].lower()


def is_scrobbles(head: Head) -> bool | None:
    """Return whether the beginning of a file is a CSV that `read_scrobbles` can read."""
    return scrobble_columns(head) is not None


def header_text(head: Head) -> str:
    """Return the first line of a file, for a message; a line with digits may hold someone's data and is not shown."""
    line = next((line for line in head.lines if not line.startswith(("#", "+ACM-"))), "")
    if any(char.isdigit() for char in line):
        return "none"
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def scrobble_columns(head: Head) -> ColumnMap | None:
    """Return which columns of a file hold artist, track and time; None if it has no such columns."""
    for delimiter in _DELIMITERS:
        rows = head.rows(delimiter)
        for number, row in enumerate(rows[:HEADER_LINES]):
            found = _named(row)
            if found is not None:
                place = row.index(found["played_at"])
                if of_librefm(head) or _holds_times(rows[number + 1 :], place):
                    return parse_columns({**found, "time": "any", "delimiter": delimiter})
        if any(len(row) == len(_WITHOUT_HEADER) and _holds_times([row], -1) for row in rows):
            return ColumnMap(
                played_at="date",
                artist="artist",
                track="track",
                time="any",
                header=_WITHOUT_HEADER,
                delimiter=delimiter,
            )
    return None


def _named(row: Sequence[str]) -> dict[str, str] | None:
    """Return our column → the header's own name of it; None if a required one is not there."""
    given: dict[str, str] = {}
    for name in row:
        given.setdefault(_plain(name), name)
    found = {ours: next((given[name] for name in names if name in given), None) for ours, names in _NAMES.items()}
    if any(found[name] is None for name in _REQUIRED):
        return None
    return {ours: name for ours, name in found.items() if name is not None}


def _plain(name: str) -> str:
    """Return a column's name for comparison: `Date#ann` → `date`, `Track_Name` → `track name`."""
    return " ".join(name.split("#", maxsplit=1)[0].casefold().replace("_", " ").replace("-", " ").split())


def _holds_times(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Return whether a column holds a time, or there is no row."""
    texts = [row[place] for row in rows if row and len(row) > place]
    return not texts or bool(any_moments(pl.Series(texts, dtype=pl.String))[0].is_not_null().any())
