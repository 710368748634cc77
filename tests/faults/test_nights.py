"""Whole nights by the real command, killed again and again: they come to what undisturbed ones come to."""

import datetime as dt
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.state.lease import in_force
from tests.contents import contents, differing
from tests.faults.extent import ALL, SEED
from tests.faults.reader import polled
from tests.faults.small_night import AS_OF, DAYS, ENGINE, assert_served_is_whole, small_workspace, world
from tests.faults.tally import Tally
from tests.workspace import environment

pytestmark = pytest.mark.skipif(not ALL, reason="a dozen whole nights: make faults")

NIGHTS, KILLS_EACH = 2, 8
NETGAIN = str(Path(sys.executable).parent / "netgain")


def start(workspace: Path, as_of: dt.date) -> subprocess.Popen[bytes]:
    with (workspace / "night.log").open("ab") as log:
        return subprocess.Popen(
            [NETGAIN, "night", "--as-of", as_of.isoformat()],
            cwd=workspace,
            env=environment(workspace, **ENGINE),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def undisturbed(workspace: Path, as_of: dt.date) -> float:
    """Run a night to its end; how long it took [s]."""
    started = time.monotonic()
    assert start(workspace, as_of).wait() == 0, (workspace / "night.log").read_text()[-3000:]
    return time.monotonic() - started


def killed_after(workspace: Path, as_of: dt.date, *, seconds: float, whom: str) -> bool:
    """Kill a night, all of it or only its first process; False where it had ended before."""
    process = start(workspace, as_of)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def test_nights_that_are_killed_again_and_again_come_to_the_same(tmp_path: Path, migrated: Path, tally: Tally) -> None:
    rng = random.Random(SEED)
    disturbed = small_workspace(tmp_path / "disturbed", days=DAYS + NIGHTS, recipes=["popular", "als"])
    (disturbed / "mlflow").mkdir()
    shutil.copyfile(migrated, disturbed / "mlflow" / "mlflow.db")
    plain = tmp_path / "plain"
    shutil.copytree(disturbed, plain)
    with polled(disturbed / "releases") as reads:
        for n in range(NIGHTS):
            as_of = AS_OF + dt.timedelta(days=n)
            longest = undisturbed(plain, as_of)
            faults = []
            for k in range(KILLS_EACH):
                whom = ("group", "parent")[k % 2]
                seconds = rng.uniform(0, longest / 2)  # what was done is not done again: the rest takes less each time
                if not killed_after(disturbed, as_of, seconds=seconds, whom=whom):
                    continue
                faults.append(f"whole night killed, {'process group' if whom == 'group' else 'parent alone'}")
                tally.injected(faults[-1], kill=True)
                assert_served_is_whole(disturbed / "releases")
                lease = in_force(disturbed / "ledger")
                assert lease is None or lease.as_of != as_of.isoformat() or lease.ended != "done"
            undisturbed(disturbed, as_of)
            assert differing(contents(plain), contents(disturbed)) == set()
            assert _acted(disturbed) == _acted(plain)
            for fault in faults:
                tally.recovered(fault)
    tally.read("whole night killed, process group", reads=reads.reads, torn=len(reads.torn))
    assert reads.torn == ()


def _acted(workspace: Path) -> dict[str, object]:
    """The world without reports, which tell measured times."""
    return {name: found for name, found in world(workspace).items() if name != "reports"}
