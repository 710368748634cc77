"""The script of `make airflow`, with stand-ins for Airflow's programs."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.airflow.standing import family, kill
from tests.workspace import ROOT, environment

pytestmark = pytest.mark.slow

AIRFLOW = """#!/usr/bin/env bash
echo "$1" >>"$STARTED"
case "$1" in
api-server) exec python -m http.server "$AIRFLOW__API__PORT" --bind 127.0.0.1 ;;
scheduler) [ "$(grep -c scheduler "$STARTED")" -gt 1 ] || { sleep "$LIVES"; exit 1; } && exec python "$SECOND" ;;
dag-processor) exec sleep 600 ;;
esac
"""

SECOND = """import os, signal, time
def told(*_):
    open(os.environ["STARTED"], "a").write("told\\n")
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, told)
open(os.environ["STARTED"], "a").write("ready\\n")
signal.pause()
time.sleep(1)
"""


def stand(tmp_path: Path, *, lives: int) -> tuple["subprocess.Popen[bytes]", Path]:
    """Start the script; its first scheduler lives for `lives` seconds. Return the process and the log of starts."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "infra").symlink_to(ROOT / "infra")
    fake, started = tmp_path / "bin" / "airflow", tmp_path / "started"
    fake.write_text(AIRFLOW)
    fake.chmod(0o755)
    (tmp_path / "second.py").write_text(SECOND)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = environment(
        tmp_path, PORT=str(port), STARTED=str(started), LIVES=str(lives), SECOND=str(tmp_path / "second.py")
    )
    variables["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{variables['PATH']}"
    command = ["bash", "infra/airflow/standalone.sh"]
    return subprocess.Popen(command, cwd=tmp_path, env=variables, start_new_session=True), started


def wait(until: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end
        time.sleep(0.1)


def n(word: str, started: Path) -> int:
    return started.read_text().split().count(word) if started.exists() else 0


def test_a_failed_scheduler_is_restarted_and_every_process_is_signalled_once(tmp_path: Path) -> None:
    process, started = stand(tmp_path, lives=11)
    try:
        wait(lambda: n("ready", started) == 1, seconds=60)
        assert n("scheduler", started) == 2
        running = family(process)
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does at Ctrl-C
        assert process.wait(30) == 0
        assert psutil.wait_procs(running, timeout=10)[1] == []
        assert n("told", started) == 1
    finally:
        kill(family(process))


def test_a_scheduler_that_fails_at_once_ends_all_processes(tmp_path: Path) -> None:
    process, started = stand(tmp_path, lives=0)
    try:
        assert process.wait(60) == 1
        assert n("scheduler", started) == 1
    finally:
        kill(family(process))
