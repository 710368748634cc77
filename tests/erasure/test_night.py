"""A hundred listeners are erased by the next night without a trace, and kept releases can be rolled back to."""

import datetime as dt
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipeline.erasure.scan import scan, sought
from pipeline.releases.release import current, list_releases, verify
from pipeline.releases.rollback import roll_back
from pipeline.simulation.simulate import simulate
from pipeline.state.rows import entries
from pipeline.storage.json_files import read_json
from tests.workspace import SMALL, make_workspace, run

pytestmark = pytest.mark.slow

START, DAYS, LISTENERS, LEAVE = dt.date(2026, 1, 1), 14, 260, 100
PARAMS = SMALL | {"split.decision_days": 4, "recipes.als.factors": 8}
NETGAIN = str(Path(sys.executable).parent / "netgain")
EVERYWHERE = ("data", "night", "landing", "releases", "reports", "mlflow", ".netgain", ".dvc")


def land(workspace: Path, days: int) -> None:
    simulate(n_listeners=LISTENERS, n_days=days, seed=1, start=START, out=workspace / ".made")
    for path in sorted((workspace / ".made").glob("*.gz")):
        if not (workspace / "landing" / path.name).exists():
            (workspace / "landing").mkdir(exist_ok=True)
            shutil.copy2(path, workspace / "landing")
    shutil.rmtree(workspace / ".made")


def night(workspace: Path, day: int) -> subprocess.CompletedProcess[str]:
    as_of = str(START + dt.timedelta(days=day))
    return run(workspace, NETGAIN, "night", "--as-of", as_of, NETGAIN_ENGINE="inprocess")


def left(workspace: Path, names: list[str]) -> list[Path]:
    ledger = [path for path in (workspace / "ledger").iterdir() if path.name != "erasures"]
    return scan([*(workspace / part for part in EVERYWHERE), *ledger], sought(names))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Path:
    root = tmp_path_factory.mktemp("erase") / "w"
    folder = make_workspace(root, recipes=["popular", "als"], params=PARAMS, store=migrated)
    land(folder, DAYS)
    night(folder, DAYS)
    return folder


@pytest.fixture(scope="module")
def leaving(workspace: Path) -> list[str]:
    served = sorted(set(pq.read_table(current(workspace / "releases").lists)["listener_id"].to_pylist()))
    assert len(served) > 2 * LEAVE
    return served[:LEAVE]


@pytest.fixture(scope="module")
def erased(workspace: Path, leaving: list[str]) -> Path:
    """Run the next night, which erases the listeners, after checking that their data exist."""
    where = {path.relative_to(workspace).parts[0] for path in left(workspace, leaving)}
    assert {"data", "landing", "releases", ".netgain", ".dvc", "mlflow"} <= where
    (workspace / "leaving.txt").write_text("\n".join(leaving[1:]))
    dry = run(workspace, NETGAIN, "erase", leaving[0], "--by", "ann", "--dry-run").stdout
    counts = {line.split(" in ")[1]: int(line.split()[0]) for line in dry.splitlines()}
    assert 0 < counts["landing"] <= DAYS
    assert min(counts["data"], counts["releases"], counts[".dvc/cache"]) > 0
    assert not (workspace / "ledger" / "erasures").exists()
    told = run(workspace, NETGAIN, "erase", leaving[0], "--file", "leaving.txt", "--by", "ann")
    assert f"{LEAVE} listeners will be erased by the next night" in told.stdout
    (workspace / "leaving.txt").unlink()
    land(workspace, DAYS + 1)
    assert f"{LEAVE} listeners were erased" in night(workspace, DAYS + 1).stdout
    return workspace


def test_no_byte_of_the_erased_listeners_is_left(erased: Path, leaving: list[str]) -> None:
    assert left(erased, leaving) == []
    assert not (erased / "ledger" / "erasures" / "pending.json").exists()


def test_all_other_listeners_are_served_as_before(erased: Path, leaving: list[str]) -> None:
    listeners = set(pq.read_table(current(erased / "releases").lists)["listener_id"].to_pylist())
    window = set(pq.read_table(erased / "data" / "window" / "listeners.parquet")["listener_id"].to_pylist())
    assert listeners == window
    assert len(listeners) > LEAVE
    assert not listeners & set(leaving)
    assert "is unknown: the fallback list" in run(erased, NETGAIN, "lookup", leaving[0]).stdout


def test_a_rollback_does_not_bring_erased_listeners_back(erased: Path, leaving: list[str]) -> None:
    found = list_releases(erased / "releases")
    assert len(found) == 2
    for release in found:
        verify(release)
    roll_back(erased / "releases", erased / "ledger", to=None, by="ann", reason="r")
    assert current(erased / "releases").id == found[0].id
    assert "is unknown: the fallback list" in run(erased, NETGAIN, "lookup", leaving[0]).stdout
    roll_back(erased / "releases", erased / "ledger", to=found[1].id, by="ann", reason="r")


def test_the_certificate_lists_what_was_removed(erased: Path, leaving: list[str]) -> None:
    (path,) = (erased / "reports" / "erasures").iterdir()
    certificate = read_json(path)
    assert certificate["left"] == 0
    assert [(request["by"], request["listeners"]) for request in certificate["requests"]] == [("ann", LEAVE)]
    assert {"landing", "releases", "MLflow artifacts", "DVC cache"} <= set(certificate["removed"])
    assert certificate["removed"]["landing"]["files"] == DAYS + 1


def test_redelivered_plays_of_the_erased_are_dropped_and_removed_from_the_landing_folder(
    erased: Path, leaving: list[str]
) -> None:
    play = {"listener_id": leaving[0], "played_at": "2026-01-15T10:00:00Z", "artist_name": "A", "track_name": "T"}
    others = play | {"listener_id": "another-listener"}
    text = "".join(json.dumps(row) + "\n" for row in (play, others, play))
    (erased / "landing" / "plays-again.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    night(erased, DAYS + 1)
    report = {file["path"]: file for file in read_json(erased / "data" / "ingest.json")["files"]}
    assert report["plays-again.jsonl.gz"]["reasons"] == {"erased listener": 2}
    assert left(erased, [leaving[0]]) == []
    text = gzip.decompress((erased / "landing" / "plays-again.jsonl.gz").read_bytes()).decode()
    assert text == json.dumps(others) + "\n"
    night(erased, DAYS + 1)  # files that the erasure rewrote do not count as changed
    kinds = [entry["by"] for entry in entries(erased / "ledger", "landed") if entry["kind"] == "accepted"]
    assert set(kinds) == {"netgain erase"}
