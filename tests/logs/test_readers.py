"""Each format on hand-written rows: the play that a row becomes, or the reason that it is quarantined."""

import datetime as dt
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.logs.formats import format_of
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.reasons import Reason, Repair

FIXTURES = Path(__file__).parents[2].parent / "shared" / "data" / "listenbrainz" / "fixtures"
MBID = "f1b1cf71-bd35-4e99-8624-24a6e15f133a"
OTHER_MBID = "a7f7df4a-77d8-4f12-8acd-5c60c93f4de8"
PLAY = {
    "listener_id": "ann",
    "played_at": "2026-01-01T10:00:00Z",
    "artist_id": "a1",
    "artist_name": "Kiasmos",
    "track_id": "t1",
    "track_name": "Lit",
    "ms_played": 1000,
}


def read(format: str, relative: str, data: bytes) -> ReadResult:
    return format_of(format).read(data, Source(relative))


def netgain(*rows: Any) -> ReadResult:
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    return read("netgain", "plays.jsonl", b"".join(line + b"\n" for line in lines))


def reasons(result: ReadResult) -> list[str]:
    return result.quarantine["reason"].to_pylist()


def test_a_netgain_line_becomes_a_play() -> None:
    assert netgain(PLAY).plays.to_pylist() == [
        {
            **PLAY,
            "played_at": dt.datetime(2026, 1, 1, 10, tzinfo=dt.UTC),
            "source": "netgain",
            "file": "plays.jsonl",
            "row": 0,
        }
    ]


def test_where_there_is_no_id_the_names_stand_for_it() -> None:
    (play,) = netgain({**PLAY, "artist_id": None, "track_id": " "}).plays.to_pylist()
    assert (play["artist_id"], play["track_id"]) == ("Kiasmos", "Kiasmos/Lit")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"{", Reason.NOT_JSON),
        (b'{"ms_played": NaN}', Reason.NOT_JSON),
        (b"[" * 100_000, Reason.NOT_JSON),
        (b"[1]", Reason.NOT_OBJECT),
        (b"null", Reason.NOT_OBJECT),
        (b'{"artist_name": "\xff"}', Reason.NOT_UTF8),
        ({**PLAY, "artist_name": "a\x00b"}, Reason.UNSTORABLE),
        ({**PLAY, "track_name": "\ud800"}, Reason.UNSTORABLE),
        ({**PLAY, "listener_id": ""}, Reason.MISSING_LISTENER),
        ({**PLAY, "listener_id": {"id": 1}}, Reason.MISSING_LISTENER),
        ({**PLAY, "listener_id": True}, Reason.MISSING_LISTENER),
        ({**PLAY, "played_at": None}, Reason.BAD_TIMESTAMP),
        ({**PLAY, "played_at": "2026-02-30T00:00:00Z"}, Reason.BAD_TIMESTAMP),
        ({**PLAY, "played_at": "2026-01-01T10:00:00"}, Reason.BAD_TIMESTAMP),
        ({**PLAY, "played_at": "2026-1-1T10:00:00Z"}, Reason.BAD_TIMESTAMP),
        ({**PLAY, "played_at": "2001-12-31T23:59:59Z"}, Reason.BEFORE_2002),
        ({**PLAY, "played_at": "2100-01-01T00:00:00Z"}, Reason.FROM_2100),
        ({**PLAY, "artist_name": " \t"}, Reason.MISSING_ARTIST),
        ({**PLAY, "track_name": None}, Reason.MISSING_TRACK),
        ({**PLAY, "ms_played": -1}, Reason.NEGATIVE_DURATION),
        ({**PLAY, "ms_played": 0.5}, None),
        ({**PLAY, "ms_played": "long"}, Reason.BAD_DURATION),
        ({**PLAY, "ms_played": 7 * 86_400_000 + 1}, Reason.BAD_DURATION),
    ],
)
def test_a_bad_row_goes_to_quarantine_with_its_reason(row: Any, reason: Reason | None) -> None:
    result = netgain(PLAY, row, PLAY)
    assert result.plays["row"].to_pylist() == ([0, 2] if reason else [0, 1, 2])
    assert reasons(result) == ([reason] if reason else [])


