"""How each format writes a play, and the ways in which its rows go wrong, each with the reason it is put aside for."""

import datetime as dt
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.logs.reading import Reason, Repair

MBID = "f1b1cf71-bd35-4e99-8624-24a6e15f133a"
WRITTEN_AT = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
AHEAD = WRITTEN_AT + dt.timedelta(minutes=16)
BEFORE, BEYOND = dt.datetime(2001, 12, 31, 23, 59, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Play:
    """What a good row says."""

    listener: str
    played_at: dt.datetime
    artist: str
    track: str
    ms: int


Record = Any
"""A row before it is encoded: a dictionary, a list of columns; bytes are written as they are."""
Spoil = Callable[[Record], Record]
Dirt = tuple[Reason, Spoil]
Mend = tuple[Repair, Spoil]


@dataclass(frozen=True)
class Dialect:
    """Attributes:
    file: of a listener and a number, the name of a file.
    record: of a play.
    encode: rows of a file → its bytes.
    dirt: ways to spoil a record.
    mends: ways to write a record that are put right.
    packs: endings of compressed files.
    text: whether it is text, with line ends, a byte order mark, and an encoding.
    blanks: whether blank lines are no rows.
    cut: what a file cut in half comes to: one unreadable row, or None where only its last row suffers.
    by_folder: whether the listener is the folder.
    """

    file: Callable[[str, int], str]
    record: Callable[[Play], Record]
    encode: Callable[[Sequence[Record]], bytes]
    dirt: tuple[Dirt, ...]
    mends: tuple[Mend, ...] = ()
    packs: tuple[str, ...] = ()
    text: bool = True
    blanks: bool = False
    by_folder: bool = False


def put(*path: str, value: Any) -> Spoil:
    """Another value in a field."""

    def spoil(record: Record) -> Record:
        first, *rest = path
        inner = put(*rest, value=value)(record[first]) if rest else value
        return {**record, first: inner}

    return spoil


def drop(key: str) -> Spoil:
    return lambda record: {name: value for name, value in record.items() if name != key}


def iso(moment: dt.datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def as_line(record: Record) -> bytes:
    if isinstance(record, bytes):
        return record
    try:
        return json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be written as an escape
        return json.dumps(record).encode()


def lines(records: Sequence[Record]) -> bytes:
    return b"".join(as_line(record) + b"\n" for record in records)


def array(records: Sequence[Record]) -> bytes:
    return b"[" + b",\n".join(as_line(record) for record in records) + b"]"


def tsv(records: Sequence[Record]) -> bytes:
    return b"".join((r if isinstance(r, bytes) else "\t".join(r).encode()) + b"\n" for r in records)


_LINE_DIRT: tuple[Dirt, ...] = (
    (Reason.NOT_JSON, lambda record: as_line(record)[:-9]),
    (Reason.NOT_JSON, lambda record: as_line(record)[5:]),
    (Reason.NOT_JSON, lambda _: b"\xc3\xa4 plain text"),
    (Reason.NOT_JSON, lambda _: b'{"listener_id": ' + b"[" * 5000),
    (Reason.NOT_UTF8, lambda record: as_line(record)[:-1] + ', "x": "Björk"}'.encode("latin-1")),
    (Reason.NOT_UTF8, lambda record: as_line(record) + b"\xff"),
    (Reason.NOT_OBJECT, lambda record: as_line([record])),
    (Reason.NOT_OBJECT, lambda _: b"null"),
)


def _json_dirt(**paths: tuple[str, ...]) -> tuple[Dirt, ...]:
    """Values of JSON that are not what they should be, in the fields of a format."""
    artist, track = paths["artist"], paths["track"]
    return (
        (Reason.UNSTORABLE, put(*artist, value="A\x00B")),
        (Reason.UNSTORABLE, put(*track, value="\ud800")),
        (Reason.MISSING_ARTIST, put(*artist, value=None)),
        (Reason.MISSING_ARTIST, put(*artist, value=" \u3000")),
        (Reason.MISSING_ARTIST, put(*artist, value={"name": "A"})),
        (Reason.MISSING_TRACK, put(*track, value="")),
        (Reason.MISSING_TRACK, put(*track, value=True)),
    )


def _duration_dirt(key: str) -> tuple[Dirt, ...]:
    return (
        (Reason.NEGATIVE_DURATION, put(key, value=-1)),
        (Reason.BAD_DURATION, put(key, value=10**12)),
        (Reason.BAD_DURATION, put(key, value="long")),
        (Reason.BAD_DURATION, put(key, value=10**25)),
    )


def _moments(key: str, write: Callable[[dt.datetime], Any]) -> tuple[Dirt, ...]:
    return (
        (Reason.BAD_TIMESTAMP, put(key, value="yesterday")),
        (Reason.BAD_TIMESTAMP, put(key, value=None)),
        (Reason.BEFORE_2002, put(key, value=write(BEFORE))),
        (Reason.FROM_2100, put(key, value=write(BEYOND))),
        (Reason.AHEAD, put(key, value=write(AHEAD))),
    )


_NOT_FINITE: tuple[Dirt, ...] = tuple(
    (Reason.NOT_JSON, lambda record, value=value: as_line({**record, "extra": value}))
    for value in (float("nan"), float("inf"), float("-inf"))
)

NETGAIN = Dialect(
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
        *_LINE_DIRT,
        *_NOT_FINITE,
        *_json_dirt(artist=("artist_name",), track=("track_name",)),
        *_moments("played_at", iso),
        *_duration_dirt("ms_played"),
        (Reason.BAD_TIMESTAMP, put("played_at", value="2026-01-01T00:00:00")),
        (Reason.BAD_TIMESTAMP, put("played_at", value="2026-13-01T00:00:00Z")),
        (Reason.MISSING_LISTENER, put("listener_id", value=None)),
        (Reason.MISSING_LISTENER, put("listener_id", value=[1])),
        (Reason.MISSING_LISTENER, drop("listener_id")),
        (Reason.UNSTORABLE, put("listener_id", value="a\x00")),
    ),
    packs=(".gz", ".zst"),
    blanks=True,
)

LISTENBRAINZ = Dialect(
    file=lambda _, n: f"{n}.listens",
    record=lambda p: {
        "user_id": p.listener,
        "user_name": "somebody",
        "timestamp": int(p.played_at.timestamp()),
        "track_metadata": {"artist_name": p.artist, "track_name": p.track, "additional_info": {}},
    },
    encode=lines,
    dirt=(
        *_LINE_DIRT,
        *_NOT_FINITE,
        *_json_dirt(artist=("track_metadata", "artist_name"), track=("track_metadata", "track_name")),
        *_moments("timestamp", lambda moment: int(moment.timestamp())),
        (Reason.BAD_TIMESTAMP, put("timestamp", value=1.5)),
        (Reason.BAD_TIMESTAMP, drop("timestamp")),
        (Reason.MISSING_ARTIST, put("track_metadata", value=None)),
        (Reason.MISSING_ARTIST, drop("track_metadata")),
        (Reason.MISSING_LISTENER, lambda record: drop("user_id")(drop("user_name")(record))),
    ),
    mends=(
        (Repair.MILLISECONDS, lambda record: {**record, "timestamp": record["timestamp"] * 10**3}),
        (Repair.MICROSECONDS, lambda record: {**record, "timestamp": record["timestamp"] * 10**6}),
        (Repair.NANOSECONDS, lambda record: {**record, "timestamp": record["timestamp"] * 10**9}),
        (Repair.NO_MBID, put("track_metadata", "additional_info", value={"recording_mbid": "none"})),
        (Repair.NO_MBID, put("track_metadata", "additional_info", value={"artist_mbids": ["x" + MBID]})),
    ),
    packs=(".gz", ".zst"),
    blanks=True,
)

SPOTIFY = Dialect(
    file=lambda listener, n: f"{listener}/StreamingHistory{n}.json",
    record=lambda p: {
        "endTime": f"{p.played_at:%Y-%m-%d %H:%M}",
        "artistName": p.artist,
        "trackName": p.track,
        "msPlayed": p.ms,
    },
    encode=array,
    dirt=(
        *_json_dirt(artist=("artistName",), track=("trackName",)),
        *_moments("endTime", lambda moment: f"{moment:%Y-%m-%d %H:%M}"),
        *_duration_dirt("msPlayed"),
        (Reason.NOT_OBJECT, lambda record: [record]),
        (Reason.NOT_OBJECT, lambda _: None),
    ),
    by_folder=True,
)

SPOTIFY_EXTENDED = Dialect(
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
        *_json_dirt(artist=("master_metadata_album_artist_name",), track=("master_metadata_track_name",)),
        *_moments("ts", iso),
        *_duration_dirt("ms_played"),
        (Reason.NOT_OBJECT, lambda _: 7),
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

_TIME, _ARTIST_MBID, _ARTIST, _TRACK = 1, 2, 3, 5


def _column(index: int, value: str) -> Spoil:
    return lambda record: [*record[:index], value, *record[index + 1 :]]


LASTFM_1K = Dialect(
    file=lambda _, n: f"userid-timestamp-{n}.tsv",
    record=lambda p: [p.listener, iso(p.played_at), "", p.artist, "", p.track],
    encode=tsv,
    dirt=(
        (Reason.COLUMNS, lambda record: record[:-1]),
        (Reason.COLUMNS, lambda record: [*record, "extra"]),
        (Reason.NOT_UTF8, lambda record: "\t".join(record).encode() + b"\xe9"),
        (Reason.UNSTORABLE, _column(_ARTIST, "A\x00")),
        (Reason.MISSING_LISTENER, _column(0, " ")),
        (Reason.BAD_TIMESTAMP, _column(_TIME, "")),
        (Reason.BEFORE_2002, _column(_TIME, iso(BEFORE))),
        (Reason.FROM_2100, _column(_TIME, iso(BEYOND))),
        (Reason.AHEAD, _column(_TIME, iso(AHEAD))),
        (Reason.MISSING_ARTIST, _column(_ARTIST, "")),
        (Reason.MISSING_TRACK, _column(_TRACK, "  ")),
    ),
    mends=((Repair.NO_MBID, _column(_ARTIST_MBID, "none")),),
    packs=(".gz", ".zst"),
    blanks=True,
)

_SPARK = pa.schema(
    [
        ("listened_at", pa.timestamp("us", tz="UTC")),
        ("user_id", pa.int64()),
        ("artist_name", pa.string()),
        ("recording_name", pa.string()),
        ("recording_mbid", pa.string()),
        ("artist_credit_mbids", pa.list_(pa.string())),
    ]
)


def _parquet(records: Sequence[Record]) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records), schema=_SPARK), out)
    return out.getvalue()


