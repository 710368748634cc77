"""CSV, JSON lines and Parquet by a column map."""

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.errors import LandingError
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.columns import ColumnMap, load_columns
from pipeline.logs.csvrows import read_records
from pipeline.logs.formats import format_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.reading import MAX_LINE_BYTES, ReadResult, Source
from pipeline.logs.reasons import Reason
from pipeline.storage.schemas import PLAYS
from pipeline.storage.tables import read_table
from tests.stages.test_ingest import run

MAP = ColumnMap(played_at="at", artist="artist", track="song")
NOON = dt.datetime(2024, 1, 31, 12, tzinfo=dt.UTC)


def read(data: bytes, columns: ColumnMap = MAP, *, format: str = "table", path: str = "ann/a.csv") -> ReadResult:
    return format_of(format).read(data, Source(path, columns=columns))


def reasons(result: ReadResult) -> list[str]:
    return list(result.quarantine["reason"].to_pylist())


def records(data: bytes, **more: Any) -> list[tuple[int, list[str], str | None]]:
    found = read_records(data, **{"delimiter": ",", "quote": '"', **more})
    return [(record.row, list(record.fields), record.reason) for record in found]


def test_a_quoted_text_may_hold_delimiters_quotes_and_line_ends() -> None:
    assert records(b'a,"b,""c""\nd"\r\n\ne,f\n') == [(0, ["a", 'b,"c"\nd'], None), (3, ["e", "f"], None)]


def test_a_lost_quote_costs_its_own_line_alone() -> None:
    assert records(b'a,b\n"lost,b\nc,d\n') == [(0, ["a", "b"], None), (1, [], Reason.QUOTES), (2, ["c", "d"], None)]
    assert records(b'"a" b,c\nc,d\n') == [(0, [], Reason.QUOTES), (1, ["c", "d"], None)]


def test_two_lost_quotes_that_meet_are_told_by_the_number_of_columns() -> None:
    data = b'1,"lost\n2,b\n3,lost",c\n'
    assert records(data) == [(0, ["1", "lost\n2,b\n3,lost", "c"], None)]
    found = [(0, [], Reason.QUOTES), (1, ["2", "b"], None), (2, ["3", 'lost"', "c"], None)]
    assert [(row, reason) for row, _, reason in records(data, n_columns=2)][:2] == [(0, Reason.QUOTES), (1, None)]
    assert records(data, n_columns=2)[1] == found[1]


def test_without_quoting_a_quote_is_a_character() -> None:
    assert records(b'a;"b\n', delimiter=";", quote=None) == [(0, ["a", '"b'], None)]


def test_long_lines_and_broken_text_are_quarantined() -> None:
    found = records(b"a,b\n" + b"x" * (MAX_LINE_BYTES + 1) + b"\n\xe9,b\n" + b'"c\n\xe9"\n')
    assert [reason for _, _, reason in found] == [
        None,
        Reason.LONG_LINE,
        Reason.NOT_UTF8,
        Reason.QUOTES,
        Reason.NOT_UTF8,
    ]


def test_a_wide_field_is_not_a_fault() -> None:
    assert records(b'"' + b"x" * 200_000 + b'",b\n')[0][2] is None


def test_columns_may_come_in_any_order_behind_a_preamble() -> None:
    data = b"# exported on Monday\n\nsong,more,artist,at\nT,1,A,2024-01-31T12:00:00Z\n"
    (play,) = read(data).plays.to_pylist()
    assert (play["artist_name"], play["track_name"], play["played_at"]) == ("A", "T", NOON)
    assert (play["listener_id"], play["artist_id"], play["track_id"], play["row"]) == ("ann", "A", "A/T", 3)


@pytest.mark.parametrize(
    ("time", "written"),
    [
        ("iso", "2024-01-31T13:00:00+01:00"),
        ("unix", str(int(NOON.timestamp()))),
        ("%d.%m.%Y %H:%M", "31.01.2024 12:00"),
        ("%Y-%m-%d %H:%M:%S %z", "2024-01-31 13:00:00 +0100"),
    ],
)
def test_times_are_read_as_declared(time: str, written: str) -> None:
    columns = MAP.model_copy(update={"time": time})
    (play,) = read(f"at,artist,song\n{written},A,T\n".encode(), columns).plays.to_pylist()
    assert play["played_at"] == NOON
    assert reasons(read(b"at,artist,song\nnoon,A,T\n", columns)) == ["bad timestamp"]


