"""Last.fm and Libre.fm: the 1K log, and one person's scrobbles as CSV."""

from collections.abc import Sequence
from dataclasses import replace

from pipeline.logs.reasons import Reason, Repair
from tests.fuzz.column_dialect import column, csv_dirt, csv_of
from tests.fuzz.dialect import AHEAD, BEFORE, BEYOND, MBID, Dialect, Record, iso

_TIME, _ARTIST_MBID, _ARTIST, _TRACK = 1, 2, 3, 5


def _tsv(records: Sequence[Record]) -> bytes:
    return b"".join((r if isinstance(r, bytes) else "\t".join(r).encode()) + b"\n" for r in records)


LASTFM_1K = Dialect(
    format="lastfm-1k",
    file=lambda _, n: f"userid-timestamp-{n}.tsv",
    record=lambda p: [p.listener, iso(p.played_at), "", p.artist, "", p.track],
    encode=_tsv,
    dirt=(
        (Reason.COLUMNS, lambda record: record[:-1]),
        (Reason.COLUMNS, lambda record: [*record, "extra"]),
        (Reason.NOT_UTF8, lambda record: "\t".join(record).encode() + b"\xe9"),
        (Reason.UNSTORABLE, column(_ARTIST, "A\x00")),
        (Reason.MISSING_LISTENER, column(0, " ")),
        (Reason.BAD_TIMESTAMP, column(_TIME, "")),
        (Reason.BEFORE_2002, column(_TIME, iso(BEFORE))),
        (Reason.FROM_2100, column(_TIME, iso(BEYOND))),
        (Reason.AHEAD, column(_TIME, iso(AHEAD))),
        (Reason.MISSING_ARTIST, column(_ARTIST, "")),
        (Reason.MISSING_TRACK, column(_TRACK, "  ")),
    ),
    mends=((Repair.NO_MBID, column(_ARTIST_MBID, "none")),),
    packs=(".gz", ".zst"),
    blanks=True,
    tells_duration=False,
)

LASTFM_CSV = Dialect(
    format="lastfm-csv",
    file=lambda listener, n: f"{listener}/scrobbles-{n}.csv",
    record=lambda p: [
        str(int(p.played_at.timestamp())),
        "",
        p.artist,
        "",
        "an album,\nin two lines",
        "",
        p.track,
        MBID,
    ],
    encode=csv_of(("uts", "utc_time", "artist", "artist_mbid", "album", "album_mbid", "track", "track_mbid"), ","),
    dirt=csv_dirt(",", time=0, artist=2, track=6),
    mends=(
        (Repair.NO_MBID, column(3, "none")),
        (Repair.MILLISECONDS, lambda record: [record[0] + "000", *record[1:]]),
    ),
    packs=(".gz", ".zst"),
    blanks=True,
    by_folder=True,
    tells_duration=False,
)

LIBREFM = replace(
    LASTFM_CSV,
    format="librefm",
    record=lambda p: [p.artist, p.track, 'an "album"', str(int(p.played_at.timestamp()))],
    encode=lambda records: (
        b"+ACM- Data export from Libre.fm,,,\n" + csv_of(("Artist", "Track", "Album", "Time"), ",")(records)
    ),
    dirt=csv_dirt(",", time=3, artist=0, track=1),
    mends=((Repair.NANOSECONDS, lambda record: [*record[:-1], record[-1] + "0" * 9]),),
)

DIALECTS = {"lastfm-1k": LASTFM_1K, "lastfm-csv": LASTFM_CSV, "librefm": LIBREFM}
