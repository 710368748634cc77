"""Listeners with every kind of id leave, in three nights of which one is killed; another program finds nothing left."""

import datetime as dt
import gzip
import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.identity.tokens import OPEN_KEY
from pipeline.releases.release import current, list_releases, verify
from pipeline.releases.rollback import roll_back
from pipeline.simulation.simulate import simulate
from pipeline.state.rows import entries
from pipeline.storage.json_files import read_json
from tests.erasure.independent import places, token
from tests.workspace import SMALL, environment, make_workspace, run

pytestmark = pytest.mark.slow

START, DAYS, LISTENERS = dt.date(2026, 1, 1), 14, {"secret": 300, "open": 60}
PARAMS = SMALL | {"gate.min_eligible_listeners": 10, "split.decision_days": 4, "recipes.als.factors": 8}
SECRET = "a key that nobody has, of the tests"
FORMATS = "netgain,spotify"

LEAVING = ["alice", "popular", "ann lee", "a|b-27", "c,d-27", "e@f.example", 'g"h-27', "i'j-27", "zoë-27"]
LEAVING += ["Bjo\u0308rk-27"]
STAYING = ["alice.smith", "popular-2", "ann", "lee", "a|b-2", "ann lee jr", "zoë", "27"]
"""Parts of the leaving ids, and ids that they are parts of."""
OWN_FOLDERS = {"carol w": True, "carol": False}
"""Listeners with an export of their own, and whether they leave."""
GONE = [*LEAVING, "carol w"]
DISTINCT = [name for name in GONE if name not in ("alice", "popular", "ann lee")]
"""Ids that nothing else contains; as for the others, code and ids of those who stay do."""


