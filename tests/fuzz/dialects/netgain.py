"""Netgain's own format."""

from pipeline.logs.reasons import Reason
from tests.fuzz.dialect import Dialect, bad_times, drop, iso, put
from tests.fuzz.json_dialect import LINE_DIRT, bad_durations, bad_values, lines

NETGAIN = Dialect(
    format="netgain",
    file=lambda _, n: f"plays-{n}.jsonl",
    record=lambda p: {
        "listener_id": p.listener,
        "played_at": iso(p.played_at),
        "artist_id": p.artist.lower(),
        "artist_name": p.artist,
        "track_id": None,
        "track_name": p.track,
        "ms_played": p.ms,
    },
    encode=lines,
    dirt=(
        *LINE_DIRT,
        *bad_values(artist=("artist_name",), track=("track_name",)),
        *bad_times("played_at", iso),
        *bad_durations("ms_played"),
        (Reason.BAD_TIMESTAMP, put("played_at", value="2026-01-01T00:00:00")),
        (Reason.BAD_TIMESTAMP, put("played_at", value="2026-13-01T00:00:00Z")),
        (Reason.MISSING_LISTENER, put("listener_id", value=None)),
        (Reason.MISSING_LISTENER, put("listener_id", value=[1])),
        (Reason.MISSING_LISTENER, drop("listener_id")),
        (Reason.MISSING_ARTIST, put("artist_name", value=" \u3000")),
        (Reason.UNSTORABLE, put("listener_id", value="a\x00")),
    ),
    packs=(".gz", ".zst"),
    blanks=True,
)

DIALECTS = {"netgain": NETGAIN}
