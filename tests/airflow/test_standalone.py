"""What `make airflow` runs, with programs in the place of Airflow's own."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.workspace import ROOT, environment

pytestmark = pytest.mark.slow

AIRFLOW = """#!/usr/bin/env bash
echo "$1" >>"$STARTED"
case "$1" in
api-server) exec python -m http.server "$AIRFLOW__API__PORT" --bind 127.0.0.1 ;;
scheduler) [ "$(grep -c scheduler "$STARTED")" -gt 1 ] || { sleep "$LIVES"; exit 1; } && exec sleep 600 ;;
dag-processor) exec sleep 600 ;;
esac
"""


def stand(tmp_path: Path, *, lives: int) -> tuple["subprocess.Popen[bytes]", Path]:
    """The script, whose first scheduler lives so many seconds; and the file of what was started."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "infra").symlink_to(ROOT / "infra")
    fake, started = tmp_path / "bin" / "airflow", tmp_path / "started"
    fake.write_text(AIRFLOW)
    fake.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = environment(tmp_path, PORT=str(port), STARTED=str(started), LIVES=str(lives))
    variables["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{variables['PATH']}"
    command = ["bash", "infra/airflow/standalone.sh"]
    return subprocess.Popen(command, cwd=tmp_path, env=variables, start_new_session=True), started


def wait(until: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)


def n_schedulers(started: Path) -> int:
    return started.read_text().split().count("scheduler") if started.exists() else 0


def test_a_scheduler_that_ends_with_an_error_is_started_again_and_all_end_together(tmp_path: Path) -> None:
    process, started = stand(tmp_path, lives=11)
    try:
        wait(lambda: n_schedulers(started) == 2, seconds=60)
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        assert sum("sleep" in each.name() for each in family) == 2
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 0
        assert psutil.wait_procs(family, timeout=10)[1] == []
    finally:
        stop(process)


def test_one_that_hardly_lived_ends_them_all(tmp_path: Path) -> None:
    process, started = stand(tmp_path, lives=0)
    try:
        assert process.wait(60) == 1
        assert n_schedulers(started) == 1
    finally:
        stop(process)


def stop(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
