"""Logs as people have them: real exports of every shape, odd names, archives and links, in one landing."""

import csv
import datetime as dt
import gzip
import io
import json
import os
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.errors import LandingError
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.archives import unpack_in_place
from pipeline.logs.formats import format_of
from pipeline.logs.inventory import survey, take_inventory
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.reasons import NO_FAULT, Reason, Repair
from pipeline.stages.ingest import BATCH_FILES, MANY_FILES
from pipeline.storage.schemas import PLAYS
from pipeline.storage.tables import read_table
from tests.stages.test_ingest import PLAY, assert_adds_up, run

NIGHT = dt.datetime(2023, 10, 29, 17, 30, tzinfo=dt.UTC)
ACCOUNT = {"endTime": "2023-10-29 17:30", "artistName": "Kiasmos", "trackName": "Lit", "msPlayed": 174424}
EXTENDED = {
    "ts": "2023-10-29T17:30:41Z",
    "ms_played": 174424,
    "master_metadata_track_name": "Lit",
    "master_metadata_album_artist_name": "Kiasmos",
    "spotify_track_uri": "spotify:track:1",
}
LISTEN = {"listened_at": int(NIGHT.timestamp()), "track_metadata": {"artist_name": "Kiasmos", "track_name": "Lit"}}
ROCKBOX = (
    f"#AUDIOSCROBBLER/1.1\n#TZ/UTC\n#CLIENT/Rockbox\nKiasmos\tKiasmos\tLit\t1\t240\tL\t{LISTEN['listened_at']}\t\n"
)
APPLE_HEADER = (
    "Artist Name,Build Version,Client IP Address,Event End Timestamp,Event Type,Play Duration Milliseconds,Song Name"
)
TAKEOUT = {
    "header": "YouTube Music",
    "title": "Watched Lit",
    "titleUrl": "https://music.youtube.com/watch?v=abc",
    "subtitles": [{"name": "Kiasmos - Topic"}],
    "time": "2023-10-29T17:30:00.123Z",
    "products": ["YouTube"],
}


def token(listener: str) -> str:
    return token_of(listener, OPEN_KEY)


ANN = token("ann")


def read(format: str, path: str, data: bytes | str) -> ReadResult:
    return format_of(format).read(data.encode() if isinstance(data, str) else data, Source(path))


def reasons(result: ReadResult) -> list[str]:
    return result.quarantine["reason"].to_pylist()


def named(result: ReadResult) -> list[tuple[str, str, str]]:
    return [(p["listener_id"], p["artist_name"], p["track_name"]) for p in result.plays.to_pylist()]


def land(root: Path, files: dict[str, bytes | str | Any]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, bytes | str) else json.dumps(content)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def packed(files: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return out.getvalue()


def listeners(out: Path) -> dict[str, int]:
    plays = pl.DataFrame(read_table(out / "data" / "plays", PLAYS))
    return dict(plays.group_by("listener_id").len().sort("listener_id").rows())


# Rows that name no song


@pytest.mark.parametrize("artist", ["", "  ", "\u3000"])
def test_an_artist_that_spotify_leaves_empty_is_a_play_of_an_unknown_one(artist: str) -> None:
    result = read("spotify", "ann/StreamingHistory0.json", json.dumps([ACCOUNT | {"artistName": artist}]))
    assert named(result) == [("ann", "[unknown]", "Lit")]
    assert result.repairs == {Repair.NO_ARTIST: 1}


NOTHING = dict.fromkeys(
    (
        "master_metadata_track_name",
        "master_metadata_album_artist_name",
        "spotify_track_uri",
        "spotify_episode_uri",
        "episode_name",
        "episode_show_name",
    )
)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (EXTENDED | NOTHING, Reason.NAMES_NOTHING),
        ({"ts": EXTENDED["ts"], "ms_played": 1}, Reason.NAMES_NOTHING),
        ({"ts": EXTENDED["ts"], "ms_played": 1, "episode_name": "An episode"}, Reason.NOT_MUSIC),
        (EXTENDED | NOTHING | {"audiobook_title": "A book"}, Reason.NOT_MUSIC),
        ({}, Reason.BAD_TIMESTAMP),
    ],
)
def test_rows_of_the_extended_history_that_name_no_song_do_not_count_against_it(row: Any, reason: Reason) -> None:
    result = read("spotify-extended", "ann/endsong.json", json.dumps([EXTENDED, row]))
    assert reasons(result) == [reason]
    assert (reason in NO_FAULT) == (row != {})


