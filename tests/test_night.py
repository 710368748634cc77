"""A whole night by the real command, and the nights after it."""

import datetime as dt
import json
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.errors import EXIT_TRANSIENT
from pipeline.graph import EFFECTS
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.releases.release import current, list_releases, verify
from pipeline.simulation.simulate import simulate
from tests.workspace import environment, make_workspace, run

pytestmark = [pytest.mark.slow, pytest.mark.spark]

START, DAYS, LISTENERS = dt.date(2026, 1, 1), 14, 60
FIRST, NEXT = (START + dt.timedelta(days=DAYS + n) for n in range(2))
CLOSED = "http://127.0.0.1:9"
"""Nothing listens on the port of `discard`."""
SMALL = {
    "split.decision_days": 4,
    "gate.min_eligible_listeners": 20,
    "gate.seeds": 2,
    "recipes.als.factors": 16,
}
NETGAIN = str(Path(sys.executable).parent / "netgain")


def land(workspace, *, days):
    simulate(n_listeners=LISTENERS, n_days=days, seed=1, start=START, out=workspace / "landing")


def night(workspace, as_of, **variables):
    """A night's process and its summary; None where it wrote none."""
    report = workspace / ".netgain" / "summary.json"
    report.unlink(missing_ok=True)
    command = [NETGAIN, "night", "--as-of", as_of.isoformat(), "--json", str(report)]
    done = subprocess.run(
        command, cwd=workspace, env=environment(workspace, **variables), capture_output=True, text=True, check=False
    )
    return done, json.loads(report.read_text()) if report.exists() else None


