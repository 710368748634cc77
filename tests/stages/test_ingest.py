"""Ingest: counts add up, duplicates are dropped, running again changes nothing."""

import datetime as dt
import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import LandingError
from pipeline.identity.tokens import OPEN_KEY
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import read_landing
from pipeline.logs.pseudonyms import OPEN_RULES, PrivacyRules
from pipeline.runtime.inprocess import InProcess
from pipeline.stages.ingest import ingest
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import PLAYS, QUARANTINED
from pipeline.storage.tables import read_table

SHARED = Path(__file__).resolve().parents[2] / "../shared/data"
MBID = "f1b1cf71-bd35-4e99-8624-24a6e15f133a"
PLAY = {
    "listener_id": "ann",
    "played_at": "2026-01-01T10:00:00Z",
    "artist_id": "a",
    "artist_name": "A",
    "track_id": "t",
    "track_name": "T",
    "ms_played": 1000,
}


def land(root: Path, files: dict[str, list[Any]]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        (root / name).write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows))
    return root


def run(
    root: Path,
    out: Path,
    *,
    format: str = "netgain",
    n_buckets: int = 1,
    executor: Any = None,
    privacy: PrivacyRules = OPEN_RULES,
    id_key: bytes = OPEN_KEY,
) -> dict[str, Any]:
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "landing.json", take_inventory(root, format, privacy=privacy))
    return ingest(
        read_landing(out / "landing.json", workspace=out),
        executor=executor or InProcess(),
        n_buckets=n_buckets,
        plays=out / "data" / "plays",
        quarantine=out / "data" / "quarantine.parquet",
        report=out / "data" / "ingest.json",
        days=out / "data" / "days.json",
        cache=out / "cache",
        id_key=id_key,
    )


