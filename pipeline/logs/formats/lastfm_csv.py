"""One person's scrobbles as the common exporters write them from Last.fm: CSV, a folder per listener."""

from pipeline.logs.columns import ColumnMap
from pipeline.logs.csvrows import CSV_REASONS
from pipeline.logs.format import Format, with_compressed
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.tables import parse_csv

_WITH_HEADER = ColumnMap(
    played_at="uts", time="unix", artist="artist", artist_id="artist_mbid", track="track", track_id="track_mbid"
)
# One exporter writes "31 Jan 2024 10:15", another "31 Jan 2024, 10:15"; both are in UTC.
_DATED = ColumnMap(played_at="date", time="%d %b %Y %H:%M|%d %b %Y, %H:%M", artist="artist", track="track")
_WITHOUT_HEADER = _DATED.model_copy(update={"header": ("artist", "album", "track", "date")})


def read(data: bytes, source: Source) -> ReadResult:
    """Read `uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid`, or `artist,album,track,date`.

    The second layout may lack its header. Last.fm writes 1970 for a play whose time it does not know: such a row goes
    to quarantine as too early.

    Raises:
        UnreadableFileError: the columns are others.
    """
    return parse_csv(data, source, (_WITH_HEADER, _DATED, _WITHOUT_HEADER), mbids=True)


FORMAT = Format(
    name="lastfm-csv",
    description=(
        "`uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid`, or `artist,album,track,date` with a"
        " header or without"
    ),
    patterns=with_compressed("*.csv"),
    reader=read,
    reasons=CSV_REASONS,
    listener_folders=True,
    listener="the folder",
    played_at="Unix time, or `31 Jan 2024 10:15` in UTC",
    cannot_know=("whose scrobbles they are", "how long a play lasted", "ids of artists and tracks without MBIDs"),
)
