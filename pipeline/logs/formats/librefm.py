"""Libre.fm's export of one person's scrobbles: CSV below a preamble of three lines, a folder per listener."""

from pipeline.logs.columns import ColumnMap
from pipeline.logs.csvrows import CSV_REASONS
from pipeline.logs.format import Format, with_compressed
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.tables import parse_csv

_COLUMNS = ColumnMap(played_at="Time", time="unix", artist="Artist", track="Track")


def read(data: bytes, source: Source) -> ReadResult:
    """Read `Artist,Track,Album,Time`, the time in seconds since 1970.

    Raises:
        UnreadableFileError: the columns are others.
    """
    return parse_csv(data, source, (_COLUMNS,))


FORMAT = Format(
    name="librefm",
    description="a preamble, then `Artist,Track,Album,Time`",
    patterns=with_compressed("*.csv"),
    reader=read,
    reasons=CSV_REASONS,
    listener_folders=True,
    listener="the folder",
    played_at="Unix time",
    cannot_know=("whose scrobbles they are", "how long a play lasted", "ids of artists and tracks"),
)