# Names, archives, links


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("ann/endsong.json", [EXTENDED]),
        ("ann/endsong (1).json", [EXTENDED]),
        ("ann/StreamingHistory0.JSON", [ACCOUNT]),
        ("ann/StreamingHistory0.json.gz", gzip.compress(json.dumps([ACCOUNT]).encode())),
        ("ann/MyData/Copy of StreamingHistory_music_0.json", [ACCOUNT]),
        ("ann/my_spotify_data.zip", packed({"MyData/StreamingHistory0.json": [ACCOUNT], "__MACOSX/._x": b"\0"})),
        ("ann.zip", packed({"Spotify Account Data/StreamingHistory_music_0.json": [ACCOUNT]})),
        ("ann/all.zip", packed({"part.ZIP": packed({"endsong_0.json": [EXTENDED]})})),
        ("ann/.scrobbler.log", ROCKBOX),
        ("ann/renamed.json", [ACCOUNT]),
        ("ann/Takeout/YouTube and YouTube Music/history/watch-history.json", [TAKEOUT]),
        ("ann/listens/2023/10.jsonl", json.dumps(LISTEN) + "\n"),
        ("ann/Apple Music Play Activity.csv", f"{APPLE_HEADER}\nKiasmos,1,::1,2023-10-29T17:30:00Z,PLAY_END,9,Lit\n"),
    ],
)
def test_a_file_is_found_by_its_content_whatever_it_is_called(path: str, content: Any, tmp_path: Path) -> None:
    report = run(land(tmp_path / "in", {path: content}), tmp_path, format="auto")
    assert (report["read"], report["accepted"]) == (1, 1)
    assert listeners(tmp_path) == {ANN: 1}


def test_a_folder_of_mixed_exports_is_one_landing_and_says_what_it_takes(tmp_path: Path) -> None:
    root = land(
        tmp_path / "in",
        {
            "ann/StreamingHistory0.json": [ACCOUNT],
            "ann/Playlist1.json": {"playlists": [{"name": "x"}]},
            "ann/StreamingHistory_podcast_0.json": [{"endTime": "2023-10-29 17:30", "podcastName": "P", "msPlayed": 1}],
            "bob/scrobbles.csv": "artist,album,track,date\nKiasmos,Kiasmos,Lit,29 Oct 2023 17:30\n",
            "bob/purchases.csv": "item,price\nbread,2\n",
            "cay/.scrobbler.log": ROCKBOX,
            "dan/watch-history.json": [TAKEOUT],
            "README": "not a log",
        },
    )
    found = survey(root, "auto")
    assert {file["path"]: file["format"] for file in found.inventory["files"]} == {
        "ann/StreamingHistory0.json": "spotify",
        "bob/scrobbles.csv": "lastfm-csv",
        "cay/.scrobbler.log": "rockbox",
        "dan/watch-history.json": "youtube-music",
    }
    assert found.notes == (
        "formats by content: 1 lastfm-csv, 1 rockbox, 1 spotify, 1 youtube-music",
        "not taken, but look like logs: " + token("bob") + "/purchases.csv (a header of no known log: item,price)",
    )
    report = run(root, tmp_path, format="auto")
    assert_adds_up(report, tmp_path)
    assert listeners(tmp_path) == dict.fromkeys(sorted(map(token, ("ann", "bob", "cay", "dan"))), 1)


def test_what_another_format_would_take_is_named_in_one_line(tmp_path: Path) -> None:
    root = land(tmp_path / "in", {"ann/StreamingHistory0.json": [ACCOUNT], "ann/endsong_0.json": [EXTENDED]})
    assert survey(root, "spotify").notes == (f"not taken, but look like logs: {ANN}/endsong_0.json (spotify-extended)",)
    with pytest.raises(LandingError, match=r"holds no log .*not taken.*--format auto"):
        take_inventory(land(tmp_path / "other", {"ann/endsong_0.json": [EXTENDED]}), "spotify")


