"""What every reader promises. A new format inherits it: it needs a sample writer here, and nothing else."""

import csv
import datetime as dt
import gzip
import io
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.io.tables import PLAYS, QUARANTINE
from pipeline.logs.formats import FORMATS
from pipeline.logs.reading import RAW_BYTES, ReadResult, Reason, Repair, Source

Row = dict[str, Any]
NOON = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)
PLAIN: Row = {"listener": "ann", "at": NOON, "artist": 'Sigur Rós 🎵, "live"', "track": "Untitled", "ms": 180_000}
SECRET = "203.0.113.7"

# What is changed in a plain row, and why it then is no play; for durations and listeners where the format has them.
DIRT: tuple[tuple[Row, Reason], ...] = (
    ({"listener": ""}, Reason.MISSING_LISTENER),
    ({"at": None}, Reason.BAD_TIMESTAMP),
    ({"at": dt.datetime(2001, 12, 31, 23, 59, tzinfo=dt.UTC)}, Reason.BEFORE_2002),
    ({"at": dt.datetime(2100, 1, 1, tzinfo=dt.UTC)}, Reason.FROM_2100),
    ({"artist": "  "}, Reason.MISSING_ARTIST),
    ({"track": ""}, Reason.MISSING_TRACK),
    ({"track": "a\x00b"}, Reason.UNSTORABLE),
    ({"ms": -1}, Reason.NEGATIVE_DURATION),
    ({"ms": 8 * 86_400_000}, Reason.BAD_DURATION),
)


@dataclass(frozen=True)
class Sample:
    """How one format writes rows.

    Attributes:
        file: name of a file that the format takes.
        write: rows → the bytes of a file.
        shape: `lines`, `array` (of JSON) or `parquet`.
        names_listener: whether rows say who listens; else the folder does.
        tells_ms: whether rows say how long a play was.
        first_row: number of the first row.
    """

    file: str
    write: Callable[[Sequence[Row]], bytes]
    shape: str = "lines"
    names_listener: bool = False
    tells_ms: bool = False
    first_row: int = 0

    def dirt(self) -> list[tuple[Row, Reason]]:
        told = {"listener": self.names_listener, "ms": self.tells_ms}
        return [(PLAIN | change, reason) for change, reason in DIRT if all(told.get(name, True) for name in change)]


def iso(at: dt.datetime | None) -> str | None:
    return at and at.isoformat().replace("+00:00", "Z")


def unix(at: dt.datetime | None) -> int | None:
    return at and int(at.timestamp())


def json_lines(record: Callable[[Row], Row]) -> Callable[[Sequence[Row]], bytes]:
    return lambda rows: b"".join(json.dumps(record(row), ensure_ascii=False).encode() + b"\n" for row in rows)


def json_array(record: Callable[[Row], Row]) -> Callable[[Sequence[Row]], bytes]:
    return lambda rows: json.dumps([record(row) for row in rows], ensure_ascii=False, indent=1).encode()


