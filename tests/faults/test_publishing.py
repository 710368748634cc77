"""Killed before each system call of publish and of rollback that changes the disk, with a reader polling all the while:
the release is complete or still the one before, and running the command again gives the same bytes."""

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.releases.release import current
from pipeline.releases.rollback import TABLE, withdrawn
from pipeline.state.rows import entries, transaction
from tests.faults.conftest import Finished
from tests.faults.extent import positions
from tests.faults.reader import Reads, polled
from tests.faults.small_night import AS_OF, assert_served_is_whole, files, redate
from tests.faults.tally import Tally
from tests.faults.tracing import CALLS
from tests.faults.warm import Ended, Warm

pytestmark = pytest.mark.skipif(not CALLS, reason="the numbers of this machine's system calls are not known here")

PUBLISH = ("stage", "publish")
SAMPLE = 5
UNTIL_DONE = 10_000
"""A call that no publish reaches: traced to its end."""


@pytest.fixture
def ready(finished: Finished, tmp_path: Path) -> Iterator[Finished]:
    """The finished night, with a date of its own while the test publishes it."""
    night = finished.workspace / "night" / "night.yaml"
    before = night.read_bytes()
    yield finished
    night.write_bytes(before)


def publish(warm: Warm, night: Finished, root: Path, *, at: int) -> Ended:
    where = {"NETGAIN_RELEASES": str(root), "NETGAIN_LEDGER": str(root.with_name("ledger"))}
    return warm.kill_at_call(night.workspace, *PUBLISH, at=at, NETGAIN_KEEP_RELEASES="2", **where)


def roll_back(warm: Warm, root: Path, to: str, *, at: int) -> Ended:
    who = ("--by", "ann", "--reason", "lists of nonsense")
    return warm.kill_at_call(
        root.parent, "rollback", "--to", to, *who, at=at, NETGAIN_RELEASES=str(root), NETGAIN_LEDGER="ledger"
    )


def undisturbed(warm: Warm, night: Finished, root: Path) -> tuple[str, ...]:
    """Publish to the end; the calls that it made."""
    done = publish(warm, night, root, at=UNTIL_DONE)
    assert done.status == 0, done.said
    return done.calls


def assert_never_torn(reads: Reads, tally: Tally, fault: str) -> None:
    tally.read(fault, reads=reads.reads, torn=len(reads.torn))
    assert reads.torn == ()
    assert reads.reads > 0


def test_the_first_release_killed_at_each_call(warm: Warm, ready: Finished, tmp_path: Path, tally: Tally) -> None:
    fault = "first publish killed before a system call"
    plain = tmp_path / "undisturbed" / "releases"
    calls = undisturbed(warm, ready, plain)
    assert {"fsync", "rename", "mkdir"} <= set(calls)
    for at in positions(len(calls), sample=SAMPLE):
        root = tmp_path / str(at) / "releases"
        killed = publish(warm, ready, root, at=at)
        assert killed.killed
        assert killed.calls[-1] == calls[at]
        tally.injected(fault, kill=True)
        assert_served_is_whole(root)
        undisturbed(warm, ready, root)
        assert files(root) == files(plain)
        tally.recovered(fault)


def test_the_next_release_killed_at_each_call_under_a_reader(
    warm: Warm, ready: Finished, tmp_path: Path, tally: Tally
) -> None:
    """Each kill has a night of its own, behind all nights before it."""
    fault = "next publish killed before a system call"
    root, plain = tmp_path / "killed" / "releases", tmp_path / "undisturbed" / "releases"
    undisturbed(warm, ready, root)
    undisturbed(warm, ready, plain)
    redate(ready.workspace, AS_OF + dt.timedelta(days=1))
    undisturbed(warm, ready, root)
    n_calls = len(undisturbed(warm, ready, plain))
    with polled(root) as reads:
        for n, at in enumerate(positions(n_calls, sample=SAMPLE)):
            redate(ready.workspace, AS_OF + dt.timedelta(days=2 + n))
            before = current(root).id
            killed = publish(warm, ready, root, at=at)
            assert killed.killed
            tally.injected(fault, kill=True)
            assert_served_is_whole(root)
            undisturbed(warm, ready, plain)
            assert current(root).id in (before, current(plain).id)
            undisturbed(warm, ready, root)
            assert files(root) == files(plain)
            tally.recovered(fault)
    assert_never_torn(reads, tally, fault)
    assert list(root.glob(".tmp-*")) == []


def test_a_damaged_release_is_mended_though_the_mending_is_killed_at_each_call(
    warm: Warm, ready: Finished, tmp_path: Path, tally: Tally
) -> None:
    fault = "publish over a damaged release killed before a system call"
    plain = tmp_path / "undisturbed" / "releases"
    undisturbed(warm, ready, plain)
    redate(ready.workspace, AS_OF + dt.timedelta(days=1))
    undisturbed(warm, ready, plain)
    whole = files(plain)
    current(plain).lists.write_bytes(b"half")
    shutil.copytree(plain.parent, tmp_path / "damaged")
    calls = undisturbed(warm, ready, plain)
    assert files(plain) == whole
    for at in positions(len(calls), sample=SAMPLE):
        root = tmp_path / str(at) / "releases"
        shutil.copytree(tmp_path / "damaged", root.parent)
        assert publish(warm, ready, root, at=at).killed
        tally.injected(fault, kill=True)
        undisturbed(warm, ready, root)
        assert files(root) == whole
        tally.recovered(fault)


def test_a_rollback_killed_at_each_call_under_a_reader(
    warm: Warm, ready: Finished, tmp_path: Path, tally: Tally
) -> None:
    fault = "rollback killed before a system call"
    root, ledger = tmp_path / "releases", tmp_path / "ledger"
    (tmp_path / "w").mkdir()
    undisturbed(warm, ready, root)
    older = current(root).id
    redate(ready.workspace, AS_OF + dt.timedelta(days=1))
    undisturbed(warm, ready, root)
    newer = current(root).id
    calls = roll_back(warm, root, older, at=UNTIL_DONE).calls
    with polled(root) as reads:
        for at in positions(len(calls), sample=SAMPLE):
            assert roll_back(warm, root, newer, at=UNTIL_DONE).status == 0
            with transaction(ledger) as state:
                state.remove(TABLE)
            killed = roll_back(warm, root, older, at=at)
            assert killed.killed
            tally.injected(fault, kill=True)
            assert_served_is_whole(root)
            if current(root).id == newer:
                assert roll_back(warm, root, older, at=UNTIL_DONE).status == 0
            # The step is recorded before it is taken, and the next night follows the record.
            assert current(root).id == older
            assert {(entry["from"], entry["to"]) for entry in entries(ledger, TABLE)} == {(newer, older)}
            assert withdrawn(ledger) == {newer}
            tally.recovered(fault)
    assert_never_torn(reads, tally, fault)
