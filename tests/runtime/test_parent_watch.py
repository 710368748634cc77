"""A stage ends with the process that started it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

CHILD = """
import os, pathlib, sys, time
from pipeline.runtime.parent_watch import watch_parent
beats = pathlib.Path(sys.argv[1])
watch_parent(lambda: beats.write_text(str(time.monotonic())))
print(os.getpid(), flush=True)
time.sleep(60)
"""
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1], sys.argv[2]])"


def test_a_process_whose_parent_alone_is_killed_ends_within_seconds(tmp_path: Path) -> None:
    beats = tmp_path / "beats"
    with subprocess.Popen([sys.executable, "-c", PARENT, CHILD, str(beats)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        until = time.monotonic() + 20
        while not beats.exists() and time.monotonic() < until:
            time.sleep(0.02)
        assert beats.exists()
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        while _alive(child) and time.monotonic() < until:
            time.sleep(0.02)
        assert not _alive(child)


def test_a_process_whose_parent_ended_before_it_checked_ends_at_once() -> None:
    """DVC is killed while its stage still imports its libraries: a process that adopts orphans is no parent."""
    code = (
        "import os\nfrom pipeline.runtime.parent_watch import STARTER, watch_parent\n"
        "os.environ[STARTER] = {starter!r}\n"
        "watch_parent(lambda: None)\nprint('still here')"
    )
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    ended, goes_on = (
        subprocess.run([sys.executable, "-c", code.format(starter=str(pid))], capture_output=True, check=False)
        for pid in (gone.pid, os.getpid())
    )
    assert (ended.returncode, ended.stdout) == (-signal.SIGKILL, b"")
    assert (goes_on.returncode, goes_on.stdout) == (0, b"still here\n")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
