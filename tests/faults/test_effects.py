"""Effects killed before system calls that change the disk, SQLite's among them: run again, they are done once."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.graph import EFFECTS
from pipeline.state.lease import in_force
from tests.faults.conftest import Finished
from tests.faults.extent import positions
from tests.faults.small_night import assert_served_is_whole, keep_world, restore_world, stage, world
from tests.faults.tally import Tally
from tests.faults.tracing import CALLS
from tests.faults.warm import Warm

pytestmark = pytest.mark.skipif(not CALLS, reason="the numbers of this machine's system calls are not known here")

FAULT = "effect killed before a system call: {}"
MOST = {"record": 16, "promote": 24, "publish": 12}
"""Of the calls of an effect that are killed at; MLflow takes its time, and publish has tests of its own."""


@dataclass(frozen=True)
class Before:
    """The world before and after an undisturbed effect."""

    kept: Path
    n_calls: int
    after: dict[str, object]


@pytest.fixture(scope="module")
def undisturbed(warm: Warm, finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Before]:
    """Each effect, after those before it."""
    found, workspace = {}, finished.workspace
    for name in EFFECTS:
        kept = tmp_path_factory.mktemp(name)
        keep_world(workspace, kept)
        done = warm.run(workspace, "stage", name, traced=True)
        assert done.status == 0, done.said
        found[name] = Before(kept, len(done.calls), world(workspace))
    return found


@pytest.mark.parametrize("name", EFFECTS)
def test_an_effect_killed_on_the_way_is_done_once_when_it_is_run_again(
    name: str, warm: Warm, finished: Finished, undisturbed: dict[str, Before], tally: Tally
) -> None:
    workspace, before = finished.workspace, undisturbed[name]
    for at in positions(before.n_calls, sample=1, most=MOST.get(name, 36)):
        restore_world(workspace, before.kept)
        killed = warm.kill_at_call(workspace, "stage", name, at=at)
        assert killed.killed, killed.said
        tally.injected(FAULT.format(name), kill=True)
        assert_served_is_whole(workspace / "releases")
        lease = in_force(workspace / "ledger")
        assert lease is not None
        assert lease.ended != "done" or world(workspace) == before.after
        stage(warm, workspace, name)
        assert world(workspace) == before.after
        tally.recovered(FAULT.format(name))
    restore_world(workspace, finished.kept)