@dataclass(frozen=True)
class Case:
    """A workspace, and its variables for commands."""

    workspace: Path
    key: str
    n_listeners: int
    env: dict[str, str]

    def netgain(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return run(self.workspace, "netgain", *arguments, check=check, **self.env)

    def night(self, day: int, *, check: bool = True) -> subprocess.CompletedProcess[str]:
        as_of = str(START + dt.timedelta(days=day))
        return self.netgain("night", "--as-of", as_of, "--format", FORMATS, check=check)

    def tokens(self, names: list[str]) -> list[str]:
        return [token(name, self.key) for name in names]

    def served(self) -> set[str]:
        return set(pq.read_table(current(self.workspace / "releases").lists)["listener_id"].to_pylist())


def land(workspace: Path, days: int, n_listeners: int) -> None:
    """Land the days that are not there yet; some listeners get awkward ids, some an export of their own."""
    made, landing = workspace.parent / "made", workspace / "landing"
    simulate(n_listeners=n_listeners, n_days=days, seed=1, start=START, out=made)
    names = {f"L{i:06d}": name for i, name in enumerate([*LEAVING, *STAYING], start=1)}
    landing.mkdir(exist_ok=True)
    for path in sorted(made.glob("*.gz")):
        if not (landing / path.name).exists():
            text = gzip.decompress(path.read_bytes()).decode()
            for old, new in names.items():
                text = text.replace(json.dumps(old), json.dumps(new, ensure_ascii=False))
            (landing / path.name).write_bytes(gzip.compress(text.encode(), mtime=0))
    times = [f"{START + dt.timedelta(days=day)} 1{hour}:00" for day in range(days) for hour in range(9)]
    for number, name in enumerate(OWN_FOLDERS):
        plays = [
            {"endTime": at, "artistName": f"Artist {(i * 7 + number) % 40}", "trackName": "T", "msPlayed": 200_000}
            for i, at in enumerate(times)
        ]
        (landing / name).mkdir(exist_ok=True)
        (landing / name / f"StreamingHistory{days}.json").write_text(json.dumps(plays))
    shutil.rmtree(made)


def rows_by_listener(landing: Path) -> Counter[str]:
    """Count the landed rows that name a listener."""
    found: Counter[str] = Counter()
    for path in landing.glob("*.gz"):
        for line in gzip.decompress(path.read_bytes()).split(b"\n"):
            try:
                row: Any = json.loads(line)
                found[str(row["listener_id"])] += 1
            except (ValueError, KeyError, TypeError):
                continue
    return found


def plant_copies(case: Case) -> None:
    """Put listeners where people and tools leave copies of them."""
    here, (ann, lee) = case.workspace, case.tokens(["alice", "ann lee"])
    table = pa.table({"listener_id": [ann, lee], "ndcg": [0.1, 0.2]})
    for path in ("data/evaluation/a_recipe_that_is_gone.parquet", ".dvc/tmp/exps/tmp1/data/lists.parquet"):
        (here / path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, here / path)
    shutil.copy2(here / "dvc.yaml", here / ".dvc" / "tmp" / "exps" / "tmp1" / "dvc.yaml")
    shutil.copytree(here / "landing", here / ".dvc" / "tmp" / "exps" / "tmp1" / "landing")
    (here / ".dvc" / "cache" / "files" / "md5" / "zz").mkdir()
    with zipfile.ZipFile(here / ".dvc" / "cache" / "files" / "md5" / "zz" / "a", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lists.csv", f"{ann},1")
    (here / "reports" / "note.txt").write_text(f"of {ann}")
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    blob = subprocess.run(
        ["git", "hash-object", "-w", "--stdin"], cwd=here, input=ann.encode(), capture_output=True, check=True
    ).stdout.decode()
    tree = subprocess.run(
        ["git", "mktree"], cwd=here, input=f"100644 blob {blob.strip()}\tx\n".encode(), capture_output=True, check=True
    ).stdout.decode()
    commit = run(here, "git", *names, "commit-tree", tree.strip(), "-m", "an experiment").stdout.strip()
    run(here, "git", "update-ref", "refs/exps/ab/cd/exp-x", commit)
    bad = {"listener_id": "ann lee", "played_at": "never", "artist_name": "A", "track_name": "T"}
    first = sorted((here / "landing").glob("*.gz"))[0]
    assert gzip.decompress(first.read_bytes())  # the export is made by hand: its landed file is read by then
    (here / "mend.jsonl").write_text(json.dumps(bad) + "\n")
    (here / "mend.jsonl.rows.json").write_text(
        json.dumps({"format": FORMATS, "path": first.name, "sha256": "0", "rows": [1]})
    )


@pytest.fixture(scope="module", params=["secret", "open"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A workspace after a night that served everybody."""
    folder = tmp_path_factory.mktemp("erase")
    secret = request.param == "secret"
    recipes = ["popular", "als"] if secret else ["popular"]
    params = {name: value for name, value in PARAMS.items() if secret or "als" not in name}
    workspace = make_workspace(folder / "w", recipes=recipes, params=params)
    land(workspace, DAYS - 2, LISTENERS[request.param])
    outside = folder / "kept-elsewhere.jsonl.gz"  # a landed file that is a link
    first = sorted((workspace / "landing").glob("*.gz"))[0]
    first.rename(outside)
    first.symlink_to(outside)
    sorted((workspace / "landing").glob("*.gz"))[1].chmod(0o640)
    env = {"NETGAIN_ENGINE": "inprocess"} | ({"NETGAIN_ID_KEY": SECRET} if secret else {})
    made = Case(workspace, SECRET if secret else OPEN_KEY.decode(), LISTENERS[request.param], env)
    made.night(DAYS - 2)
    return made


@pytest.fixture(scope="module")
def before(case: Case) -> Counter[str]:
    served = case.served()
    assert set(case.tokens(["alice", "ann lee", "carol w", "alice.smith", "ann", "carol"])) <= served
    assert len(served & set(case.tokens(GONE))) > len(GONE) / 2
    return rows_by_listener(case.workspace / "landing")


@pytest.fixture(scope="module")
def erased(case: Case, before: Counter[str]) -> Case:
    """Ask for the erasure, and run the next night, which is killed, and then the same night again."""
    plant_copies(case)
    found = {place.split("/")[0] for place in places(case.workspace, case.tokens(GONE))}
    assert {"data", "releases", ".netgain", ".dvc", "mlflow", "ledger"} & found >= {
        "data",
        "releases",
        ".dvc",
        "mlflow",
    }
    dry = case.netgain("erase", *LEAVING, "--by", "dpo", "--dry-run").stdout
    counts = {line.split(" in ")[1]: int(line.split()[0]) for line in dry.splitlines()}
    assert 0 < counts["landing"] <= DAYS
    assert min(counts["data"], counts["releases"], counts[".dvc/cache"]) > 0
    (case.workspace / "leaving.txt").write_text("\n".join(GONE[1:]), encoding="utf-8")
    told = case.netgain("erase", GONE[0], "--file", "leaving.txt", "--by", "dpo").stdout
    assert f"{len(GONE)} listeners will be erased by the next night" in told
    land(case.workspace, DAYS - 1, case.n_listeners)
    _killed(case, DAYS - 1)
    assert f"{len(GONE)} listeners were erased" in case.night(DAYS - 1).stdout
    return case


def _killed(case: Case, day: int) -> None:
    """Start a night and kill it, with all that it started, when its erasure has begun."""
    as_of = str(START + dt.timedelta(days=day))
    process = subprocess.Popen(
        ["netgain", "night", "--as-of", as_of, "--format", FORMATS],
        cwd=case.workspace,
        env=environment(case.workspace, **case.env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 120
    while not (case.workspace / "ledger" / "erasures" / "erasure.json").exists():
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_another_program_finds_nothing_of_those_who_left(erased: Case) -> None:
    assert places(erased.workspace, [*erased.tokens(GONE), *DISTINCT]) == set()
    rows = rows_by_listener(erased.workspace / "landing")
    assert not set(GONE) & set(rows)
    assert not (erased.workspace / "ledger" / "erasures" / "pending.json").exists()


def test_of_all_others_every_row_is_left(erased: Case, before: Counter[str]) -> None:
    rows = rows_by_listener(erased.workspace / "landing")
    for name in set(before) - set(GONE):
        assert rows[name] >= before[name]
    assert sorted(path.name for path in (erased.workspace / "landing").iterdir() if path.is_dir()) == ["carol"]
    assert set(erased.tokens(["alice.smith", "ann", "carol"])) <= erased.served()
    window = set(pq.read_table(erased.workspace / "data" / "window" / "listeners.parquet")["listener_id"].to_pylist())
    assert erased.served() == window
    assert len(window) > erased.n_listeners / 2


def test_links_and_rights_of_landed_files_are_as_they_were(erased: Case) -> None:
    first, second, *_ = sorted((erased.workspace / "landing").glob("*.gz"))
    assert first.is_symlink()
    assert b"ann lee jr" in gzip.decompress(first.resolve().read_bytes())
    assert second.stat().st_mode & 0o777 == 0o640


def test_the_certificate_covers_the_killed_night_and_names_no_listener(erased: Case) -> None:
    (path,) = (erased.workspace / "reports" / "erasures").iterdir()
    certificate = read_json(path)
    assert (certificate["left"], certificate["listeners"]) == (0, len(GONE))
    assert [(asked["by"], asked["listeners"]) for asked in certificate["requests"]] == [("dpo", len(GONE))]
    removed = {"landing", "releases", "MLflow artifacts", "DVC cache", "DVC experiments", "Git experiments"}
    removed |= {"old outputs", "exports", "files of requests", "reports"}
    assert removed <= set(certificate["removed"])
    assert certificate["removed"]["landing"]["files"] == DAYS - 1 + 2  # of all, and in a folder


def test_the_erased_are_unknown_and_another_key_is_refused(erased: Case) -> None:
    for name in ("alice", "ann lee"):
        assert "is unknown: the fallback list" in erased.netgain("lookup", name).stdout
    assert "for alice.smith" in erased.netgain("lookup", "alice.smith").stdout
    other = {"NETGAIN_ENGINE": "inprocess", "NETGAIN_ID_KEY": "another key, another listener"}
    for command in (["lookup", "alice"], ["erase", "alice", "--by", "dpo"], ["token", "alice"]):
        done = run(erased.workspace, "netgain", *command, check=False, **other)
        assert done.returncode == 2
        assert len(done.stdout.splitlines()) == 1
        assert "NETGAIN_ID_KEY is" in done.stdout


def test_a_rollback_does_not_bring_erased_listeners_back(erased: Case) -> None:
    found = list_releases(erased.workspace / "releases")
    assert len(found) == 2
    for release in found:
        verify(release)
    state = erased.workspace / "ledger"
    roll_back(erased.workspace / "releases", state, to=None, by="dpo", reason="r")
    assert "is unknown: the fallback list" in erased.netgain("lookup", "alice").stdout
    roll_back(erased.workspace / "releases", state, to=found[1].id, by="dpo", reason="r")


def test_redelivered_plays_are_dropped_by_the_third_night_and_cut_out_of_the_landed_file(erased: Case) -> None:
    play = {"listener_id": "ann lee", "played_at": "2026-01-14T10:00:00Z", "artist_name": "A", "track_name": "T"}
    other = json.dumps(play | {"listener_id": "ann"}) + "\n"
    landing = erased.workspace / "landing"
    (landing / "plays-again.jsonl.gz").write_bytes(gzip.compress((json.dumps(play) + "\n" + other).encode()))
    (landing / "carol w").mkdir()
    (landing / "carol w" / "StreamingHistory0.json").write_text("[]")
    land(erased.workspace, DAYS, erased.n_listeners)
    (landing / "carol w" / f"StreamingHistory{DAYS}.json").unlink(missing_ok=True)
    erased.night(DAYS)
    report = {file["path"]: file for file in read_json(erased.workspace / "data" / "ingest.json")["files"]}
    assert report["plays-again.jsonl.gz"]["reasons"] == {"erased listener": 1}
    assert gzip.decompress((landing / "plays-again.jsonl.gz").read_bytes()).decode() == other
    assert not (landing / "carol w").exists()
    assert places(erased.workspace, [*erased.tokens(GONE), *DISTINCT]) == set()
    again = ("open", "--as-of", str(START + dt.timedelta(days=DAYS)), "--format", FORMATS)
    assert "is open" in erased.netgain(*again).stdout  # files that the erasure rewrote do not count as changed
    kinds = {entry["by"] for entry in entries(erased.workspace / "ledger", "landed") if entry["kind"] == "accepted"}
    assert kinds == {"netgain erase"}