def test_quarantine_keeps_the_first_2000_bytes_and_the_line_number() -> None:
    (row,) = read("netgain", "plays.jsonl", b"\n  \r\n" + b"x" * 5000).quarantine.to_pylist()
    assert row == {"file": "plays.jsonl", "row": 2, "reason": "not JSON", "raw": b"x" * 2000}


def test_an_offset_is_brought_to_utc_and_fractions_stay() -> None:
    (play,) = netgain({**PLAY, "played_at": "2026-01-01T01:00:00.25+02:00"}).plays.to_pylist()
    assert play["played_at"] == dt.datetime(2025, 12, 31, 23, 0, 0, 250_000, tzinfo=dt.UTC)


def test_line_separators_of_unicode_are_part_of_a_title() -> None:
    line = json.dumps({**PLAY, "track_name": "a\u2028b\x85c"}, ensure_ascii=False).encode()
    assert netgain(line).plays["track_name"].to_pylist() == ["a\u2028b\x85c"]


def test_bom_carriage_returns_and_a_missing_last_line_feed_are_no_fault() -> None:
    line = json.dumps(PLAY).encode()
    result = read("netgain", "plays.jsonl", b"\xef\xbb\xbf" + line + b"\r\n" + line)
    assert result.plays.num_rows == 2
    assert result.quarantine.num_rows == 0


@pytest.mark.parametrize(("ending", "codec"), [(".gz", "gzip"), (".zst", "zstd")])
def test_compressed_files_read_as_plain_ones(ending: str, codec: str) -> None:
    packed = pa.compress(json.dumps(PLAY).encode(), codec="zstd", asbytes=True) if codec == "zstd" else b""
    packed = packed or gzip.compress(json.dumps(PLAY).encode())
    assert read("netgain", f"plays.jsonl{ending}", packed).plays.num_rows == 1


def test_an_archive_of_two_members_is_read_to_its_end() -> None:
    member = gzip.compress(json.dumps(PLAY).encode() + b"\n")
    assert read("netgain", "plays.jsonl.gz", member + member).plays.num_rows == 2


