"""Stages are killed at random instants, with their process group or only the process that started them: a rerun gives
the same result, and the served release is complete all the while."""

import random
from pathlib import Path

import pytest

from pipeline.graph import read_stages
from tests.contents import contents, differing
from tests.faults.conftest import Finished
from tests.faults.extent import ALL, SEED, times
from tests.faults.reader import polled
from tests.faults.small_night import ENGINE, RECIPES, open_night, remove_outs, stage
from tests.faults.tally import Tally, stage_killed
from tests.faults.warm import Warm
from tests.workspace import ROOT

A_MOMENT = 0.15
"""Seconds. A stage that has lost its parent is killed, or was ending anyway."""
STAGES = [each.name for each in read_stages(ROOT / "dvc.yaml") if each.name.partition("@")[2] in ("", *RECIPES)]


@pytest.mark.parametrize(
    "name", STAGES if ALL else ["ingest", "split", "fit@blend", "evaluate@als", "decide", "recommend"]
)
def test_a_stage_killed_on_the_way_comes_to_the_same_when_it_is_run_again(
    name: str, warm: Warm, finished: Finished, published: Path, tally: Tally
) -> None:
    with polled(published / "releases") as reads:
        _kill_again_and_again(name, warm, finished, tally)
    tally.read(stage_killed("group"), reads=reads.reads, torn=len(reads.torn))
    assert reads.torn == ()
    assert reads.reads > 0


def _kill_again_and_again(name: str, warm: Warm, finished: Finished, tally: Tally) -> None:
    rng, workspace = random.Random(f"{SEED} {name}"), finished.workspace
    outs = next(each.outs for each in read_stages(workspace / "dvc.yaml") if each.name == name)
    for n in range(times(sample=1, all_=8)):
        whom = ("group", "parent")[(n + STAGES.index(name)) % 2]
        fault = stage_killed(whom)
        longest = finished.seconds[name]
        while True:
            remove_outs(workspace, name)
            after = rng.uniform(0, longest)
            killed = warm.kill_after(workspace, "stage", *name.split("@"), seconds=after, whom=whom, **ENGINE)
            assert killed.killed or killed.outlived < A_MOMENT, (
                f"{name} went on for {killed.outlived:.1f} s after its parent"
            )
            if killed.killed:
                break
            longest = after  # it had ended before: this machine was quicker
        tally.injected(fault, kill=True)
        changed = differing(finished.data, contents(workspace))
        assert {path for path in changed if not path.startswith(outs) and "/." not in path} == set()
        open_night(warm, workspace)
        remove_outs(workspace, name)
        stage(warm, workspace, name)
        assert differing(finished.data, contents(workspace)) == set()
        tally.recovered(fault)
