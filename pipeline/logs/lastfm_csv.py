"""Scrobbles of one person as the common exporters write them from Last.fm: CSV, one folder for each listener."""

from pipeline.logs.columns import ColumnMap
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.tables import parse_csv

NAME = "lastfm-csv"
OWN_FOLDERS = True
PATTERNS = tuple(f"*.csv{packed}" for packed in ("", ".gz", ".zst"))
_WITH_HEADER = ColumnMap(
    played_at="uts", time="unix", artist="artist", artist_id="artist_mbid", track="track", track_id="track_mbid"
)
# One exporter writes "31 Jan 2024 10:15", another "31 Jan 2024, 10:15"; both in UTC.
_DATED = ColumnMap(played_at="date", time="%d %b %Y %H:%M|%d %b %Y, %H:%M", artist="artist", track="track")
_WITHOUT = _DATED.model_copy(update={"header": ("artist", "album", "track", "date")})


def parse(data: bytes, source: Source) -> ReadResult:
    """`uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid`, or `artist,album,track,date`.

    The latter has a header or none.

    A play that Last.fm has no time for carries 1970, and is put aside for it.

    Raises:
        UnreadableFileError: it has other columns.
    """
    return parse_csv(data, source, (_WITH_HEADER, _DATED, _WITHOUT), format=NAME, mbids=True)
