"""Libre.fm's export of one person's scrobbles: CSV below a preamble of three lines, a folder per listener."""

from pipeline.logs.csvrows import CSV_REASONS
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.scrobbles import is_scrobbles, of_librefm, read_scrobbles


def _recognises(head: Head) -> bool | None:
    if not is_scrobbles(head):
        return False
    return True if of_librefm(head) else None  # without its preamble, it is any CSV of scrobbles


FORMAT = Format(
    name="librefm",
    description="a preamble that names Libre.fm, then `Artist,Track,Album,Time`",
    patterns=("*.csv",),
    reader=read_scrobbles,
    recognises=_recognises,
    by_content=True,
    reasons=CSV_REASONS,
    listener_folders=True,
    listener="the folder",
    played_at="Unix time",
    cannot_know=("whose scrobbles they are", "how long a play lasted", "ids of artists and tracks"),
)
