"""All checks together: they write nothing, and repair what is safe to repair."""

import json
import subprocess
import sys
from pathlib import Path

from pipeline.doctor.examine import examine, examine_and_repair
from pipeline.errors import EXIT_UNSOUND
from pipeline.nightly.workspace_lock import exclusive_night
from pipeline.releases.release import Release, release_ids
from pipeline.settings import Settings
from tests.doctor.looking import silently
from tests.releases.test_releases import tree
from tests.workspace import environment


def test_an_examination_writes_nothing(settings: Settings, three: list[Release]) -> None:
    (settings.releases / "CURRENT").write_text("nothing", encoding="utf-8")
    before = tree(settings.workspace)
    assert not examine(settings, silently).is_sound
    assert tree(settings.workspace) == before


def test_an_unreadable_file_is_a_finding_and_not_a_traceback(settings: Settings) -> None:
    (settings.workspace / ".dvc" / "tmp" / "rwlock").mkdir(parents=True)
    failing = [finding for finding in examine(settings, silently).findings if finding.level == "fail"]
    assert [(finding.check, "Is a directory" in finding.found) for finding in failing] == [("locks", True)]


def test_nothing_is_repaired_while_a_night_runs(settings: Settings, three: list[Release]) -> None:
    (settings.releases / "CURRENT").write_text("nothing", encoding="utf-8")
    with exclusive_night(settings.workspace):
        diagnosis = examine_and_repair(settings, silently, by="ann")
    assert diagnosis.done == (f"releases: could not be repaired: a night is running in {settings.workspace}",)
    assert not diagnosis.is_sound


def test_the_command_repairs_a_machine_after_a_crash_and_its_status_reports_success(
    settings: Settings, three: list[Release]
) -> None:
    here = settings.workspace
    (settings.releases / "CURRENT").write_text("", encoding="utf-8")
    (here / ".dvc" / "tmp").mkdir(parents=True)
    (here / ".dvc" / "tmp" / "rwlock").write_bytes(b'{"wri')
    netgain = str(Path(sys.executable).parent / "netgain")
    where = {k: v for k, v in environment(here, NETGAIN_ENGINE="inprocess").items() if k != "PYTHONPATH"}

    def doctor(*options: str) -> subprocess.CompletedProcess[str]:
        command = [netgain, "doctor", *options]
        return subprocess.run(command, cwd=here, env=where, capture_output=True, text=True, check=False, timeout=120)

    ill, mended, sound = doctor("--json"), doctor("--repair", "--by", "ann"), doctor()
    assert (ill.returncode, mended.returncode, sound.returncode) == (EXIT_UNSOUND, 0, 0)
    facts = json.loads(ill.stdout)
    failing = {(f["check"], f["repairable"]) for f in facts["findings"] if f["level"] == "fail"}
    assert failing == {("locks", True), ("releases", True)}
    done = [line for line in mended.stdout.splitlines() if line.startswith("done: ")]
    assert done == [
        "done: locks: moved .dvc/tmp/rwlock to rwlock.aside",
        f"done: releases: now serving {three[2].id}, the newest complete release that was not withdrawn; recorded in "
        "the ledger",
    ]
    assert release_ids(settings.releases) == [release.id for release in three]