def test_a_map_may_name_the_columns_itself() -> None:
    columns = ColumnMap(played_at="at", artist="a", track="t", header=("t", "a", "at"), delimiter="|")
    result = read(b"T|A|2024-01-31T12:00:00Z\nT|A\n", columns)
    assert result.plays["track_name"].to_pylist() == ["T"]
    assert reasons(result) == ["wrong number of columns"]


def test_an_empty_duration_is_null() -> None:
    columns = MAP.model_copy(update={"ms_played": "ms"})
    result = read(b"at,artist,song,ms\n2024-01-31T12:00:00Z,A,T,\n2024-01-31T12:00:00Z,A,T,7\n", columns)
    assert result.plays["ms_played"].to_pylist() == [None, 7]


def test_a_file_of_other_columns_is_unreadable_and_an_empty_one_is_empty() -> None:
    assert reasons(read(b"when,who\n1,2\n")) == ["unreadable file"]
    assert read(b"\n\n").n_read == 0


def test_a_row_above_the_header_is_not_lost() -> None:
    result = read(b"T,A,2024-01-31T12:00:00Z\nat,artist,song\n2024-01-31T12:00:00Z,A,T\n")
    assert (result.n_read, reasons(result), result.plays["row"].to_pylist()) == (2, ["wrong number of columns"], [2])


def test_a_blank_line_within_quotes_is_kept() -> None:
    assert records(b'a,"b\n\nc"\n') == [(0, ["a", "b\n\nc"], None)]


def test_a_text_of_megabytes_is_no_title() -> None:
    assert records(b'a,"b\n' + b"x" * (MAX_LINE_BYTES + 1) + b'"\n')[0][2] == Reason.QUOTES


def test_whole_numbers_may_be_written_as_fractions() -> None:
    columns = MAP.model_copy(update={"time": "unix", "ms_played": "ms"})
    result = read(f"at,artist,song,ms\n{int(NOON.timestamp())}.0,A,T,180000.0\n".encode(), columns)
    assert [(play["played_at"], play["ms_played"]) for play in result.plays.to_pylist()] == [(NOON, 180_000)]


def test_seconds_are_milliseconds() -> None:
    columns = MAP.model_copy(update={"seconds_played": "s"})
    rows = "".join(f"2024-01-31T12:00:00Z,A,T,{s}\n" for s in ("180.5", "3", "", "long", "nan", "-1"))
    result = read(f"at,artist,song,s\n{rows}".encode(), columns)
    assert result.plays["ms_played"].to_pylist() == [180_500, 3_000, None]
    assert reasons(result) == ["bad duration", "bad duration", "negative duration"]


@pytest.mark.parametrize("kind", [pa.timestamp("s"), pa.bool_(), pa.list_(pa.string())])
def test_a_parquet_column_of_another_kind_counts_as_absent(kind: pa.DataType) -> None:
    table = pa.table({"at": pa.array([NOON]), "artist": pa.nulls(1, kind), "song": ["T"]})
    assert reasons(parquet(table)) == ["missing artist"]


def test_parquet_whose_texts_are_not_utf8_is_unreadable() -> None:
    broken = pa.array([b"\xff"]).cast(pa.binary()).view(pa.string())
    assert reasons(parquet(pa.table({"at": pa.array([NOON]), "artist": broken, "song": ["T"]}))) == ["unreadable file"]


def parquet(table: pa.Table) -> ReadResult:
    out = io.BytesIO()
    pq.write_table(table, out)
    return read(out.getvalue(), path="a.parquet")


def test_other_files_of_an_export_of_listenbrainz_are_not_logs() -> None:
    takes = format_of("listenbrainz-export").takes
    assert takes("ann/listens/2024/1.jsonl")
    assert not any(map(takes, ("ann/user.json", "ann/feedback.jsonl", "ann/pinned_recording.jsonl")))


def test_the_raw_bytes_of_a_record_are_all_its_lines() -> None:
    result = read(b'at,artist,song\nnever,"A\nB",T\r\n')
    assert result.quarantine.to_pylist()[0]["raw"] == b'never,"A\nB",T'


