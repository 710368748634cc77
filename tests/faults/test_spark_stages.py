"""A stage that works in Spark's own JVM, killed at random instants: the JVM ends with it, and a
rerun gives the same result."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.contents import contents, differing
from tests.faults.conftest import Finished
from tests.faults.extent import ALL, SEED
from tests.faults.small_night import PARAMS, remove_outs
from tests.faults.tally import Tally, stage_killed
from tests.workspace import environment, make_workspace

pytestmark = [pytest.mark.spark, pytest.mark.skipif(not ALL, reason="a JVM for each: make faults")]

NETGAIN = str(Path(sys.executable).parent / "netgain")
AS_DVC = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
KILLS = 2
SPARK_ALS = {"recipes.spark_als.factors": 8, "recipes.spark_als.iterations": 3}


@pytest.fixture
def workspace(finished: Finished, tmp_path: Path) -> Path:
    """What a fit and its evaluation need, in a workspace that has the recipe."""
    params = {name: value for name, value in PARAMS.items() if not name.startswith("recipes.")} | SPARK_ALS
    folder = make_workspace(tmp_path / "w", recipes=["popular", "spark_als"], params=params)
    for name in ("night", "data/train", "data/tuning"):
        shutil.copytree(finished.workspace / name, folder / name)
    shutil.copyfile(finished.workspace / "data" / "relevant.parquet", folder / "data" / "relevant.parquet")
    return folder


def start(workspace: Path, name: str) -> subprocess.Popen[bytes]:
    """The stage as the child of another process, as DVC starts it."""
    with (workspace / "stage.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", AS_DVC, NETGAIN, "stage", *name.split("@")],
            cwd=workspace, env=environment(workspace, DVC_STAGE=name), stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def undisturbed(workspace: Path, name: str) -> float:
    """Run it to its end; how long it took [s]."""
    started = time.monotonic()
    assert start(workspace, name).wait() == 0, (workspace / "stage.log").read_text()[-2000:]
    return time.monotonic() - started


def test_a_recommender_of_spark_is_killed_with_its_jvm_and_comes_to_the_same(workspace: Path, tally: Tally) -> None:
    rng = random.Random(SEED)
    for name in ("fit@spark_als", "evaluate@spark_als"):
        longest, whole = undisturbed(workspace, name), contents(workspace)
        for n in range(KILLS):
            whom = ("group", "parent")[n % 2]
            fault = stage_killed(whom)
            remove_outs(workspace, name)
            process = start(workspace, name)
            try:
                process.wait(rng.uniform(1, 0.8 * longest))
            except subprocess.TimeoutExpired:
                family = psutil.Process(process.pid).children(recursive=True)
                (os.killpg if whom == "group" else os.kill)(process.pid, signal.SIGKILL)
            assert process.wait() == -signal.SIGKILL
            tally.injected(fault, kill=True)
            assert psutil.wait_procs(family, timeout=20)[1] == []
            remove_outs(workspace, name)
            undisturbed(workspace, name)
            assert {path for path in differing(whole, contents(workspace)) if "/." not in path} == set()
            tally.recovered(fault)