@pytest.mark.parametrize("damage", [lambda d: d[:-9], lambda d: d[: len(d) // 2], lambda d: b"", lambda d: b"text"])
def test_a_damaged_archive_is_one_row_in_quarantine_and_nothing_of_it_is_used(damage: Any) -> None:
    whole = gzip.compress(b"".join(json.dumps({**PLAY, "row": i}).encode() + b"\n" for i in range(5000)))
    result = read("netgain", "plays.jsonl.gz", damage(whole))
    assert result.plays.num_rows == 0
    assert [(r["row"], r["reason"]) for r in result.quarantine.to_pylist()] == [(-1, "unreadable file")]


def test_a_play_ahead_of_its_file_by_more_than_a_quarter_of_an_hour_is_quarantined() -> None:
    lines = [json.dumps({**PLAY, "played_at": f"2026-01-01T{time}Z"}).encode() for time in ("10:15:00", "10:15:01")]
    written_at = dt.datetime(2026, 1, 1, 10, tzinfo=dt.UTC)
    result = format_of("netgain").read(b"\n".join(lines), Source("a.jsonl", written_at=written_at))
    assert result.plays["row"].to_pylist() == [0]
    assert reasons(result) == ["timestamp ahead of the clock"]


def test_of_a_line_longer_than_a_mebibyte_the_beginning_is_quarantined() -> None:
    long = b'{"listener_id": "' + b"x" * 2**20 + b'"}'
    lines = [json.dumps(PLAY).encode(), long, json.dumps(PLAY).encode()]
    result = read("netgain", "plays.jsonl", b"\n".join(lines))
    assert result.plays["row"].to_pylist() == [0, 2]
    assert result.quarantine.to_pylist() == [
        {"file": "plays.jsonl", "row": 1, "reason": "line too long", "raw": long[:2000]}
    ]
    tsv = b"a\t2006-08-13T13:59:20Z\t\tA\t\t" + b"x" * 2**20
    assert reasons(read("lastfm-1k", "userid-timestamp-x.tsv", tsv)) == ["line too long"]


@pytest.mark.parametrize(
    ("encode", "repair"),
    [
        (lambda text: text.encode("utf-8-sig"), Repair.BYTE_ORDER_MARK),
        (lambda text: b"\xff\xfe" + text.encode("utf-16-le"), Repair.UTF_16),
        (lambda text: b"\xfe\xff" + text.encode("utf-16-be"), Repair.UTF_16),
    ],
)
def test_a_byte_order_mark_says_how_a_file_is_written(encode: Any, repair: Repair) -> None:
    play = {**PLAY, "artist_name": "Sigur Rós 🎵"}
    result = read("netgain", "plays.jsonl", encode("\n".join([json.dumps(play, ensure_ascii=False)] * 3)))
    assert result.plays["artist_name"].to_pylist() == ["Sigur Rós 🎵"] * 3
    assert result.repairs == {repair: 3}


def test_half_a_character_at_the_end_of_utf_16_makes_a_file_unreadable() -> None:
    assert reasons(read("netgain", "plays.jsonl", b"\xff\xfe" + "{}".encode("utf-16-le")[:-1])) == ["unreadable file"]


def test_latin_1_is_not_guessed() -> None:
    line = json.dumps({**PLAY, "artist_name": "Björk"}, ensure_ascii=False)
    assert reasons(read("netgain", "plays.jsonl", line.encode("latin-1"))) == ["not UTF-8"]
    plain = json.dumps(PLAY).encode("utf-16-le")
    assert reasons(read("netgain", "plays.jsonl", plain)) == ["not JSON"]


@pytest.mark.parametrize(
    ("timestamp", "repair"),
    [
        (1486449409, None),
        (1486449409123, Repair.MILLISECONDS),
        (1486449409123456, Repair.MICROSECONDS),
        (1486449409123456789, Repair.NANOSECONDS),
    ],
)
def test_a_listenbrainz_time_says_its_unit_by_its_size(timestamp: int, repair: Repair | None) -> None:
    row = {"user_id": 1, "timestamp": timestamp, "track_metadata": {"artist_name": "A", "track_name": "T"}}
    result = read("listenbrainz", "1.listens", json.dumps(row).encode())
    (moment,) = result.plays["played_at"].to_pylist()
    digits = {None: 0, Repair.MILLISECONDS: 123_000}.get(repair, 123_456)
    assert moment == dt.datetime.fromtimestamp(1486449409, dt.UTC).replace(microsecond=digits)
    assert result.repairs == ({repair: 1} if repair else {})


def test_a_bad_mbid_is_left_out_and_counted() -> None:
    info = {"artist_mbids": ["this mbid is not valid"], "recording_mbid": MBID}
    track = {"artist_name": "A", "track_name": "T", "additional_info": info}
    result = read(
        "listenbrainz",
        "1.listens",
        json.dumps({"user_id": 1, "timestamp": 1486449409, "track_metadata": track}).encode(),
    )
    (play,) = result.plays.to_pylist()
    assert (play["artist_id"], play["track_id"]) == ("A", MBID)
    assert result.repairs == {Repair.NO_MBID: 1}
    tsv = b"a\t2006-08-13T13:59:20Z\tnone\tA\t\tT\n" + b"a\t2006-08-13T13:59:20Z\t\tA\t\tT\n"
    assert read("lastfm-1k", "userid-timestamp-x.tsv", tsv).repairs == {Repair.NO_MBID: 1}


def test_spotify_takes_the_listener_from_the_folder_and_the_end_as_time() -> None:
    row = {"endTime": "2022-08-17 01:24", "artistName": "Churo Diaz", "trackName": "Mi Traga", "msPlayed": 26240}
    (play,) = read("spotify", "ann/MyData/StreamingHistory0.json", json.dumps([row]).encode()).plays.to_pylist()
    assert play["listener_id"] == "ann"
    assert play["played_at"] == dt.datetime(2022, 8, 17, 1, 24, tzinfo=dt.UTC)
    assert (play["artist_id"], play["track_id"], play["ms_played"]) == ("Churo Diaz", "Churo Diaz/Mi Traga", 26240)


def test_spotify_names_a_listener_after_the_root_where_files_lie_in_it() -> None:
    data = b'[{"endTime": "2022-08-17 01:24", "artistName": "A", "trackName": "T", "msPlayed": 1}]'
    for source in (Source("StreamingHistory0.json", "bob"), Source("bob/StreamingHistory0.json")):
        assert format_of("spotify").read(data, source).plays["listener_id"].to_pylist() == ["bob"]


def test_spotify_quarantines_bad_elements() -> None:
    good = {"endTime": "2022-08-17 01:24", "artistName": "A", "trackName": "T", "msPlayed": 1}
    rows = [good, 7, {**good, "endTime": "2022-08-17"}, {**good, "artistName": "\ud800"}, {**good, "msPlayed": -1}]
    result = read("spotify", "ann/StreamingHistory0.json", json.dumps(rows).encode())
    assert result.plays["row"].to_pylist() == [0]
    assert reasons(result) == ["not a JSON object", "bad timestamp", "unstorable text", "negative duration"]


@pytest.mark.parametrize("text", [b"", b"{}", b'[{"endTime": ', b"\xff\xfe["])
def test_spotify_reads_all_of_an_array_or_nothing(text: bytes) -> None:
    assert reasons(read("spotify", "ann/StreamingHistory0.json", text)) == ["unreadable file"]


SONG = {
    "ts": "2023-03-19T18:31:37Z",
    "username": "secret-name",
    "ip_addr_decrypted": "203.0.113.7",
    "user_agent_decrypted": "secret-agent",
    "conn_country": "XX",
    "ms_played": 174424,
    "master_metadata_track_name": "Lit",
    "master_metadata_album_artist_name": "Kiasmos",
    "spotify_track_uri": "spotify:track:1",
    "episode_name": None,
    "spotify_episode_uri": None,
}
NO_SONG = dict.fromkeys(("master_metadata_track_name", "master_metadata_album_artist_name", "spotify_track_uri"), None)


def extended(*rows: Any) -> ReadResult:
    return read("spotify-extended", "ann/MyData/endsong_0.json", json.dumps(rows).encode())


def test_spotify_extended_takes_the_listener_from_the_folder_and_the_end_as_time() -> None:
    (play,) = extended(SONG).plays.to_pylist()
    assert play["listener_id"] == "ann"
    assert play["played_at"] == dt.datetime(2023, 3, 19, 18, 31, 37, tzinfo=dt.UTC)
    assert (play["artist_id"], play["track_id"]) == ("Kiasmos", "spotify:track:1")
    assert (play["artist_name"], play["track_name"], play["ms_played"]) == ("Kiasmos", "Lit", 174424)


def test_spotify_extended_quarantines_episodes_and_audiobooks() -> None:
    episode = {**SONG, **NO_SONG, "spotify_episode_uri": "spotify:episode:1"}
    audiobook = {**SONG, **NO_SONG, "audiobook_uri": "spotify:audiobook:1"}
    result = extended(SONG, episode, audiobook, {**SONG, **NO_SONG}, {**SONG, "ts": 7}, 7)
    assert result.plays["row"].to_pylist() == [0]
    assert reasons(result) == ["not music", "not music", "names nothing", "bad timestamp", "not a JSON object"]


@pytest.mark.parametrize(
    "row",
    [
        {**SONG, "ms_played": -1},
        {**SONG, "ts": {"ip_addr_decrypted": "203.0.113.7"}},
        {**SONG, "master_metadata_track_name": ["secret-name"], "spotify_track_uri": None},
        ["203.0.113.7", "secret-name"],
        "secret-name",
    ],
)
def test_personal_data_of_spotify_extended_does_not_get_past_its_reader(row: Any) -> None:
    result = extended(SONG, row)
    assert (result.plays.num_rows, result.quarantine.num_rows) == (1, 1)
    kept = repr(result.plays.to_pylist()) + repr(result.quarantine.to_pylist())
    assert not any(secret in kept for secret in ("secret", "203.0", "XX"))


def test_of_an_unreadable_private_file_no_byte_is_quarantined() -> None:
    text = json.dumps([SONG]).encode()
    (row,) = read("spotify-extended", "ann/endsong_0.json", text[:-1]).quarantine.to_pylist()
    assert (row["reason"], row["raw"]) == ("unreadable file", b"")


def test_spotify_extended_takes_both_names_of_its_files_and_no_video() -> None:
    takes = format_of("spotify-extended").takes
    assert takes("ann/endsong_3.json")
    assert takes("ann/Streaming_History_Audio_2019-2021_0.json")
    assert not takes("ann/Streaming_History_Video_2019.json")
    assert not takes("ann/StreamingHistory0.json")


@pytest.mark.skipif(not FIXTURES.is_dir(), reason="../shared/data is not there")
def test_spotify_extended_reads_a_real_export() -> None:
    data = (FIXTURES / "spotify_streaming_2023.json").read_bytes()
    result = read("spotify-extended", "ann/Streaming_History_Audio_2023.json", data)
    assert result.plays["artist_name"].to_pylist() == ["OAFF", "All Time Low", "Rema", "New Hope Club", "Sharn"]
    assert reasons(result) == []


def test_listenbrainz_prefers_its_own_mapping_and_ignores_ids_that_are_not_mbids() -> None:
    track = {
        "artist_name": "Kiasmos",
        "track_name": "Lit",
        "additional_info": {"artist_mbids": [OTHER_MBID], "recording_mbid": OTHER_MBID.upper(), "duration_ms": 5},
        "mbid_mapping": {"artist_mbids": [MBID], "recording_mbid": "none"},
    }
    line = json.dumps({"user_id": 7, "user_name": "ann", "timestamp": 1_577_836_800, "track_metadata": track})
    (play,) = read("listenbrainz", "1.listens", line.encode()).plays.to_pylist()
    assert (play["listener_id"], play["artist_id"], play["track_id"]) == ("7", MBID, OTHER_MBID)
    assert play["played_at"] == dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert play["ms_played"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timestamp": 4_102_444_800}, Reason.FROM_2100),
        ({"timestamp": 10**11 - 1}, Reason.FROM_2100),
        ({"timestamp": 9 * 10**18}, Reason.FROM_2100),
        ({"timestamp": 10**19}, Reason.BAD_TIMESTAMP),
        ({"timestamp": -1}, Reason.BEFORE_2002),
        ({"timestamp": 1.5}, Reason.BEFORE_2002),
        ({"timestamp": None}, Reason.BAD_TIMESTAMP),
        ({"track_metadata": None}, Reason.MISSING_ARTIST),
        ({"track_metadata": [1]}, Reason.MISSING_ARTIST),
        ({"user_id": None, "user_name": None}, Reason.MISSING_LISTENER),
    ],
)
def test_listenbrainz_quarantines_bad_listens(change: dict[str, Any], reason: Reason) -> None:
    good = {"user_id": 7, "timestamp": 1_577_836_800, "track_metadata": {"artist_name": "A", "track_name": "T"}}
    lines = [json.dumps(row).encode() for row in (good, {**good, **change})]
    result = read("listenbrainz", "listens.jsonl", b"\n".join(lines))
    assert result.plays.num_rows == 1
    assert reasons(result) == [reason]


def test_listenbrainz_spark_reads_parquet(tmp_path: Path) -> None:
    table = pa.table(
        {
            "listened_at": pa.array([1_577_836_800, 0, None], pa.int64())
            .cast(pa.timestamp("s"))
            .cast(pa.timestamp("ns")),
            "user_id": [1, 2, 3],
            "artist_name": ["A, B", "C", "D"],
            "recording_name": ["T", "U", "V"],
            "recording_mbid": [None, MBID, None],
            "artist_credit_mbids": [[MBID, OTHER_MBID], None, []],
        }
    )
    pq.write_table(table, tmp_path / "0.parquet")
    result = read("listenbrainz-spark", "0.parquet", (tmp_path / "0.parquet").read_bytes())
    (play,) = result.plays.to_pylist()
    assert (play["listener_id"], play["artist_id"], play["track_id"]) == ("1", MBID, "A, B/T")
    assert play["played_at"] == dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    assert reasons(result) == ["timestamp before 2002", "bad timestamp"]


def test_parquet_without_the_columns_is_unreadable(tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1]}), tmp_path / "0.parquet")
    assert reasons(read("listenbrainz-spark", "0.parquet", (tmp_path / "0.parquet").read_bytes())) == [
        "unreadable file"
    ]
    assert reasons(read("listenbrainz-spark", "0.parquet", b"PAR1")) == ["unreadable file"]