def test_links_are_followed_once_and_loops_end(tmp_path: Path) -> None:
    elsewhere = land(tmp_path / "elsewhere", {"StreamingHistory0.json": [ACCOUNT]})
    root = land(tmp_path / "in", {"bob/StreamingHistory0.json": [ACCOUNT]})
    (root / "ann").symlink_to(elsewhere)
    (root / "bob" / "loop").symlink_to(root)
    (root / "cay").mkdir()
    (root / "cay" / "StreamingHistory0.json").symlink_to(elsewhere / "StreamingHistory0.json")
    (root / "cay" / "gone.json").symlink_to(tmp_path / "nowhere")
    found = survey(root, "spotify")
    assert [file["path"].split("/")[0] for file in found.inventory["files"]] == ["ann", "bob", "cay"]
    (note,) = found.notes
    assert f"{token('bob')}/loop (a link to a folder that is read)" in note
    assert f"{token('cay')}/gone.json (a link that leads nowhere)" in note


def test_a_damaged_archive_is_named_and_costs_no_other_file(tmp_path: Path) -> None:
    whole = packed({"MyData/StreamingHistory0.json": [ACCOUNT]})
    root = land(tmp_path / "in", {"ann/a.zip": whole[:-30], "bob/StreamingHistory0.json": [ACCOUNT]})
    assert f"{ANN}/a.zip (a damaged or encrypted archive" in survey(root, "spotify").notes[0]
    assert run(root, tmp_path, format="spotify")["accepted"] == 1


def test_an_archive_unpacks_in_place_to_the_same_landed_files(tmp_path: Path) -> None:
    root = land(tmp_path / "in", {"ann/a.zip": packed({"MyData/StreamingHistory0.json": [ACCOUNT]})})
    os.utime(root / "ann" / "a.zip", (1_700_000_000,) * 2)
    before = take_inventory(root, "spotify")
    unpack_in_place(root / "ann" / "a.zip")
    assert (root / "ann" / "a.zip").is_dir()
    assert take_inventory(root, "spotify") == before


# Formats


def test_listenbrainz_arrays_pages_and_seconds_with_decimals_are_read() -> None:
    later = LISTEN | {"listened_at": LISTEN["listened_at"] + 0.5}
    page = {"payload": {"count": 1, "listens": [LISTEN, LISTEN | {"playing_now": True, "listened_at": None}]}}
    array = read("listenbrainz-export", "ann/listens.json", json.dumps([LISTEN, later]))
    assert array.plays["played_at"].to_pylist() == [NIGHT, NIGHT + dt.timedelta(milliseconds=500)]
    found = read("listenbrainz-export", "ann/page.json", json.dumps(page))
    assert (named(found), reasons(found)) == ([("ann", "Kiasmos", "Lit")], [Reason.PLAYING_NOW])
    lines = read("listenbrainz-export", "ann/export.jsonl", json.dumps(later) + "\n")
    assert lines.plays.num_rows == 1


@pytest.mark.parametrize(
    "text",
    [
        "utc_time,artist,album,track\n29 Oct 2023 17:30,Kiasmos,Kiasmos,Lit\n",
        f"artist,album,track,uts\nKiasmos,Kiasmos,Lit,{LISTEN['listened_at']}\n",
        f"\ufeffuts,utc_time,artist,artist_mbid,album,album_mbid,track,track_mbid\n{LISTEN['listened_at']},,Kiasmos,,,,Lit,\n",
        f'"Artist";"Album";"AlbumId";"Track";"Date#ann"\n"Kiasmos";"Kiasmos";"";"Lit";"{LISTEN["listened_at"]}000"\n',
        "TRACK;ARTIST;UTC_TIME\nLit;Kiasmos;29 Oct 2023, 17:30\n",
        "Track Name\tArtist Name\tTimestamp\nLit\tKiasmos\t2023-10-29T17:30:00Z\n",
        "Kiasmos,Kiasmos,Lit,29 Oct 2023 17:30\n",
        "# exported by a tool\nartist,track,played-at\nKiasmos,Lit,2023-10-29 17:30\n",
    ],
)
def test_a_csv_of_scrobbles_is_known_by_its_header_whatever_order_case_and_separator(text: str, tmp_path: Path) -> None:
    report = run(land(tmp_path / "in", {"ann/scrobbles.csv": text}), tmp_path, format="lastfm-csv")
    assert (report["read"], report["accepted"]) == (1, 1)
    (play,) = read_table(tmp_path / "data" / "plays", PLAYS).to_pylist()
    assert (play["artist_name"], play["track_name"], play["played_at"]) == ("Kiasmos", "Lit", NIGHT)