LISTENBRAINZ_SPARK = Dialect(
    file=lambda _, n: f"{n}.parquet",
    record=lambda p: {
        "listened_at": p.played_at,
        "user_id": sum(p.listener.encode()),
        "artist_name": p.artist,
        "recording_name": p.track,
        "recording_mbid": None,
        "artist_credit_mbids": None,
    },
    encode=_parquet,
    dirt=(
        (Reason.UNSTORABLE, put("artist_name", value="A\x00")),
        (Reason.MISSING_LISTENER, put("user_id", value=None)),
        *(dirt for dirt in _moments("listened_at", lambda moment: moment) if dirt[0] is not Reason.BAD_TIMESTAMP),
        (Reason.BAD_TIMESTAMP, put("listened_at", value=None)),
        (Reason.MISSING_ARTIST, put("artist_name", value=None)),
        (Reason.MISSING_TRACK, put("recording_name", value="")),
    ),
    mends=((Repair.NO_MBID, put("recording_mbid", value="none")),),
    text=False,
)

DIALECTS = {
    "netgain": NETGAIN,
    "listenbrainz": LISTENBRAINZ,
    "spotify": SPOTIFY,
    "spotify-extended": SPOTIFY_EXTENDED,
    "lastfm-1k": LASTFM_1K,
    "listenbrainz-spark": LISTENBRAINZ_SPARK,
}
