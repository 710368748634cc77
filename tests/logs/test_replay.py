"""Rows in quarantine are mended and land again, and then no longer count against the logs."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import LandingError, TableError
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import Landing, read_landing
from pipeline.logs.replay import enter_replayed, export, land_mended, read_again, with_replayed
from pipeline.runtime.inprocess import InProcess
from pipeline.stages.ingest import ingest
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import PLAYS
from pipeline.storage.tables import read_table
from tests.stages.test_ingest import PLAY, land

GOOD = json.dumps({**PLAY, "listener_id": "bob"})
BAD = {
    "listener_id": "cay",
    "played_at": "yesterday",
    **{k: PLAY[k] for k in ("artist_id", "artist_name", "track_name")},
}


def night(out: Path, format: str = "netgain") -> tuple[Landing, dict[str, Any]]:
    """Open a night with the replayed rows of the ledger, and ingest."""
    inventory = with_replayed(take_inventory(out / "in", format), out / "ledger")
    write_json(out / "landing.json", inventory)
    landing = read_landing(out / "landing.json", workspace=out)
    data = out / "data"
    report = ingest(
        landing,
        executor=InProcess(),
        n_buckets=1,
        plays=data / "plays",
        quarantine=data / "quarantine.parquet",
        report=data / "ingest.json",
        days=data / "days.json",
        cache=out / "cache",
    )
    return landing, report


def replay(out: Path, landing: Landing, mended: Path) -> str:
    name, entry = land_mended(landing, mended)
    root = take_inventory(out / "in", landing.format)["root"]
    enter_replayed(out / "ledger", entry, root=root, by="ann", reason="the clock was wrong")
    return name


def test_mended_rows_become_plays_and_their_originals_stay_on_record(tmp_path: Path) -> None:
    land(tmp_path / "in", {"a.jsonl": [PLAY, BAD, GOOD[:-1], "x" * 5000]})
    landing, before = night(tmp_path)
    assert (before["accepted"], before["quarantined"], before["replayed"]) == (1, 3, 0)
    out = tmp_path / "mended.jsonl"
    assert export(landing, "a.jsonl", out) == 3
    lines = out.read_text().split("\n")
    assert lines[1:] == [GOOD[:-1], "x" * 5000, ""]
    out.write_text(json.dumps({**BAD, "played_at": "2026-01-01T11:00:00Z"}) + "\n" + GOOD + "\n\n")  # the last given up
    name = replay(tmp_path, landing, out)
    assert name.startswith("a.mended-")
    _, after = night(tmp_path)
    assert (after["accepted"], after["quarantined"], after["replayed"]) == (3, 3, 2)
    listeners = set(read_table(tmp_path / "data" / "plays", PLAYS)["listener_id"].to_pylist())
    assert {token_of(name, OPEN_KEY) for name in ("bob", "cay")} < listeners


def test_the_rows_of_one_reason_can_be_exported(tmp_path: Path) -> None:
    land(tmp_path / "in", {"a.jsonl": [BAD, "{"]})
    landing, _ = night(tmp_path)
    assert export(landing, "a.jsonl", tmp_path / "out.jsonl", reasons=["not JSON"]) == 1
    assert json.loads((tmp_path / "out.jsonl.rows.json").read_text())["rows"] == [1]


def test_elements_of_an_array_are_mended_in_their_folder(tmp_path: Path) -> None:
    row = {"endTime": "2022-08-17 01:24", "artistName": "A", "trackName": "T", "msPlayed": 40_000}
    (tmp_path / "in" / "ann").mkdir(parents=True)
    file = tmp_path / "in" / "ann" / "StreamingHistory0.json"
    file.write_text(json.dumps([row, {**row, "endTime": "?"}, {**row, "msPlayed": -1}]))
    landing, before = night(tmp_path, "spotify")
    out = tmp_path / "out.json"
    assert export(landing, "ann/StreamingHistory0.json", out) == before["quarantined"] == 2
    mended = json.loads(out.read_text())
    out.write_text(json.dumps([mended[0], {**mended[1], "msPlayed": 1}]))
    with pytest.raises(LandingError, match=r"row 0 of .* is still bad: bad timestamp"):
        land_mended(landing, out)
    out.write_text(json.dumps([{**row, "endTime": "2022-08-17 01:30"}, {**mended[1], "msPlayed": 1}]))
    assert replay(tmp_path, landing, out).startswith(f"{token_of('ann', OPEN_KEY)}/StreamingHistory0.mended-")
    assert len(list((tmp_path / "in" / "ann").glob("StreamingHistory0.mended-*.json"))) == 1
    _, after = night(tmp_path, "spotify")
    assert (after["accepted"], after["replayed"]) == (3, 2)
    assert set(read_table(tmp_path / "data" / "plays", PLAYS)["listener_id"].to_pylist()) == {token_of("ann", OPEN_KEY)}


def test_a_row_that_is_out_of_its_place_is_refused(tmp_path: Path) -> None:
    land(tmp_path / "in", {"a.jsonl": [BAD, "{"]})
    landing, _ = night(tmp_path)
    out = tmp_path / "out.jsonl"
    export(landing, "a.jsonl", out)
    for text in (GOOD, f"{GOOD}\n{GOOD}\n{GOOD}\n", "\n\n"):
        out.write_text(text)
        with pytest.raises(LandingError, match="expected 2, each in its place"):
            land_mended(landing, out)
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["a.jsonl"]


def test_rows_that_cannot_be_mended_by_hand_are_refused(tmp_path: Path) -> None:
    land(tmp_path / "in", {"a.jsonl": [PLAY]})
    (tmp_path / "in" / "b.jsonl.gz").write_bytes(b"\x1f\x8bhalf")
    landing, _ = night(tmp_path)
    with pytest.raises(LandingError, match="no such row of a"):
        export(landing, "a.jsonl", tmp_path / "x.jsonl")
    with pytest.raises(LandingError, match=r"unreadable as a whole; .*Mend it at its source"):
        export(landing, "b.jsonl.gz", tmp_path / "x.jsonl")
    with pytest.raises(LandingError, match="no landed file"):
        export(landing, "c.jsonl", tmp_path / "x.jsonl")
    with pytest.raises(TableError, match=r"x\.jsonl\.rows\.json cannot be read"):
        land_mended(landing, tmp_path / "x.jsonl")


def test_rows_are_read_again_whole(tmp_path: Path) -> None:
    land(tmp_path / "in", {"a.jsonl": ["x" * 5000]})
    landing, _ = night(tmp_path)
    (row,) = read_again(landing, landing.files[0]).quarantine.to_pylist()
    assert row["raw"] == b"x" * 5000
