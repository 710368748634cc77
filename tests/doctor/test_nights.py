"""Locks, the last night, the ledger, and orphaned temporaries."""

import os
import subprocess
import sys

from pipeline.doctor import lease, ledger, locks, orphans
from pipeline.doctor.finding import Finding
from pipeline.identity.key import record_key
from pipeline.identity.tokens import OPEN_KEY
from pipeline.nightly.workspace_lock import exclusive_night
from pipeline.releases.current import locked, stale_mark
from pipeline.releases.release import Release
from pipeline.settings import Settings
from pipeline.state import lease as leases
from pipeline.state.location import FILE
from pipeline.state.rows import append, transaction
from tests.doctor.looking import only, repaired
from tests.releases.test_releases import tree
from tests.state.leases import alter


def test_a_truncated_rwlock_is_moved_aside(settings: Settings) -> None:
    path = settings.workspace / ".dvc" / "tmp" / "rwlock"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"{")
    assert repaired(settings, locks.look) == "moved .dvc/tmp/rwlock to rwlock.aside"
    assert only(locks.look(settings)).found == "no lock is held; DVC's rwlock is readable"


def test_a_held_lock_is_reported_and_is_not_a_fault(settings: Settings) -> None:
    settings.releases.mkdir()
    with exclusive_night(settings.workspace), locked(settings.releases):
        finding = only(locks.look(settings))
    assert finding == Finding("locks", "ok", "a night runs in this workspace; a release is being published")


def test_an_examination_does_not_keep_a_night_from_starting(settings: Settings) -> None:
    code = (
        "import fcntl, os, sys, time\n"
        "fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_SH)\n"
        "print(flush=True); time.sleep(0.2)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(settings.workspace)], stdout=subprocess.PIPE) as asking:
        assert asking.stdout is not None
        asking.stdout.readline()
        with exclusive_night(settings.workspace):
            pass


def test_a_killed_night_is_reported_and_the_repair_marks_the_release_as_stale(
    settings: Settings, three: list[Release]
) -> None:
    taken, _ = leases.acquire(settings.ledger, as_of="2026-01-13", owner=None)
    assert only(lease.look(settings)).level == "ok"
    alter(settings.state, taken.token, started=taken.started - 1)
    assert repaired(settings, lease.look).startswith("marked the served release as stale")
    mark = stale_mark(settings.releases)
    assert mark is not None
    assert (mark.night, mark.release) == ("2026-01-13", three[2].id)
    finding = only(lease.look(settings))
    assert finding.found.endswith("did not finish: its process is gone")
    assert finding.repair is None


def test_the_end_of_the_last_night_is_reported(settings: Settings) -> None:
    assert only(lease.look(settings)).found == "no night has been opened yet"
    for how, level in (("done", "ok"), ("failed", "warn")):
        taken, _ = leases.acquire(settings.ledger, as_of="2026-01-13", owner=None)
        leases.close(settings.ledger, taken, how)
        assert only(lease.look(settings)).level == level
    taken, _ = leases.acquire(settings.ledger, as_of="2026-01-14", owner="run-1")
    alter(settings.state, taken.token, beat_at=0.0)
    assert only(lease.look(settings)).level == "warn"


def test_a_state_database_that_was_cut_off_or_lost_fails_with_the_way_back(
    settings: Settings, three: list[Release]
) -> None:
    append(settings.state, "landed", {"kind": "night"}, {"kind": "night"})
    append(settings.state, "overrides", {})
    with transaction(settings.state) as state:
        record_key(state, b"of another machine")
    assert only(ledger.look(settings)).level == "fail"
    with transaction(settings.state) as state:
        record_key(state, OPEN_KEY)
    assert only(ledger.look(settings)).found == "2 entries of landed files, 3 in all"
    path = settings.ledger / FILE
    whole = path.read_bytes()
    for left, found in ((whole[: len(whole) // 2], "is damaged"), (b"", "is missing or empty")):
        path.write_bytes(left)
        finding = only(ledger.look(settings))
        assert (finding.level, finding.repair) == ("fail", None)
        assert f"{path} {found}" in finding.found
        assert finding.fix.startswith("Restore it from a backup")
    path.write_bytes(whole)
    assert only(ledger.look(settings)).level == "ok"


def test_orphaned_temporaries_are_removed_and_fresh_ones_stay(settings: Settings, three: list[Release]) -> None:
    whole = tree(settings.releases)
    folders = [settings.releases / ".tmp-2026-01-13-abc" / "model", settings.ledger / "outbox" / ".tmp-000001-record-x"]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / ".tmp-lists.parquet.x").touch()
    (settings.ledger / ".tmp-looks.jsonl.abc").touch()
    assert only(orphans.look(settings)).found == "no orphaned temporaries"  # they may still be written to
    for path in (folders[0].parent, folders[1], settings.ledger / ".tmp-looks.jsonl.abc"):
        os.utime(path, (0, 0))
    (settings.ledger / ".tmp-monitor.jsonl.abc").touch()
    assert repaired(settings, orphans.look) == "removed 3 orphaned temporaries"
    assert tree(settings.releases) == whole
    assert [path.name for path in settings.ledger.rglob(".tmp-*")] == [".tmp-monitor.jsonl.abc"]
