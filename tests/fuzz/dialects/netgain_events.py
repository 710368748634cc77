"""Events of the server."""

from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.reasons import Reason
from tests.fuzz.dialect import Dialect, bad_times, drop, iso, put
from tests.fuzz.json_dialect import LINE_DIRT, bad_durations, bad_values, lines

NETGAIN_EVENTS = Dialect(
    format="netgain-events",
    file=lambda _, n: f"events/2026030{n % 9 + 1}T000000.{n:06d}Z-1.events",
    record=lambda p: {
        "event_id": f"e{p.ms}",
        "at": iso(p.played_at),
        "listener_id": token_of(p.listener, OPEN_KEY),
        "kind": "play",
        "artist_name": p.artist,
        "track_name": p.track,
        "artist_id": p.artist.lower(),
        "ms_played": p.ms,
    },
    encode=lines,
    dirt=(
        *LINE_DIRT,
        *bad_values(artist=("artist_name",), track=("track_name",)),
        *bad_times("at", iso),
        *bad_durations("ms_played"),
        (Reason.NO_PLAY, put("kind", value="impression")),
        (Reason.NO_PLAY, put("kind", value="feedback")),
        (Reason.MISSING_LISTENER, drop("listener_id")),
        (Reason.MISSING_LISTENER, put("listener_id", value="no token")),
    ),
    packs=(".gz", ".zst"),
    blanks=True,
)

DIALECTS = {"netgain-events": NETGAIN_EVENTS}