def test_quotes_that_a_writer_did_not_escape_are_part_of_the_text() -> None:
    text = '"Quoted" Band,B,Three "live",29 Oct 2023 17:30\nKiasmos,K,"Lit, again",29 Oct 2023 17:31\n'
    found = named(read("lastfm-csv", "ann/scrobbles.csv", text))
    assert found == [("ann", '"Quoted" Band', 'Three "live"'), ("ann", "Kiasmos", "Lit, again")]


def test_a_csv_of_an_unknown_header_is_one_clear_line(tmp_path: Path) -> None:
    root = land(tmp_path / "in", {"ann/scrobbles.csv": "what,when\nLit,29 Oct 2023 17:30\n"})
    with pytest.raises(LandingError, match=r"scrobbles\.csv \(a header of no known log: what,when\)"):
        take_inventory(root, "lastfm-csv")


def test_a_skip_of_rockbox_is_no_play_and_no_fault() -> None:
    skip = ROCKBOX.splitlines()[-1].replace("\tL\t", "\tS\t")
    short = "Kiasmos\tKiasmos\tLit\t1\t240\tL\t1698600660\n"  # version 1.0 has no MBID
    result = read("rockbox", "ann/.scrobbler.log", ROCKBOX + skip + "\n" + short)
    assert named(result) == [("ann", "Kiasmos", "Lit")] * 2
    assert reasons(result) == [Reason.SKIPPED]
    assert Reason.SKIPPED in NO_FAULT


def test_apple_music_loses_no_play_to_what_apple_leaves_out() -> None:
    out = io.StringIO()
    write = csv.writer(out).writerow
    write(APPLE_HEADER.split(","))
    write(["Kiasmos", "1", "203.0.113.7", "2023-10-29T17:30:00Z", "PLAY_START", "", "Lit"])
    write(["Kiasmos", "1", "203.0.113.7", "2023-10-29T17:30:00Z", "PLAY_END", "-5", "Lit"])
    write(["", "1", "203.0.113.7", "2023-10-29T17:31:00.5Z", "PLAY_END", "99", "Lit"])
    write(["", "1", "203.0.113.7", "2023-10-29T17:32:00Z", "PLAY_END", "99", ""])
    result = read("apple-music", "ann/Apple Music Play Activity.csv", out.getvalue())
    assert [(p["artist_name"], p["ms_played"]) for p in result.plays.to_pylist()] == [
        ("Kiasmos", None),
        ("[unknown]", 99),
    ]
    assert reasons(result) == [Reason.NO_PLAY, Reason.NAMES_NOTHING]
    assert set(reasons(result)) <= NO_FAULT
    assert result.repairs == {Repair.NO_DURATION: 1, Repair.NO_ARTIST: 1}
    assert b"203.0" not in b"".join(row["raw"] for row in result.quarantine.to_pylist())


def test_of_youtube_only_music_is_read_and_nothing_else_is_kept() -> None:
    rows = [
        TAKEOUT,
        TAKEOUT | {"title": "Lit angesehen"},
        TAKEOUT | {"header": "YouTube", "title": "Watched something private"},
        {"header": "YouTube Music", "title": "Watched a video that has been removed", "time": TAKEOUT["time"]},
    ]
    result = read("youtube-music", "ann/watch-history.json", json.dumps(rows))
    assert named(result) == [("ann", "Kiasmos", "Lit")] * 2
    assert result.plays["track_id"].to_pylist() == ["abc", "abc"]
    assert reasons(result) == [Reason.NOT_MUSIC, Reason.NAMES_NOTHING]
    assert b"private" not in b"".join(row["raw"] for row in result.quarantine.to_pylist())


# Across files


