"""Locks, the last night, the ledger, and orphaned temporaries."""

import os
import subprocess
import sys
from dataclasses import asdict

from pipeline.doctor import lease, ledger, locks, orphans
from pipeline.doctor.finding import Finding
from pipeline.nightly.workspace_lock import exclusive_night
from pipeline.releases.current import locked, stale_mark
from pipeline.releases.release import Release
from pipeline.settings import Settings
from pipeline.state import lease as leases
from pipeline.state.journal import append, copy_of
from pipeline.storage.tables import write_json
from tests.doctor.looking import only, repaired
from tests.releases.test_releases import tree


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
    path = settings.ledger / leases.FOLDER / f"{taken.token:08d}.json"
    write_json(path, asdict(taken) | {"started": taken.started - 1})
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
    (settings.ledger / leases.FOLDER / "00000009.json").write_bytes(b"")
    os.utime(settings.ledger / leases.FOLDER / "00000009.json", (0, 0))
    assert only(lease.look(settings)).level == "warn"


def test_a_truncated_journal_is_restored_from_its_copy_and_needs_a_person_if_both_are_damaged(
    settings: Settings,
) -> None:
    landed = settings.ledger / "landed.jsonl"
    append(landed, {"kind": "night"}, {"kind": "night"})
    append(settings.ledger / "looks.jsonl", {})
    assert only(ledger.look(settings)).found == "2 entries of landed files, 3 in all"
    landed.write_text('{"kind": "nig', encoding="utf-8")
    assert repaired(settings, ledger.look).endswith("it is what its copy says again, 2 entries")
    assert only(ledger.look(settings)).found == "2 entries of landed files, 3 in all"
    for path in (landed, copy_of(landed)):
        path.write_text('{"kind": "nig', encoding="utf-8")
    finding = only(ledger.look(settings))
    assert finding.level == "fail"
    assert "landed.jsonl cannot be read" in finding.found
    assert finding.repair is None


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
