"""How each format writes a play, and the ways in which its rows go wrong, each with the reason it is put aside for."""

import csv
import datetime as dt
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    format: the format's name.
    columns: the column map at the landing root.
    tells_duration: whether its plays tell how long they were.
    """

    format: str
    file: Callable[[str, int], str]
    record: Callable[[Play], Record]
    encode: Callable[[Sequence[Record]], bytes]
    dirt: tuple[Dirt, ...]
    mends: tuple[Mend, ...] = ()
    packs: tuple[str, ...] = ()
    text: bool = True
    blanks: bool = False
    by_folder: bool = False
    columns: Mapping[str, str] | None = None
    tells_duration: bool = True


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
    format="listenbrainz",
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
    tells_duration=False,
)

SPOTIFY = Dialect(
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
        *_json_dirt(artist=("artistName",), track=("trackName",)),
        *_moments("endTime", lambda moment: f"{moment:%Y-%m-%d %H:%M}"),
        *_duration_dirt("msPlayed"),
        (Reason.NOT_OBJECT, lambda record: [record]),
        (Reason.NOT_OBJECT, lambda _: None),
    ),
    by_folder=True,
)

SPOTIFY_EXTENDED = Dialect(
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
    format="lastfm-1k",
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
    tells_duration=False,
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


def _parquet(records: Sequence[Record], schema: pa.Schema = _SPARK) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records), schema=schema), out)
    return out.getvalue()


LISTENBRAINZ_SPARK = Dialect(
    format="listenbrainz-spark",
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
    tells_duration=False,
)

LISTENBRAINZ_EXPORT = replace(
    LISTENBRAINZ,
    format="listenbrainz-export",
    file=lambda listener, n: f"{listener}/{n}.jsonl",
    dirt=tuple(dirt for dirt in LISTENBRAINZ.dirt if dirt[0] is not Reason.MISSING_LISTENER),
    by_folder=True,
)


def _submission(records: Sequence[Record]) -> bytes:
    return b'{"listen_type": "import", "payload": ' + array(records) + b"}"


LISTENBRAINZ_SUBMISSION = replace(
    LISTENBRAINZ_EXPORT,
    file=lambda listener, n: f"{listener}/{n}.json",
    encode=_submission,
    dirt=(
        *_json_dirt(artist=("track_metadata", "artist_name"), track=("track_metadata", "track_name")),
        *_moments("timestamp", lambda moment: int(moment.timestamp())),
        (Reason.NOT_OBJECT, lambda record: [record]),
    ),
    blanks=False,
    packs=(),
)

_OURS = {
    "listener": "listener_id",
    "played_at": "played_at",
    "artist": "artist_name",
    "track": "track_name",
    "ms_played": "ms_played",
}

TABLE_LINES = replace(
    NETGAIN,
    format="table",
    file=lambda _, n: f"{n}.jsonl",
    columns=_OURS,
)


def _csv(header: Sequence[str], delimiter: str) -> Callable[[Sequence[Record]], bytes]:
    def encode(records: Sequence[Record]) -> bytes:
        found = [_csv_line(header, delimiter)]
        return b"".join([*found, *(r + b"\n" if isinstance(r, bytes) else _csv_line(r, delimiter) for r in records)])

    return encode


def _csv_line(fields: Sequence[str], delimiter: str) -> bytes:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\n").writerow(fields)
    return out.getvalue().encode()


def _flat(record: Record) -> list[str]:
    return [field.replace("\n", " ") for field in record]


def _csv_dirt(delimiter: str, *, time: int, artist: int, track: int) -> tuple[Dirt, ...]:
    return (
        # In one line: of a record that lost its end, each line is a row of its own.
        (Reason.COLUMNS, lambda record: _flat(record)[:-1]),
        (Reason.COLUMNS, lambda record: [*_flat(record), "extra"]),
        (Reason.NOT_UTF8, lambda record: _csv_line(_flat(record), delimiter)[:-1] + b"\xe9"),
        (Reason.QUOTES, lambda record: b'"no end' + _csv_line(_flat(record), delimiter).replace(b'"', b"")[:-1]),
        (Reason.QUOTES, lambda record: b'"an end" too soon' + _csv_line(_flat(record), delimiter)[:-1]),
        (Reason.UNSTORABLE, _column(artist, "A\x00")),
        (Reason.BAD_TIMESTAMP, _column(time, "yesterday")),
        (Reason.BAD_TIMESTAMP, _column(time, "")),
        (Reason.BEFORE_2002, _column(time, str(int(BEFORE.timestamp())))),
        (Reason.FROM_2100, _column(time, str(int(BEYOND.timestamp())))),
        (Reason.AHEAD, _column(time, str(int(AHEAD.timestamp())))),
        (Reason.MISSING_ARTIST, _column(artist, "")),
        (Reason.MISSING_TRACK, _column(track, " ")),
    )


_LASTFM_COLUMNS = ("uts", "utc_time", "artist", "artist_mbid", "album", "album_mbid", "track", "track_mbid")
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
    encode=_csv(_LASTFM_COLUMNS, ","),
    dirt=_csv_dirt(",", time=0, artist=2, track=6),
    mends=(
        (Repair.NO_MBID, _column(3, "none")),
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
        b"+ACM- Data export from Libre.fm,,,\n" + _csv(("Artist", "Track", "Album", "Time"), ",")(records)
    ),
    dirt=_csv_dirt(",", time=3, artist=0, track=1),
    mends=((Repair.NANOSECONDS, lambda record: [*record[:-1], record[-1] + "0" * 9]),),
)

_THEIRS = {"listener": "who", "artist": "artist", "track": "song", "ms_played": "ms"}

TABLE_CSV = replace(
    LASTFM_CSV,
    format="table",
    file=lambda _, n: f"{n}.tsv",
    record=lambda p: [str(int(p.played_at.timestamp())), p.listener, p.artist, p.track, str(p.ms), "a\tnote"],
    encode=_csv(("when", "who", "artist", "song", "ms", "note"), "\t"),
    dirt=(
        *_csv_dirt("\t", time=0, artist=2, track=3),
        (Reason.MISSING_LISTENER, _column(1, "")),
        (Reason.NEGATIVE_DURATION, _column(4, "-5")),
        (Reason.BAD_DURATION, _column(4, "1.5")),
    ),
    mends=(),
    by_folder=False,
    columns={**_THEIRS, "played_at": "when", "time": "unix", "delimiter": "\t"},
    tells_duration=True,
)

_NAMES_OF = ("who", "artist", "song")
_ROWS = pa.schema([("at", pa.timestamp("ms")), *((name, pa.string()) for name in _NAMES_OF), ("ms", pa.int64())])

TABLE_PARQUET = replace(
    LISTENBRAINZ_SPARK,
    format="table",
    record=lambda p: {"at": p.played_at, "who": p.listener, "artist": p.artist, "song": p.track, "ms": p.ms},
    encode=lambda records: _parquet(records, _ROWS),
    dirt=(
        (Reason.UNSTORABLE, put("artist", value="A\x00")),
        (Reason.MISSING_LISTENER, put("who", value=None)),
        (Reason.BAD_TIMESTAMP, put("at", value=None)),
        (Reason.BEFORE_2002, put("at", value=BEFORE)),
        (Reason.MISSING_ARTIST, put("artist", value=" ")),
        (Reason.MISSING_TRACK, put("song", value=None)),
        (Reason.NEGATIVE_DURATION, put("ms", value=-1)),
        (Reason.BAD_DURATION, put("ms", value=10**12)),
    ),
    mends=(),
    columns={**_THEIRS, "played_at": "at"},
    tells_duration=True,
)

DIALECTS = {
    "netgain": NETGAIN,
    "listenbrainz": LISTENBRAINZ,
    "listenbrainz-export": LISTENBRAINZ_EXPORT,
    "listenbrainz submission": LISTENBRAINZ_SUBMISSION,
    "spotify": SPOTIFY,
    "spotify-extended": SPOTIFY_EXTENDED,
    "lastfm-1k": LASTFM_1K,
    "lastfm-csv": LASTFM_CSV,
    "librefm": LIBREFM,
    "listenbrainz-spark": LISTENBRAINZ_SPARK,
    "table of JSON lines": TABLE_LINES,
    "table in CSV": TABLE_CSV,
    "table in Parquet": TABLE_PARQUET,
}
