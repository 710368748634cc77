"""Spotify: the account export and the extended history."""

from pipeline.logs.reasons import Reason
from tests.fuzz.dialect import Dialect, Record, bad_times, iso
from tests.fuzz.json_dialect import array, bad_durations, bad_values


def _time_of(record: Record) -> Record:
    return {key: record[key] for key in ("endTime", "msPlayed")}


ACCOUNT = Dialect(
    format="spotify",
    file=lambda listener, n: f"{listener}/StreamingHistory{n}.json",
    record=lambda p: {
        "endTime": f"{p.played_at:%Y-%m-%d %H:%M}",
        "artistName": p.artist,
        "trackName": p.track,
        "msPlayed": p.ms,
    },
    encode=array,
    dirt=(
        *bad_values(artist=("artistName",), track=("trackName",)),
        *bad_times("endTime", lambda moment: f"{moment:%Y-%m-%d %H:%M}"),
        *bad_durations("msPlayed"),
        (Reason.NOT_OBJECT, lambda record: [record]),
        (Reason.NOT_OBJECT, lambda _: None),
        (Reason.NAMES_NOTHING, lambda record: {**record, "artistName": "", "trackName": None}),
        (Reason.NOT_MUSIC, lambda record: {"podcastName": "P", "episodeName": "E", **_time_of(record)}),
    ),
    by_folder=True,
)

EXTENDED = Dialect(
    format="spotify-extended",
    file=lambda listener, n: f"{listener}/endsong_{n}.json",
    record=lambda p: {
        "ts": iso(p.played_at),
        "username": "secret-name",
        "ip_addr_decrypted": "203.0.113.7",
        "ms_played": p.ms,
        "master_metadata_track_name": p.track,
        "master_metadata_album_artist_name": p.artist,
        "spotify_track_uri": "spotify:track:4uLU6hMCjMI75M1A2tKUQC",
    },
    encode=array,
    dirt=(
        *bad_values(artist=("master_metadata_album_artist_name",), track=("master_metadata_track_name",)),
        *bad_times("ts", iso),
        *bad_durations("ms_played"),
        (Reason.NOT_OBJECT, lambda _: 7),
        (Reason.NAMES_NOTHING, lambda record: {key: record[key] for key in ("ts", "username", "ms_played")}),
        (Reason.NOT_MUSIC, lambda record: {"ts": record["ts"], "ms_played": 1, "episode_name": "An episode"}),
        (
            Reason.NOT_MUSIC,
            lambda record: {
                **{key: record[key] for key in ("ts", "username", "ip_addr_decrypted", "ms_played")},
                "episode_name": "An episode",
                "spotify_episode_uri": "spotify:episode:1",
            },
        ),
    ),
    by_folder=True,
)

DIALECTS = {"spotify": ACCOUNT, "spotify-extended": EXTENDED}