def test_a_name_composed_and_decomposed_is_one_listener_and_one_artist(tmp_path: Path) -> None:
    forms = [unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD")]
    files = {f"{name}/StreamingHistory{n}.json": [ACCOUNT | {"artistName": name}] for n, name in enumerate(forms)}
    report = run(land(tmp_path / "in", files), tmp_path, format="spotify")
    assert (report["accepted"], report["duplicate"]) == (1, 1)
    (play,) = read_table(tmp_path / "data" / "plays", PLAYS).to_pylist()
    assert (play["listener_id"], play["artist_name"]) == (token("Zoë"), "Zoë")


def test_of_both_exports_of_spotify_the_extended_one_counts(tmp_path: Path) -> None:
    only = ACCOUNT | {"trackName": "Looped"}
    root = land(
        tmp_path / "in",
        {
            "ann/StreamingHistory0.json": [ACCOUNT, only],
            "ann/endsong_0.json": [EXTENDED],
            "bob/StreamingHistory0.json": [ACCOUNT],
        },
    )
    report = run(root, tmp_path, format="auto")
    assert_adds_up(report, tmp_path)
    assert (report["accepted"], report["duplicate"], report["in_extended_history"]) == (3, 1, 1)
    plays = pl.DataFrame(read_table(tmp_path / "data" / "plays", PLAYS))
    assert sorted(plays.select("listener_id", "track_name", "source").rows()) == sorted(
        [(ANN, "Lit", "spotify-extended"), (ANN, "Looped", "spotify"), (token("bob"), "Lit", "spotify")]
    )


@pytest.mark.parametrize(("year", "ahead"), [(1970, 0), (1980, 0), (2001, 0), (2010, 1)])
def test_a_file_dated_before_2002_is_no_clock(year: int, ahead: int, tmp_path: Path) -> None:
    root = land(tmp_path / "in", {"a.jsonl": json.dumps(PLAY) + "\n"})
    os.utime(root / "a.jsonl", (dt.datetime(year, 1, 2, tzinfo=dt.UTC).timestamp(),) * 2)
    report = run(root, tmp_path)
    assert report["reasons"] == ({Reason.AHEAD: 1} if ahead else {})


def test_many_small_files_are_read_in_batches_and_a_new_one_changes_its_own_alone(tmp_path: Path) -> None:
    n = MANY_FILES + BATCH_FILES
    files = {f"{i:05d}.jsonl": json.dumps(PLAY | {"listener_id": f"l{i}"}) + "\n" for i in range(n)}
    root = land(tmp_path / "in", files)
    report = run(root, tmp_path)
    assert_adds_up(report, tmp_path)
    assert (report["accepted"], len(report["files"])) == (n, n)
    before = {path.name for path in (tmp_path / "cache" / "files").iterdir()}
    assert len(before) < n / 20
    land(root, {"00000a.jsonl": json.dumps(PLAY | {"listener_id": "new"}) + "\n", "bad.jsonl": "{\n"})
    again = run(root, tmp_path)
    assert_adds_up(again, tmp_path)
    assert (again["accepted"], again["reasons"]) == (n + 1, {Reason.NOT_JSON: 1})
    assert len({path.name for path in (tmp_path / "cache" / "files").iterdir()} - before) <= 2


# Bounds


def test_an_archive_that_unpacks_beyond_its_bounds_is_one_row(tmp_path: Path) -> None:
    bomb = gzip.compress(b"{}\n" * 5_000_000)
    assert len(bomb) < 20_000
    report = run(land(tmp_path / "in", {"a.jsonl.gz": bomb, "b.jsonl": json.dumps(PLAY) + "\n"}), tmp_path)
    assert (report["accepted"], report["reasons"]) == (1, {Reason.UNREADABLE: 1})


def test_a_file_of_nothing_but_bad_rows_is_one_row() -> None:
    result = read("netgain", "a.jsonl", b"{}\n" * 200_001)
    assert (result.n_read, reasons(result)) == (1, [Reason.TOO_MANY])


def test_a_member_that_unpacks_beyond_its_bounds_is_named(tmp_path: Path) -> None:
    bomb = packed({"StreamingHistory0.json": b" " * 50_000_000})
    root = land(tmp_path / "in", {"ann/a.zip": bomb, "bob/StreamingHistory0.json": [ACCOUNT]})
    assert "unpacks to more than" in survey(root, "auto").notes[1]
