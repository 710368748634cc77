"""A real scheduler runs the night that is due and a backfill of the three nights before it, over its REST API: the
releases, the ledger and the last night's files are those of `netgain night` for the same dates."""

import datetime as dt
import json
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipeline.state.database import reading
from pipeline.state.rows import entries
from pipeline.state.schema import LEASES
from tests.airflow.standing import Airflow, standing
from tests.airflow.test_night import RECIPES, _checksums, _served
from tests.alerting.servers import webhook
from tests.workspace import SMALL, make_workspace, run

pytestmark = pytest.mark.slow

TODAY = dt.datetime.now(dt.UTC).date()
PAST = [(TODAY - dt.timedelta(days=n)).isoformat() for n in (3, 2, 1)]
ORDER = [TODAY.isoformat(), *PAST]
HOSTILE = '"; touch planted; $(touch planted) `touch planted` {{ 6 * 7 }}'
ABSENT = "2026-01-01-000000000000"


@dataclass
class Seen:
    """Everything that was observed."""

    by_hand: Path
    by_airflow: Path
    nights: list[dict[str, Any]] = field(default_factory=list)
    tasks: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    served: str = ""
    rollbacks: list[dict[str, Any]] = field(default_factory=list)
    rollback_tasks: list[dict[str, dict[str, Any]]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    listens_on: set[str] = field(default_factory=set)
    pages: dict[str, tuple[int, int]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Seen:
    folder = tmp_path_factory.mktemp("scheduler")
    params = SMALL | {"gate.seeds": 1}
    start = (TODAY - dt.timedelta(days=14)).isoformat()
    small = {"recipes": RECIPES, "params": params, "store": migrated}
    by_hand = make_workspace(folder / "hand", listeners=80, days=14, start=start, **small)
    found = Seen(by_hand, make_workspace(folder / "airflow", **small))
    shutil.copytree(by_hand / "landing", found.by_airflow / "landing")
    reference = threading.Thread(target=_nights_by_hand, args=(by_hand,), daemon=True)
    reference.start()
    with webhook() as (url, found.alerts):
        settings = {
            "NETGAIN_ENGINE": "inprocess",
            "NETGAIN_AIRFLOW_TASKS": "phases",
            "NETGAIN_ALERT_WEBHOOK": url,
            "NETGAIN_DUE_HOURS": "0.005",  # 18 seconds: no night is that quick
        }
        with standing(found.by_airflow, **settings) as airflow:
            _drive(airflow, found)
    reference.join()
    return found


def _nights_by_hand(workspace: Path) -> None:
    for as_of in ORDER:
        run(workspace, "netgain", "night", "--as-of", as_of, NETGAIN_ENGINE="inprocess")


def _drive(airflow: Airflow, found: Seen) -> None:
    nightly = "dags/netgain_nightly"
    airflow.wait(lambda: airflow.get(f"/api/v2/{nightly}").status_code == 200, seconds=120)
    airflow.send("PATCH", nightly, {"is_paused": False})
    airflow.wait(lambda: _has_its_turn(airflow), seconds=120)
    # The scheduled night is running, so the backfill has to wait for its turn.
    first, last = (f"{day}T00:00:00Z" for day in (PAST[0], PAST[-1]))
    airflow.send(
        "POST",
        "backfills",
        {"dag_id": "netgain_nightly", "from_date": first, "to_date": last, "max_active_runs": 1}
        | {"run_backwards": False, "reprocess_behavior": "none", "dag_run_conf": {}},
    )
    found.nights = airflow.ended("netgain_nightly", 4, seconds=900)
    found.tasks = [airflow.tasks(night) for night in found.nights]
    found.served = _served(found.by_airflow)
    found.listens_on = airflow.listens_on()
    where = f"/api/v2/dags/netgain_nightly/dagRuns/{found.nights[0]['dag_run_id']}/taskInstances/verdict/links"
    found.links = airflow.get(where).json()["extra_links"]
    anonymous = Airflow(found.by_airflow, int(airflow.url.rsplit(":", 1)[1]), airflow._process)
    for page in (f"decision-{TODAY}.html", "monitor.html", "%2e%2e/params.yaml", f"monitor-{TODAY}.json"):
        found.pages[page] = (airflow.get(f"/netgain/{page}").status_code, anonymous.get(f"/netgain/{page}").status_code)
    for n, release in enumerate((_release(found.by_airflow, PAST[-1]), ABSENT), start=1):
        conf = {"release": release, "by": "ann", "reason": HOSTILE}
        airflow.send("POST", "dags/netgain_rollback/dagRuns", {"logical_date": None, "conf": conf})
        found.rollbacks = airflow.ended("netgain_rollback", n, seconds=120)
    found.rollback_tasks = [airflow.tasks(each) for each in found.rollbacks]
    airflow.wait(lambda: any(alert["subject"].endswith("rollback") for alert in found.alerts), seconds=30)


def _has_its_turn(airflow: Airflow) -> bool:
    runs = airflow.runs("netgain_nightly")
    return bool(runs) and airflow.tasks(runs[0])["turn"]["state"] == "success"


def test_the_due_night_is_scheduled_and_past_nights_are_backfilled(seen: Seen) -> None:
    assert [night["run_type"] for night in seen.nights] == ["scheduled", "backfill", "backfill", "backfill"]
    assert [night["state"] for night in seen.nights] == ["success"] * 4
    assert [night["run_after"][:10] for night in seen.nights] == ORDER
    for tasks in seen.tasks:
        assert {task["try_number"] for name, task in tasks.items() if name != "turn"} == {1}


def test_a_night_starts_after_the_previous_one_has_finished(seen: Seen) -> None:
    for before, after in zip(seen.tasks, seen.tasks[1:], strict=False):
        assert max(task["end_date"] for task in before.values()) <= after["open"]["start_date"]


def test_each_run_held_one_lease_of_its_own_and_ended_it(seen: Seen) -> None:
    with reading(seen.by_airflow / "ledger") as connection:
        leases = connection.execute(sa.select(LEASES).order_by(LEASES.c.token)).mappings().all()
    assert [lease["owner"] for lease in leases] == [f"netgain_nightly {night['dag_run_id']}" for night in seen.nights]
    assert [(lease["as_of"], lease["ended"]) for lease in leases] == [(day, "done") for day in ORDER]


def test_releases_and_ledger_equal_those_of_manual_nights_of_the_same_dates(seen: Seen) -> None:
    by_airflow, by_hand = (_releases(w) for w in (seen.by_airflow, seen.by_hand))
    assert sorted(manifest["as_of"] for manifest in by_hand.values()) == sorted(ORDER)
    assert by_airflow == by_hand
    for table in ("analyses", "monitor"):
        found, expected = (entries(w / "ledger", table) for w in (seen.by_airflow, seen.by_hand))
        assert len(found) == 4
        assert [_decided(each) for each in found] == [_decided(each) for each in expected], table


def test_the_outputs_of_the_last_night_have_the_same_checksums(seen: Seen) -> None:
    found, expected = _checksums(seen.by_airflow), _checksums(seen.by_hand)
    assert {"lists.parquet", "metrics/item_knn.json", "final/model/model.json"} <= set(expected)
    assert found == expected


def test_a_backfill_serves_no_older_night_over_a_newer_one(seen: Seen) -> None:
    assert seen.served.startswith(f"{TODAY}-")
    assert seen.served == _served(seen.by_hand)


def test_alerts_are_sent_for_verdicts_late_lists_and_failures(seen: Seen) -> None:
    by_kind = {kind: [a for a in seen.alerts if a["kind"] == kind] for kind in ("verdict", "late", "failed")}
    assert [alert["as_of"] for alert in by_kind["verdict"]] == ORDER
    assert all(alert["subject"].split(": ")[1] in ("KEEP", "PROMOTE", "INVALID") for alert in by_kind["verdict"])
    assert TODAY.isoformat() in {alert["as_of"] for alert in by_kind["late"]}
    (failed,) = by_kind["failed"]
    assert failed["subject"] == "Netgain: stopped at rollback"
    assert ABSENT in failed["text"]
    assert "What to do: " in failed["text"]


def test_a_rollback_runs_once_and_its_texts_are_not_executed(seen: Seen) -> None:
    assert [each["state"] for each in seen.rollbacks] == ["success", "failed"]
    assert [tasks["rollback"]["try_number"] for tasks in seen.rollback_tasks] == [1, 1]
    release = _release(seen.by_airflow, PAST[-1])
    assert _served(seen.by_airflow).strip() == release
    (entry,) = entries(seen.by_airflow / "ledger", "rollbacks")
    assert (entry["to"], entry["by"], entry["reason"]) == (release, "ann", HOSTILE)
    assert not list(seen.by_airflow.rglob("planted"))


def test_pages_are_linked_and_require_a_login(seen: Seen) -> None:
    assert seen.links["decision page"].endswith(f"/netgain/decision-{TODAY}.html")
    assert seen.pages == {
        f"decision-{TODAY}.html": (200, 401),
        "monitor.html": (200, 401),
        "%2e%2e/params.yaml": (404, 401),
        f"monitor-{TODAY}.json": (404, 401),
    }


def test_airflow_listens_on_loopback_only(seen: Seen) -> None:
    assert seen.listens_on == {"127.0.0.1"}


def _release(workspace: Path, as_of: str) -> str:
    (folder,) = (workspace / "releases").glob(f"{as_of}-*")
    return folder.name


def _releases(workspace: Path) -> dict[str, dict[str, Any]]:
    """Manifests, with the checksum of every file; how a release came about quotes measured cost."""
    found = {}
    for path in (workspace / "releases").glob("*/manifest.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        found[manifest["release"]] = {key: value for key, value in manifest.items() if key != "origin"}
    return found


def _decided(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry without what was measured of the machine."""
    return {key: value for key, value in entry.items() if key != "champion_night"}