def checksums(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def assert_adds_up(report: dict[str, Any], out: Path) -> pa.Table:
    names = ("read", "accepted", "duplicate", "quarantined")
    for counts in (report, *report["files"]):
        assert counts["read"] == counts["accepted"] + counts["duplicate"] + counts["quarantined"]
    for name in names:
        assert report[name] == sum(file[name] for file in report["files"])
    plays = read_table(out / "data" / "plays", PLAYS)
    assert plays.num_rows == report["accepted"]
    assert read_table(out / "data" / "quarantine.parquet", QUARANTINED).num_rows == report["quarantined"]
    assert sum(report["reasons"].values()) == report["quarantined"]
    return plays


def test_the_first_of_equal_plays_stays_by_file_and_row(tmp_path: Path) -> None:
    longer = {**PLAY, "ms_played": 2000}
    unknown = {**PLAY, "ms_played": None}
    root = land(tmp_path / "in", {"a.jsonl": [longer, PLAY], "b.jsonl": [PLAY, PLAY, "{", unknown, longer, unknown]})
    report = run(root, tmp_path)
    plays = assert_adds_up(report, tmp_path)
    kept = [(p["file"], p["row"], p["ms_played"]) for p in plays.to_pylist()]
    assert kept == [("a.jsonl", 0, 2000), ("a.jsonl", 1, 1000), ("b.jsonl", 3, None)]
    assert report["files"][1] == {
        "path": "b.jsonl",
        "read": 6,
        "accepted": 1,
        "duplicate": 4,
        "quarantined": 1,
        "reasons": {"not JSON": 1},
        "repairs": {},
        "replayed": 0,
        "first_played_at": "2026-01-01T10:00:00Z",
        "last_played_at": "2026-01-01T10:00:00Z",
    }


def test_a_file_without_a_play_has_no_first_play(tmp_path: Path) -> None:
    report = run(land(tmp_path / "in", {"a.jsonl": ["{"], "b.jsonl": []}), tmp_path)
    assert assert_adds_up(report, tmp_path).num_rows == 0
    assert [(file["read"], file["first_played_at"]) for file in report["files"]] == [(1, None), (0, None)]
    assert (tmp_path / "data" / "plays").is_dir()


def test_plays_lie_by_day_and_bucket_of_their_listener(tmp_path: Path) -> None:
    days = ("2026-01-01T23:59:59Z", "2026-01-02T00:00:00Z")
    rows = [{**PLAY, "listener_id": f"listener-{i}", "played_at": day} for i in range(20) for day in days]
    assert_adds_up(run(land(tmp_path / "in", {"a.jsonl": rows}), tmp_path, n_buckets=2), tmp_path)
    parts = [f"day={day}/part-00{bucket}.parquet" for day in ("2026-01-01", "2026-01-02") for bucket in (0, 1)]
    assert sorted(checksums(tmp_path / "data" / "plays")) == parts
    first, second = (set(read_table(tmp_path / "data" / "plays" / part, PLAYS)["listener_id"]) for part in parts[:2])
    assert not first & second


def test_running_again_gives_the_same_bytes_and_leaves_nothing_over(tmp_path: Path) -> None:
    rows = [{**PLAY, "listener_id": f"l{i % 7}", "ms_played": i} for i in range(50)]
    root = land(tmp_path / "in", {"a.jsonl": rows, "b.jsonl": ["{", *rows]})
    run(root, tmp_path)
    first = checksums(tmp_path / "data")
    stale = tmp_path / "data" / "plays" / "day=1999-01-01" / "part-000.parquet"
    stale.parent.mkdir()
    stale.write_bytes(b"of an older night")
    (tmp_path / "data" / ".tmp-ingest-killed").mkdir()
    run(root, tmp_path)
    assert checksums(tmp_path / "data") == first


def test_a_file_that_changed_after_it_landed_stops_ingest_and_keeps_the_old_plays(tmp_path: Path) -> None:
    root = land(tmp_path / "in", {"a.jsonl": [PLAY]})
    run(root, tmp_path)
    before = checksums(tmp_path / "data")
    land(root, {"a.jsonl": [PLAY, PLAY]})
    write_json(tmp_path / "landing.json", take_inventory(root, "netgain"))
    landing = read_landing(tmp_path / "landing.json", workspace=tmp_path)
    land(root, {"a.jsonl": [PLAY, PLAY, PLAY]})
    with pytest.raises(LandingError, match="changed after it landed"):
        ingest(
            landing,
            executor=InProcess(),
            n_buckets=1,
            plays=tmp_path / "data" / "plays",
            quarantine=tmp_path / "data" / "quarantine.parquet",
            report=tmp_path / "data" / "ingest.json",
            days=tmp_path / "data" / "days.json",
            cache=tmp_path / "cache",
        )
    assert checksums(tmp_path / "data") == before


ROW = st.sampled_from(["{", "[]", json.dumps({**PLAY, "listener_id": None})]) | st.builds(
    lambda listener, second, ms: {**PLAY, "listener_id": listener, "played_at": second, "ms_played": ms},
    st.sampled_from("abc"),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-02"]),
    st.sampled_from([None, 0, 1]),
)


@settings(deadline=None, max_examples=25)
@given(files=st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=3), n_buckets=st.integers(1, 3))
def test_each_play_is_accepted_once_and_the_counts_add_up(
    files: list[list[Any]], n_buckets: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("ingest")
    root = land(out / "in", {f"{i}.jsonl": rows for i, rows in enumerate(files)})
    plays = assert_adds_up(run(root, out, n_buckets=n_buckets), out)
    good = [r for rows in files for r in rows if isinstance(r, dict) and r["played_at"].endswith("Z")]
    distinct = {(row["listener_id"], row["played_at"], row["ms_played"]) for row in good}
    assert plays.num_rows == len(distinct)


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/data is not there")
@pytest.mark.parametrize(
    ("format", "folder", "n_read", "n_quarantined"),
    [
        ("spotify", "spotify-exports", 146_976, 0),
        ("listenbrainz", "listenbrainz", 112, 12),  # 100 listens; the lines of the fixtures name no listener
        ("listenbrainz-spark", "listenbrainz", 128, 0),
        ("lastfm-1k", "lastfm-1k-sample", 5_000, 0),
    ],
)
def test_counts_add_up_on_real_logs(format: str, folder: str, n_read: int, n_quarantined: int, tmp_path: Path) -> None:
    report = run(SHARED / folder, tmp_path, format=format)
    assert_adds_up(report, tmp_path)
    assert (report["read"], report["quarantined"]) == (n_read, n_quarantined)


def test_a_play_of_another_format_is_a_duplicate(tmp_path: Path) -> None:
    """The same listens land as ListenBrainz's dump of JSON lines and as its dump for Spark."""
    moments = [dt.datetime(2026, 1, day, 12, tzinfo=dt.UTC) for day in (1, 2, 3)]
    listens = [
        {
            "user_id": 7,
            "timestamp": int(moment.timestamp()),
            "track_metadata": {"artist_name": "A", "track_name": "T", "mbid_mapping": {"recording_mbid": MBID}},
        }
        for moment in moments
    ]
    root = land(tmp_path / "in", {"1.listens": listens})
    table = pa.table(
        {
            "listened_at": moments[1:],
            "user_id": [7, 7],
            "artist_name": ["A", "A"],
            "recording_name": ["T", "T"],
            "recording_mbid": [MBID, MBID],
            "artist_credit_mbids": pa.nulls(2, pa.list_(pa.string())),
        }
    )
    pq.write_table(table, root / "2.parquet")
    report = run(root, tmp_path, format="listenbrainz,listenbrainz-spark")
    assert_adds_up(report, tmp_path)
    assert [(f["path"], f["accepted"], f["duplicate"]) for f in report["files"]] == [
        ("1.listens", 3, 0),
        ("2.parquet", 0, 2),
    ]
    once = checksums(tmp_path / "data" / "plays")
    (root / "2.parquet").unlink()
    run(root, tmp_path, format="listenbrainz")
    assert checksums(tmp_path / "data" / "plays") == once