def test_scrobbles_of_both_exporters_are_read() -> None:
    header = b"uts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n"
    for data in (
        header + f'"{int(NOON.timestamp())}","31 Jan 2024, 12:00","Sigur R\u00f3s","","","","T",""\n'.encode(),
        'Sigur Rós,"An, album",T,31 Jan 2024 12:00\n'.encode(),
        'artist,album,track,date\nSigur Rós,"An, album",T,"31 Jan 2024, 12:00"\n'.encode(),
    ):
        (play,) = read(data, format="lastfm-csv").plays.to_pylist()
        assert (play["artist_name"], play["track_name"], play["played_at"]) == ("Sigur Rós", "T", NOON)
    assert reasons(read(b"A,B,T,01 Jan 1970 00:00\n", format="lastfm-csv")) == ["timestamp before 2002"]


def landed(root: Path, columns: dict[str, Any] | str) -> Path:
    root.mkdir()
    (root / "a.csv").write_text("at,artist,song\n2024-01-31T12:00:00Z,A,T\n")
    (root / "columns.yaml").write_text(columns if isinstance(columns, str) else yaml.safe_dump(columns))
    return root


def test_the_column_map_is_an_input_of_the_night(tmp_path: Path) -> None:
    root = landed(tmp_path / "in", {"played_at": "at", "artist": "artist", "track": "song"})
    assert take_inventory(root, "table")["columns"]["track"] == "song"
    other = landed(tmp_path / "other", "")
    (other / "a.csv").write_text("Artist,Track,Album,Time\nA,T,B,1706702400\n")
    assert "columns" not in take_inventory(other, "librefm")
    run(root, tmp_path, format="table")
    (root / "columns.yaml").write_text(yaml.safe_dump({"played_at": "at", "artist": "song", "track": "artist"}))
    run(root, tmp_path, format="table")
    (play,) = read_table(tmp_path / "data" / "plays", PLAYS).to_pylist()
    assert (play["artist_name"], play["track_name"], play["listener_id"]) == ("T", "A", token_of("in", OPEN_KEY))


@pytest.mark.parametrize(
    ("columns", "match"),
    [
        ({"played_at": "at", "artist": "a"}, "track: Field required"),
        ({"played_at": "at", "artist": "a", "track": "t", "album": "b"}, "album: Extra inputs"),
        (
            {"played_at": "at", "artist": "a", "track": "t", "delimiter": ", "},
            "delimiter: String should have at most 1",
        ),
        ({"played_at": "at", "artist": "a", "track": "t", "header": ["at", "a"]}, "the header does not name t"),
        (
            {"played_at": "at", "artist": "a", "track": "t", "time": "%H:%M"},
            "time: .* a pattern with a date and a time",
        ),
        ({"played_at": "at", "artist": "a", "track": "t", "time": "%Y"}, "time: .* a pattern with a date"),
        ({"played_at": "at", "artist": "a", "track": "t", "time": "%Q"}, "time: .* a pattern with a date"),
        (
            {"played_at": "at", "artist": "a", "track": "t", "delimiter": "|", "quote": "|"},
            "between columns and around",
        ),
        ({"played_at": "at", "artist": "a", "track": "t", "ms_played": "m", "seconds_played": "s"}, "ms_played and"),
        ("- a\n", "it: Input should be"),
        ("{", "is not a column map"),
    ],
)
def test_a_faulty_column_map_is_refused_in_one_line(tmp_path: Path, columns: Any, match: str) -> None:
    with pytest.raises(LandingError, match=match) as error:
        load_columns(landed(tmp_path / "in", columns))
    assert "\n" not in str(error.value)


def test_a_missing_column_map_says_where_it_belongs(tmp_path: Path) -> None:
    root = landed(tmp_path / "in", "")
    (root / "columns.yaml").unlink()
    with pytest.raises(LandingError, match=r"no file .*columns\.yaml; expected a column map for the format table"):
        take_inventory(root, "table")


def test_a_track_that_is_playing_now_is_not_a_play() -> None:
    listen = {"track_metadata": {"artist_name": "A", "track_name": "T"}, "listened_at": int(NOON.timestamp())}
    submission = {"listen_type": "playing_now", "payload": [listen]}
    source = Source("ann/now.json")
    assert reasons(format_of("listenbrainz-export").read(json.dumps(submission).encode(), source)) == [
        "playing now, not played"
    ]