def in_mlflow(workspace, what):
    """Runs, or the version that each alias names, as MLflow tells them."""
    code = {
        "runs": "print(json.dumps(sorted(r.info.run_id for e in c.search_experiments() "
        "for r in c.search_runs([e.experiment_id]))))",
        "aliases": "print(json.dumps({a: v for m in c.search_registered_models() for a, v in m.aliases.items()}))",
    }[what]
    uri = f"sqlite:///{workspace}/mlflow/mlflow.db"
    told = run(workspace, sys.executable, "-c", f"import json, mlflow; c = mlflow.MlflowClient({uri!r}); {code}")
    return json.loads(told.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = make_workspace(tmp_path_factory.mktemp("night") / "w", recipes=["popular", "als"], params=SMALL)
    land(folder, days=DAYS)
    return folder


@pytest.fixture(scope="module")
def rival(workspace):
    """The output of a second night in the same workspace while the first runs."""
    command = [NETGAIN, "night", "--as-of", FIRST.isoformat()]
    first = subprocess.Popen(
        command, cwd=workspace, env=environment(workspace), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    until = time.monotonic() + 60
    while not (workspace / "night" / "night.yaml").exists() and time.monotonic() < until:
        time.sleep(0.1)
    second, _ = night(workspace, FIRST)
    output, _ = first.communicate(timeout=600)
    assert first.returncode == 0, output
    return second


@pytest.fixture(scope="module")
def first(workspace, rival):
    release = current(workspace / "releases")
    return release, in_mlflow(workspace, "runs"), in_mlflow(workspace, "aliases")


@pytest.fixture(scope="module")
def again(workspace, first):
    return night(workspace, FIRST)


@pytest.fixture(scope="module")
def spoilt(workspace, again):
    """The next night, whose latest log arrived in half."""
    land(workspace, days=DAYS + 1)
    latest = max((workspace / "landing").iterdir())
    latest.write_bytes(latest.read_bytes()[: latest.stat().st_size // 2])
    before = (workspace / "releases" / "CURRENT").read_bytes()
    # Both engines give the same, by test; this one needs no JVM.
    done, _ = night(workspace, NEXT, NETGAIN_ENGINE="inprocess")
    marked = json.loads((workspace / "releases" / "STALE.json").read_text())
    return done, latest.name, marked, before, (workspace / "releases" / "CURRENT").read_bytes()


@pytest.fixture(scope="module")
def away(workspace, spoilt):
    """The same command again, with the log as it should have been, and MLflow away all night; what waits then. DVC's
    rwlock and CURRENT were cut off meanwhile."""
    land(workspace, days=DAYS + 1)
    (workspace / "releases" / "CURRENT").write_bytes(b"")
    (workspace / ".dvc" / "tmp" / "rwlock").write_bytes(b'{"write": {')
    done, facts = night(workspace, NEXT, NETGAIN_ENGINE="inprocess", NETGAIN_MLFLOW_URI=CLOSED)
    return done, facts, run(workspace, NETGAIN, "outbox").stdout


@pytest.fixture(scope="module")
def next_day(workspace, away):
    """The night, after MLflow is back."""
    replays = [run(workspace, NETGAIN, "outbox", "replay").stdout for _ in range(2)]
    return *away[:2], replays


def test_two_nights_at_a_time_are_refused(rival):
    assert rival.returncode == EXIT_TRANSIENT
    assert rival.stderr.startswith("netgain: a night is running in ")
    assert rival.stderr.count("\n") == 1


def test_a_night_publishes_a_complete_release(workspace, first):
    release, _, _ = first
    verify(release)
    assert release.as_of == FIRST
    assert release.previous is None


def test_every_listener_of_the_window_has_a_list(workspace, first):
    release, _, _ = first
    listeners = pq.read_table(workspace / "data" / "window" / "listeners.parquet")["listener_id"]
    lists = pq.read_table(release.lists)
    assert set(lists["listener_id"].to_pylist()) == set(listeners.to_pylist())
    assert release.manifest["n_listeners"] == len(listeners) > LISTENERS / 2
    assert pc.max(lists["rank"]).as_py() == 20


def test_a_lookup_answers_from_the_release(workspace, first):
    release, _, _ = first
    top = pq.read_table(release.lists).slice(0, 1).to_pylist()[0]
    listener = next(name for i in range(LISTENERS) if token_of(name := f"L{i:06d}", OPEN_KEY) == top["listener_id"])
    for asked in ([listener], ["--token", top["listener_id"]]):
        assert top["item_name"][:20] in run(workspace, NETGAIN, "lookup", *asked).stdout
    assert run(workspace, NETGAIN, "token", listener).stdout.strip() == top["listener_id"]


def test_the_night_is_recorded_in_mlflow_and_the_alias_names_the_served_version(first):
    _, runs, aliases = first
    assert len(runs) == 3  # the night and its two recipes
    assert aliases == {"champion": 1}


def test_running_the_same_night_again_does_nothing(workspace, first, again):
    release, runs, _ = first
    done, facts = again
    assert done.returncode == 0, done.stderr
    assert facts["ran"] == []
    assert [r.id for r in list_releases(workspace / "releases") if r.as_of == FIRST] == [release.id]
    assert facts["release"]["id"] == release.id
    assert set(runs) <= set(in_mlflow(workspace, "runs"))
    assert set(facts["effects"]) == set(EFFECTS)


def test_running_the_same_night_again_records_nothing(again):
    _, facts = again
    assert "already" in facts["effects"]["record"]


def test_a_failed_night_names_the_file_in_one_line(spoilt):
    done, latest, *_ = spoilt
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stderr.startswith("netgain: stage ")
    assert done.stderr.count("\n") == 1
    assert latest in done.stderr


def test_a_failed_night_leaves_the_release_served(spoilt):
    *_, before, after = spoilt
    assert after == before


def test_a_failed_night_names_the_served_release_and_marks_it_as_stale(first, spoilt):
    (release, *_), (done, latest, marked, *_) = first, spoilt
    assert done.stdout.splitlines()[-1] == f"Still served: release {release.id} of the night {FIRST}, 1 night old"
    assert (marked["night"], marked["release"], marked["nights_old"]) == (str(NEXT), release.id, 1)
    assert (marked["stage"], latest in marked["why"]) == ("validate", True)


def test_the_mark_is_removed_when_the_night_succeeds(workspace, away):
    assert not (workspace / "releases" / "STALE.json").exists()


def test_a_night_without_mlflow_serves_its_lists_and_reports_the_waiting_record(workspace, away):
    done, facts, listed = away
    assert done.returncode == 0, done.stderr + done.stdout
    assert current(workspace / "releases").as_of == NEXT
    assert "1 night not yet recorded in MLflow, kept in the outbox: `netgain outbox`" in done.stdout
    assert facts["effects"]["record"].startswith(f"the record of {NEXT} waits in the outbox: MLflow at {CLOSED}")
    assert facts["outbox"][0].startswith(f"{NEXT}-")
    assert [line.split()[:2] for line in listed.splitlines() if line.lstrip().startswith(str(NEXT))] == [
        [str(NEXT), "record"],
        [str(NEXT), "alias"],
    ]


def test_a_truncated_rwlock_is_reported_and_does_not_stop_the_night(away):
    done, *_ = away
    assert done.returncode == 0, done.stderr + done.stdout
    assert "netgain: .dvc/tmp/rwlock cannot be read: moved to rwlock.aside" in done.stderr.splitlines()


def test_a_truncated_current_is_reported_and_repaired_by_the_next_night(first, away):
    (release, *_), (done, *_) = first, away
    said = f"netgain: no complete release was served (a release called ''); now serving release {release.id}"
    assert said in done.stderr.splitlines()


def test_waiting_records_are_delivered_once(next_day):
    *_, (delivered, again) = next_day
    assert f"{NEXT} " in delivered
    assert "recorded with 2 recipes" in delivered
    assert again == "nothing waits for MLflow\n"


def test_the_same_command_completes_the_next_day(workspace, first, next_day):
    release, runs, _ = first
    done, facts, _ = next_day
    assert done.returncode == 0, done.stderr + done.stdout
    assert facts["decision"]["verdict"] in ("PROMOTE", "REFRESH", "KEEP")
    served = current(workspace / "releases")
    assert (served.as_of, served.previous) == (NEXT, release.id)
    verify(served)
    assert len(in_mlflow(workspace, "runs")) == len(runs) + 3


def test_the_alias_follows_the_served_release(workspace, first, next_day):
    # Refitted or kept with the day's listeners folded in: what the next day serves is another model.
    assert in_mlflow(workspace, "aliases") == {"champion": 2, "previous": 1}


def test_a_night_with_too_few_listeners_serves_the_popular_list_and_reports_it(tmp_path, migrated):
    workspace = make_workspace(
        tmp_path / "w", recipes=["popular"], params={"split.decision_days": 2}, listeners=20, days=6, store=migrated
    )
    done, facts = night(workspace, START + dt.timedelta(days=6), NETGAIN_ENGINE="inprocess")
    assert done.returncode == 3, done.stdout + done.stderr
    assert facts["decision"]["verdict"] == "INVALID"
    assert current(workspace / "releases").recipe == "popular"