def test_parquet_whose_texts_are_no_texts_is_unreadable(tmp_path: Path) -> None:
    table = pa.table(
        {
            "listened_at": pa.array([dt.datetime(2020, 1, 1)], pa.timestamp("us")),  # noqa: DTZ001 (as dumps have it)
            "user_id": [1],
            "artist_name": ["Kiasmos"],
            "recording_name": ["Lit"],
            "recording_mbid": [MBID],
            "artist_credit_mbids": [[MBID]],
        }
    )
    pq.write_table(table, tmp_path / "0.parquet", compression="none", use_dictionary=False, write_statistics=False)
    whole = (tmp_path / "0.parquet").read_bytes()
    assert read("listenbrainz-spark", "0.parquet", whole).plays.num_rows == 1
    assert reasons(read("listenbrainz-spark", "0.parquet", whole.replace(b"Kiasmos", b"\xffiasmos"))) == [
        "unreadable file"
    ]
    pq.write_table(table.set_column(2, "artist_name", pa.array([[1]])), tmp_path / "0.parquet")
    assert reasons(read("listenbrainz-spark", "0.parquet", (tmp_path / "0.parquet").read_bytes())) == [
        "unreadable file"
    ]


def test_lastfm_1k_keeps_quotes_and_counts_columns() -> None:
    good = f'user_1\t2009-05-04T23:08:57Z\t{MBID}\tThe "Band\t\tDon"t'
    lines = [good, good + "\textra", "user_1\t2009-05-04T23:08:57Z", good.replace("2009-05-04T", "2009-05-04X")]
    result = read("lastfm-1k", "userid-timestamp-x.tsv", "\n".join(lines).encode() + b"\n\xff\n")
    (play,) = result.plays.to_pylist()
    assert (play["artist_id"], play["artist_name"], play["track_name"]) == (MBID, 'The "Band', 'Don"t')
    assert play["track_id"] == 'The "Band/Don"t'
    assert result.quarantine["row"].to_pylist() == [1, 2, 3, 4]
    assert reasons(result) == ["wrong number of columns", "wrong number of columns", "bad timestamp", "not UTF-8"]


@pytest.mark.parametrize(
    ("format", "takes", "leaves"),
    [
        (
            "netgain",
            ["a.jsonl", "d/a.jsonl.gz", "a.jsonl.zst"],
            ["a.json", ".a.jsonl", ".tmp/a.jsonl", "a.jsonl.gz.tmp"],
        ),
        (
            "spotify",
            ["x/StreamingHistory0.json", "x/StreamingHistory_music_0.json"],
            ["x/StreamingHistory_podcast_0.json"],
        ),
        ("listenbrainz", ["1.listens", "listens.jsonl"], ["COPYING", "START_TIMESTAMP"]),
        ("listenbrainz-spark", ["full/0.parquet"], ["full/COPYING", "full/END_TIMESTAMP"]),
        ("lastfm-1k", ["userid-timestamp-artid-artname-traid-traname.tsv"], ["userid-profile.tsv", "README.txt"]),
    ],
)
def test_a_format_takes_its_logs_and_no_other_file(format: str, takes: list[str], leaves: list[str]) -> None:
    assert [path for path in takes + leaves if format_of(format).takes(path)] == takes
