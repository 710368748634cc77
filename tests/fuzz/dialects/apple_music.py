"""Apple Music's play activity."""

from pipeline.logs.reasons import Reason
from tests.fuzz.column_dialect import column, csv_dirt, csv_of
from tests.fuzz.dialect import AHEAD, BEFORE, BEYOND, Dialect, iso

_HEADER = (
    "Artist Name",
    "Client IP Address",
    "Event End Timestamp",
    "Event Type",
    "Play Duration Milliseconds",
    "Song Name",
)
_ARTIST, _TIME, _EVENT, _MS, _SONG = 0, 2, 3, 4, 5
_IN_UNIX_TIME = {Reason.BEFORE_2002: BEFORE, Reason.FROM_2100: BEYOND, Reason.AHEAD: AHEAD}

APPLE_MUSIC = Dialect(
    format="apple-music",
    file=lambda listener, n: f"{listener}/Apple Music Play Activity {n}.csv",
    record=lambda p: [p.artist, "203.0.113.7", iso(p.played_at), "PLAY_END", str(p.ms), p.track],
    encode=csv_of(_HEADER, ","),
    dirt=(
        *(
            dirt
            for dirt in csv_dirt(",", time=_TIME, artist=_ARTIST, track=_SONG)
            if dirt[0] not in {*_IN_UNIX_TIME, Reason.MISSING_ARTIST}  # an empty artist is one that Apple left out
        ),
        *((reason, column(_TIME, iso(moment))) for reason, moment in _IN_UNIX_TIME.items()),
        (Reason.BAD_DURATION, column(_MS, "long")),
        (Reason.NO_PLAY, column(_EVENT, "PLAY_START")),
        (Reason.NO_PLAY, column(_EVENT, "LYRIC_DISPLAY")),
        (Reason.NAMES_NOTHING, lambda record: column(_ARTIST, "")(column(_SONG, " ")(record))),
    ),
    packs=(".gz", ".zst"),
    blanks=True,
    by_folder=True,
)

DIALECTS = {"apple-music": APPLE_MUSIC}
