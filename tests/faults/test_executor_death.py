"""A Spark executor is killed under a task: the task is tried again on another one, with the same result."""

import shutil
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.contents import contents, differing
from tests.faults.conftest import Finished
from tests.faults.extent import ALL
from tests.faults.small_night import remove_outs
from tests.faults.tally import Tally
from tests.workspace import environment

pytestmark = [pytest.mark.spark, pytest.mark.skipif(not ALL, reason="a cluster for each: make faults")]

FAULT = "Spark executor killed under a task"
CLUSTER = {"NETGAIN_ENGINE": "spark", "NETGAIN_SPARK_MASTER": "local-cluster[2,1,1024]"}
EXECUTOR, PYTHON = "CoarseGrainedExecutorBackend", "pyspark.daemon"


@pytest.mark.parametrize("name", ["ingest", "fit@als"])
def test_a_task_whose_executor_is_killed_is_done_by_another(name: str, finished: Finished, tally: Tally) -> None:
    workspace = finished.workspace
    remove_outs(workspace, name)
    shutil.rmtree(workspace / ".netgain" / "cache", ignore_errors=True)
    log = workspace / "executor.log"
    with log.open("w") as said:
        stage = subprocess.Popen(
            [str(Path(sys.executable).parent / "netgain"), "stage", *name.split("@")],
            cwd=workspace, env=environment(workspace, **CLUSTER), stdout=said, stderr=said,
        )  # fmt: skip
    busy_executor(stage).kill()
    tally.injected(FAULT, kill=True)
    assert stage.wait(300) == 0, log.read_text()[-3000:]
    log.unlink()
    assert differing(finished.data, contents(workspace)) == set()
    tally.recovered(FAULT)


def busy_executor(stage: subprocess.Popen[bytes]) -> psutil.Process:
    """An executor of the stage's cluster as soon as Python works in it.

    Raises:
        AssertionError: the stage ended before there was one.
    """
    while stage.poll() is None:
        for process in psutil.Process(stage.pid).children(recursive=True):
            try:
                if EXECUTOR in " ".join(process.cmdline()) and any(
                    PYTHON in " ".join(child.cmdline()) for child in process.children()
                ):
                    return process
            except psutil.NoSuchProcess:
                continue
        time.sleep(0.01)
    raise AssertionError("no executor was at work")
