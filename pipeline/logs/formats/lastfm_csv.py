"""One person's scrobbles as exporters write them from Last.fm: CSV, a folder per listener."""

from pipeline.logs.csvrows import CSV_REASONS
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.scrobbles import is_scrobbles, of_librefm, read_scrobbles


def _recognises(head: Head) -> bool | None:
    return None if of_librefm(head) else is_scrobbles(head)


FORMAT = Format(
    name="lastfm-csv",
    description=(
        "a header that names artist, track and time, in any order, case and separator; or `artist,album,track,date`"
        " without a header"
    ),
    patterns=("*.csv", "*.tsv"),
    reader=read_scrobbles,
    recognises=_recognises,
    by_content=True,
    reasons=CSV_REASONS,
    listener_folders=True,
    listener="the folder",
    played_at="Unix time, ISO 8601, or `31 Jan 2024 10:15`; without an offset in UTC",
    cannot_know=("whose scrobbles they are", "how long a play lasted", "ids of artists and tracks without MBIDs"),
)
