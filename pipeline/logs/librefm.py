"""Libre.fm's export of one person's scrobbles: CSV behind three lines of preamble, one folder for each listener."""

from pipeline.logs.columns import ColumnMap
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.tables import parse_csv

NAME = "librefm"
OWN_FOLDERS = True
PATTERNS = tuple(f"*.csv{packed}" for packed in ("", ".gz", ".zst"))
_COLUMNS = ColumnMap(played_at="Time", time="unix", artist="Artist", track="Track")


def parse(data: bytes, source: Source) -> ReadResult:
    """`Artist,Track,Album,Time`, the time in seconds since 1970.

    Raises:
        UnreadableFileError: it has other columns.
    """
    return parse_csv(data, source, (_COLUMNS,), format=NAME)
