"""The log of Rockbox for Audioscrobbler."""

from collections.abc import Sequence

from pipeline.logs.reasons import Reason, Repair
from tests.fuzz.column_dialect import column
from tests.fuzz.dialect import AHEAD, BEFORE, BEYOND, Dialect, Record

_ARTIST, _TRACK, _RATING, _TIME, _MBID = 0, 2, 5, 6, 7
_PREAMBLE = b"#AUDIOSCROBBLER/1.1\n#TZ/UTC\n#CLIENT/Rockbox ipodvideo 1.1\n"


def _encode(records: Sequence[Record]) -> bytes:
    return _PREAMBLE + b"".join((r if isinstance(r, bytes) else "\t".join(r).encode()) + b"\n" for r in records)


ROCKBOX = Dialect(
    format="rockbox",
    file=lambda listener, n: f"{listener}/{n}/.scrobbler.log",
    record=lambda p: [p.artist, "an album", p.track, "7", "240", "L", str(int(p.played_at.timestamp())), ""],
    encode=_encode,
    dirt=(
        (Reason.COLUMNS, lambda record: record[:-2]),
        (Reason.COLUMNS, lambda record: [*record, "extra"]),
        (Reason.NOT_UTF8, lambda record: "\t".join(record).encode() + b"\xe9"),
        (Reason.SKIPPED, column(_RATING, "S")),
        (Reason.UNSTORABLE, column(_ARTIST, "A\x00")),
        (Reason.BAD_TIMESTAMP, column(_TIME, "yesterday")),
        (Reason.BEFORE_2002, column(_TIME, str(int(BEFORE.timestamp())))),
        (Reason.FROM_2100, column(_TIME, str(int(BEYOND.timestamp())))),
        (Reason.AHEAD, column(_TIME, str(int(AHEAD.timestamp())))),
        (Reason.MISSING_ARTIST, column(_ARTIST, "")),
        (Reason.MISSING_TRACK, column(_TRACK, "")),
    ),
    mends=((Repair.NO_MBID, column(_MBID, "none")),),
    packs=(".gz", ".zst"),
    blanks=True,
    by_folder=True,
    tells_duration=False,
)

DIALECTS = {"rockbox": ROCKBOX}
