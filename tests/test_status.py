"""The state of the service, fresh or stale and why, from releases and ledger."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import EXIT_STALE
from pipeline.nightly.status import night_status
from pipeline.releases.current import mark_stale
from pipeline.releases.publishing import publish
from pipeline.releases.release import Release
from pipeline.releases.rollback import roll_back
from pipeline.settings import Settings, load_settings
from pipeline.state.lease import acquire, close
from pipeline.state.outbox import put
from tests.releases.test_releases import contents
from tests.state.leases import alter
from tests.workspace import environment

NETGAIN = str(Path(sys.executable).parent / "netgain")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, workspace=tmp_path)


@pytest.fixture
def two(settings: Settings) -> list[Release]:
    """Two nights that ended well; the last is served."""
    made = []
    for as_of in ("2026-01-10", "2026-01-11"):
        lease, _ = acquire(settings.ledger, as_of=as_of, owner=None)
        made.append(publish(settings.releases, contents(settings.workspace, as_of, as_of))[0])
        close(settings.ledger, lease, "done")
    return made


def why(settings: Settings, due: int) -> list[str]:
    facts = night_status(settings, due=dt.date(2026, 1, due))
    assert facts["stale"] == bool(facts["why"])
    lines: list[str] = facts["why"]
    return lines


def test_the_release_is_fresh_until_a_night_is_missed(settings: Settings, two: list[Release]) -> None:
    assert why(settings, 11) == why(settings, 12) == []
    assert why(settings, 13) == ["the release is 2 nights old; the night of 2026-01-13 is due"]


def test_a_failed_night_makes_the_release_stale_with_stage_and_reason(settings: Settings, two: list[Release]) -> None:
    mark_stale(settings.releases, night=dt.date(2026, 1, 12), stage="validate", why="half a file")
    assert why(settings, 12) == ["the night of 2026-01-12 failed at validate: half a file"]


def test_a_later_killed_night_is_reported_beside_the_failed_one(settings: Settings, two: list[Release]) -> None:
    mark_stale(settings.releases, night=dt.date(2026, 1, 12), stage="validate", why="half a file")
    lease, _ = acquire(settings.ledger, as_of="2026-01-12", owner="run-1")
    alter(settings.state, lease.token, beat_at=0.0)
    assert why(settings, 12) == ["the night of 2026-01-12 failed at validate: half a file"]
    lease, _ = acquire(settings.ledger, as_of="2026-01-13", owner="run-2")
    alter(settings.state, lease.token, beat_at=0.0)
    assert why(settings, 12)[1:] == ["the night of 2026-01-13 did not finish"]


def test_a_killed_night_makes_the_release_stale_without_a_mark(settings: Settings, two: list[Release]) -> None:
    lease, _ = acquire(settings.ledger, as_of="2026-01-12", owner=None)
    assert why(settings, 12) == []  # it is running, in this process
    alter(settings.state, lease.token, started=lease.started - 1)
    assert why(settings, 12) == ["the night of 2026-01-12 did not finish"]
    alter(settings.state, lease.token, ended="failed")
    assert why(settings, 12) == ["the night of 2026-01-12 failed"]


def test_a_scheduled_run_without_heartbeats_counts_as_failed(settings: Settings, two: list[Release]) -> None:
    lease, _ = acquire(settings.ledger, as_of="2026-01-12", owner="run-1")
    assert why(settings, 12) == []
    alter(settings.state, lease.token, beat_at=0.0)
    assert why(settings, 12) == ["the night of 2026-01-12 did not finish"]


def test_a_failed_backfill_does_not_affect_the_release(settings: Settings, two: list[Release]) -> None:
    lease, _ = acquire(settings.ledger, as_of="2026-01-09", owner=None)
    close(settings.ledger, lease, "failed")
    assert why(settings, 12) == []


def test_a_damaged_release_is_reported_as_not_served(settings: Settings, two: list[Release]) -> None:
    (two[1].folder / "manifest.json").write_text("{", encoding="utf-8")
    (line,) = why(settings, 11)
    assert line.startswith(f"no release is served: release {two[1].id} has no readable manifest")


def test_the_command_prints_text_or_json_and_its_status_separates_fresh_from_stale(
    settings: Settings, two: list[Release]
) -> None:
    roll_back(settings.releases, settings.ledger, to=None, by="ann", reason="lists of nonsense")
    put(settings.ledger, "record", "2026-01-11-abc", {}, {})

    def status(*options: str) -> subprocess.CompletedProcess[str]:
        command = [NETGAIN, "status", *options]
        where = {k: v for k, v in environment(settings.workspace).items() if k != "PYTHONPATH"}
        return subprocess.run(
            command, cwd=settings.workspace, env=where, capture_output=True, text=True, check=False, timeout=120
        )

    fresh, stale = status("--as-of", "2026-01-11"), status("--json")
    assert (fresh.returncode, stale.returncode) == (0, EXIT_STALE)
    for words in (
        "1 night (made by the night of 2026-01-10",
        "by ann",
        "lists of nonsense",
        "fresh",
        "1 waiting for MLflow, oldest from 2026-01-11",
    ):
        assert words in fresh.stdout
    facts = json.loads(stale.stdout)
    assert facts["served"]["release"] == two[0].id
    assert facts["outbox"] == {"entries": 1, "oldest": "2026-01-11"}
    assert facts["last_night"]["ended"] == "done"