def csv_rows(record: Callable[[Row], Sequence[Any]], *, before: str = "") -> Callable[[Sequence[Row]], bytes]:
    def write(rows: Sequence[Row]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(map(record, rows))
        return (before + text.getvalue()).encode()

    return write


def netgain(row: Row) -> Row:
    names = {f"{what}_{kind}": row[what] for what in ("artist", "track") for kind in ("id", "name")}
    return names | {"listener_id": row["listener"], "played_at": iso(row["at"]), "ms_played": row["ms"]}


def spotify(row: Row) -> Row:
    at = row["at"] and f"{row['at']:%Y-%m-%d %H:%M}"
    return {"endTime": at, "artistName": row["artist"], "trackName": row["track"], "msPlayed": row["ms"]}


def spotify_extended(row: Row) -> Row:
    names = {"master_metadata_album_artist_name": row["artist"], "master_metadata_track_name": row["track"]}
    return names | {"ts": iso(row["at"]), "ms_played": row["ms"], "ip_addr": SECRET, "username": SECRET}


def listen(row: Row) -> Row:
    names = {"artist_name": row["artist"], "track_name": row["track"]}
    return {"user_name": row["listener"], "listened_at": unix(row["at"]), "track_metadata": names}


def spark_dump(rows: Sequence[Row]) -> bytes:
    columns = {
        "listened_at": pa.array([row["at"] and row["at"].replace(tzinfo=None) for row in rows], pa.timestamp("us")),
        "user_id": pa.array([row["listener"] for row in rows], pa.string()),
        "artist_name": pa.array([row["artist"] for row in rows], pa.string()),
        "recording_name": pa.array([row["track"] for row in rows], pa.string()),
        "recording_mbid": pa.nulls(len(rows), pa.string()),
        "artist_credit_mbids": pa.nulls(len(rows), pa.list_(pa.string())),
    }
    with io.BytesIO() as file:
        pq.write_table(pa.table(columns), file)
        return file.getvalue()


def lastfm_1k(rows: Sequence[Row]) -> bytes:
    lines = ("\t".join((r["listener"], iso(r["at"]) or "", "", r["artist"], "", r["track"])) for r in rows)
    return "".join(line + "\n" for line in lines).encode()


SAMPLES = {
    "netgain": Sample("plays.jsonl", json_lines(netgain), names_listener=True, tells_ms=True),
    "spotify": Sample("StreamingHistory0.json", json_array(spotify), "array", tells_ms=True),
    "spotify-extended": Sample("endsong_0.json", json_array(spotify_extended), "array", tells_ms=True),
    "listenbrainz": Sample("1.listens", json_lines(listen), names_listener=True),
    "listenbrainz-export": Sample("1.jsonl", json_lines(listen)),
    "listenbrainz-spark": Sample("0.parquet", spark_dump, "parquet", names_listener=True),
    "lastfm-1k": Sample("userid-timestamp-x.tsv", lastfm_1k, names_listener=True),
    "lastfm-csv": Sample(
        "scrobbles.csv",
        csv_rows(lambda r: (r["artist"], "Album", r["track"], f"{r['at']:%d %b %Y %H:%M}" if r["at"] else "")),
    ),
    "librefm": Sample(
        "librefm.csv",
        csv_rows(
            lambda r: (r["artist"], r["track"], "Album", unix(r["at"])),
            before="+ACM- Data export from Libre.fm,,,\nArtist,Track,Album,Time\n",
        ),
        first_row=2,
    ),
    "table": Sample(
        "plays.csv",
        csv_rows(
            lambda r: (r["listener"], iso(r["at"]), r["artist"], r["track"], r["ms"]),
            before="who,when,artist,song,ms\n",
        ),
        names_listener=True,
        tells_ms=True,
        first_row=1,
    ),
}


def read(format: str, data: bytes, *, folder: str = "ann", ending: str = "") -> ReadResult:
    """What a format makes of a file in a listener's folder; a result that every reader may give."""
    result = FORMATS[format].read(data, source(format, f"{folder}/{SAMPLES[format].file}{ending}"))
    assert result.plays.schema.equals(PLAYS)
    assert result.quarantine.schema.equals(QUARANTINE)
    assert not any(result.plays[field.name].null_count for field in PLAYS if not field.nullable)
    assert set(result.quarantine["reason"].to_pylist()) <= set(Reason)
    assert set(result.repairs) <= set(Repair)
    assert all(len(raw) <= RAW_BYTES for raw in result.quarantine["raw"].to_pylist())
    numbers = result.plays["row"].to_pylist() + result.quarantine["row"].to_pylist()
    assert len(numbers) == len(set(numbers)), "a row is in one place"
    return result


def source(format: str, path: str) -> Source:
    if format != "table":
        return Source(path)
    from pipeline.logs.columns import ColumnMap

    columns = ColumnMap(listener="who", played_at="when", artist="artist", track="song", ms_played="ms")
    return Source(path, columns=columns)


@pytest.fixture(params=sorted(FORMATS))
def format(request: pytest.FixtureRequest) -> str:
    assert request.param in SAMPLES, f"{request.param} has no sample writer: add one to tests/logs/test_contract.py"
    return str(request.param)


@pytest.fixture
def sample(format: str) -> Sample:
    return SAMPLES[format]


def test_the_sample_is_a_file_that_the_format_takes(format: str, sample: Sample) -> None:
    assert FORMATS[format].takes(f"ann/{sample.file}")
    assert not FORMATS[format].takes(f"ann/.{sample.file}")
    assert not FORMATS[format].takes(f".partial/{sample.file}")


def test_a_plain_row_becomes_the_play_that_it_tells(format: str, sample: Sample) -> None:
    result = read(format, sample.write([PLAIN]))
    (play,) = result.plays.to_pylist()
    told = (play["listener_id"], play["played_at"], play["artist_name"], play["track_name"])
    assert told == ("ann", NOON, PLAIN["artist"], "Untitled")
    assert play["ms_played"] == (180_000 if sample.tells_ms else None)
    assert (play["source"], play["file"], play["row"]) == (format, f"ann/{sample.file}", sample.first_row)
    assert result.repairs == {}


def test_rows_add_up_and_each_kind_of_dirt_has_its_reason(format: str, sample: Sample) -> None:
    dirt = sample.dirt()
    rows = [row for spoilt, _ in dirt for row in (PLAIN, spoilt)] + [PLAIN]
    result = read(format, sample.write(rows))
    first = sample.first_row
    assert result.plays["row"].to_pylist() == list(range(first, first + len(rows), 2))
    assert result.quarantine["row"].to_pylist() == list(range(first + 1, first + len(rows), 2))
    assert result.quarantine["reason"].to_pylist() == [reason for _, reason in dirt]


def test_quarantine_keeps_what_was_found(format: str, sample: Sample) -> None:
    data = sample.write([row for row, _ in sample.dirt()])
    for kept in read(format, data).quarantine.to_pylist():
        if sample.shape == "lines":
            assert kept["raw"] == data.split(b"\n")[kept["row"]]
        else:
            assert as_texts(json.loads(kept["raw"])) <= as_texts(elements(sample.shape, data)[kept["row"]])


def elements(shape: str, data: bytes) -> list[Row]:
    found: list[Row] = json.loads(data) if shape == "array" else pq.read_table(pa.BufferReader(data)).to_pylist()
    return found


def as_texts(element: Row) -> set[tuple[str, str]]:
    """A private format keeps values as text, and Parquet's times have no other form in JSON."""
    return {(name, str(value)) for name, value in element.items()}


def test_reading_twice_gives_the_same(format: str, sample: Sample) -> None:
    data = sample.write([PLAIN, *(row for row, _ in sample.dirt())])
    once, again = read(format, data), read(format, data)
    assert once.plays.equals(again.plays)
    assert once.quarantine.equals(again.quarantine)
    assert once.repairs == again.repairs


def test_two_listeners_are_never_one(format: str, sample: Sample) -> None:
    if sample.names_listener:
        found = read(format, sample.write([PLAIN, PLAIN | {"listener": "bob"}])).plays["listener_id"].to_pylist()
    else:
        data = sample.write([PLAIN])
        found = [read(format, data, folder=who).plays["listener_id"].to_pylist()[0] for who in ("ann", "bob/MyData")]
    assert found == ["ann", "bob"]


MARKS = {
    "byte order mark": (lambda data: b"\xef\xbb\xbf" + data, {Repair.BYTE_ORDER_MARK: 2}),
    "CRLF": (lambda data: data.replace(b"\n", b"\r\n"), {}),
    "UTF-16": (lambda data: b"\xff\xfe" + data.decode().encode("utf-16-le"), {Repair.UTF_16: 2}),
    "no last line end": (lambda data: data.rstrip(b"\n"), {}),
}


@pytest.mark.parametrize("format", [f for f in sorted(SAMPLES) if f in FORMATS and SAMPLES[f].shape != "parquet"])
@pytest.mark.parametrize("how", MARKS)
def test_marks_and_line_ends_change_no_play(format: str, how: str) -> None:
    change, repairs = MARKS[how]
    data = SAMPLES[format].write([PLAIN, PLAIN])
    result = read(format, change(data))
    assert result.plays.equals(read(format, data).plays)
    assert result.plays.num_rows == 2
    assert result.repairs == repairs


PACKED = [
    (f, ending)
    for f in sorted(SAMPLES)
    for ending in (".gz", ".zst")
    if f in FORMATS and FORMATS[f].takes(SAMPLES[f].file + ending)
]


@pytest.mark.parametrize(("format", "ending"), PACKED)
def test_an_archive_is_read_whole_or_not_at_all(format: str, ending: str) -> None:
    sample = SAMPLES[format]
    data = sample.write([PLAIN | {"track": f"Untitled {i}"} for i in range(500)])
    packed = gzip.compress(data) if ending == ".gz" else pa.compress(data, "zstd", asbytes=True)
    assert read(format, packed, ending=ending).plays.num_rows == 500
    for n_bytes in (0, 1, 10, len(packed) // 2, len(packed) - 1):
        result = read(format, packed[:n_bytes], ending=ending)
        assert result.plays.num_rows == 0
        assert [(row["row"], row["reason"]) for row in result.quarantine.to_pylist()] == [(-1, Reason.UNREADABLE)]


def test_an_empty_file_holds_no_play(format: str) -> None:
    result = read(format, b"")
    assert result.plays.num_rows == 0
    assert result.quarantine["reason"].to_pylist() in ([], [Reason.UNREADABLE])


def test_cut_and_damaged_files_crash_no_reader(format: str, sample: Sample) -> None:
    data = sample.write([PLAIN] * 3)
    rng = random.Random(1)
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(3):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        for found in (data[: rng.randrange(len(data))], bytes(damaged), rng.randbytes(200)):
            assert read(format, found).plays.num_rows <= 3


@pytest.mark.parametrize("format", [f for f in sorted(SAMPLES) if f in FORMATS and FORMATS[f].private])
def test_a_private_format_keeps_nothing_of_what_it_does_not_read(format: str) -> None:
    sample = SAMPLES[format]
    data = sample.write([PLAIN, *(row for row, _ in sample.dirt())])
    assert SECRET.encode() in data
    for found in (data, data[:-1], json.dumps([SECRET, [SECRET], {"ts": {"x": SECRET}}]).encode()):
        result = read(format, found)
        assert result.quarantine.num_rows
        assert SECRET not in repr(result.plays.to_pylist()) + repr(result.quarantine.to_pylist())
