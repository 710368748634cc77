"""A disk that is full, as a small tmpfs: one line, what is served is whole, and with room the same command goes on."""

import datetime as dt
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import EXIT_STAGE_FAILED
from tests.contents import contents, differing
from tests.faults.conftest import Finished
from tests.faults.small_night import AS_OF, ENGINE, assert_served_is_whole, files, redate, restore_world
from tests.faults.tally import Tally
from tests.faults.warm import Warm

FAULT = "disk full: {}"
SIZE = "size=16m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", SIZE, "tmpfs", str(folder)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("only the superuser may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(disk: Path, *, leave: int) -> None:
    room = shutil.disk_usage(disk).free - leave
    (disk / "filler").write_bytes(b"\0" * max(0, room))


def test_releases_that_do_not_fit_leave_yesterdays_served(
    warm: Warm, finished: Finished, small_disk: Path, tmp_path: Path, tally: Tally
) -> None:
    root, plain, night = small_disk / "releases", tmp_path / "plain", finished.workspace / "night" / "night.yaml"
    before, where = night.read_bytes(), {"NETGAIN_LEDGER": str(tmp_path / "ledger")}

    def publish(into: Path) -> int:
        return warm.run(finished.workspace, "stage", "publish", NETGAIN_RELEASES=str(into), **where).status

    assert publish(root) == publish(plain) == 0
    redate(finished.workspace, AS_OF + dt.timedelta(days=1))
    served = (root / "CURRENT").read_text()
    fill(small_disk, leave=16_384)
    tally.injected(FAULT.format("publish"))
    failed = warm.run(finished.workspace, "stage", "publish", NETGAIN_RELEASES=str(root), **where)
    assert failed.status == EXIT_STAGE_FAILED
    assert failed.said.startswith("netgain: no room on the disk: ")
    assert failed.said.count("\n") == 1
    assert (root / "CURRENT").read_text() == served
    assert_served_is_whole(root)
    (small_disk / "filler").unlink()
    assert publish(root) == publish(plain) == 0
    assert files(root) == files(plain)
    tally.recovered(FAULT.format("publish"))
    night.write_bytes(before)


@pytest.mark.parametrize("stage", ["ingest", "split"])
def test_a_stage_that_does_not_fit_fails_in_one_line_and_passes_with_room(
    stage: str, warm: Warm, finished: Finished, small_disk: Path, tmp_path: Path, tally: Tally
) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(finished.workspace, workspace, symlinks=True, ignore=shutil.ignore_patterns(".git", "mlflow"))
    shutil.copytree(workspace / "data", small_disk / "data")
    shutil.rmtree(workspace / "data")
    (workspace / "data").symlink_to(small_disk / "data")
    fill(small_disk, leave=8_192)
    tally.injected(FAULT.format("stage"))
    failed = warm.run(workspace, "stage", stage, **ENGINE)
    assert failed.status == EXIT_STAGE_FAILED, failed.said
    assert failed.said.startswith("netgain: ")
    assert failed.said.count("\n") == 1
    (small_disk / "filler").unlink()
    done = warm.run(workspace, "stage", stage, **ENGINE)
    assert done.status == 0, done.said
    assert {path for path in differing(finished.data, contents(workspace)) if "/." not in path} == set()
    tally.recovered(FAULT.format("stage"))


@pytest.mark.parametrize("effect", ["account", "record"])
def test_a_ledger_that_does_not_fit_stops_the_night_before_it_serves(
    effect: str, warm: Warm, finished: Finished, small_disk: Path, tmp_path: Path, tally: Tally
) -> None:
    ledger, workspace = small_disk / "ledger", finished.workspace
    shutil.copytree(workspace / "ledger", ledger)
    fill(small_disk, leave=4_096)
    tally.injected(FAULT.format("ledger"))
    failed = warm.run(workspace, "stage", effect, NETGAIN_LEDGER=str(ledger))
    assert failed.status not in (0, 1), failed.said
    assert failed.said.count("\n") == 1
    assert not (workspace / "releases" / "CURRENT").exists()
    (small_disk / "filler").unlink()
    done = warm.run(workspace, "stage", effect, NETGAIN_LEDGER=str(ledger))
    assert done.status == 0, done.said
    tally.recovered(FAULT.format("ledger"))
    restore_world(workspace, finished.kept)
