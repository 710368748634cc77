"""End a process when the process that started it ends."""

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

STARTER = "NETGAIN_STARTER"
"""Environment variable with the id of the process that started DVC; read by the stages that DVC starts."""

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 1.0


def die_with_parent(sign: int = signal.SIGTERM) -> None:
    """Ask the kernel to send this process a signal when its parent ends (PR_SET_PDEATHSIG).

    Meant for a child before it executes its program. Linux only; elsewhere nothing happens. It covers the direct parent
    only: `watch_parent` also covers the process that started DVC.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sign)


def watch_parent(beat: Callable[[], None]) -> None:
    """Kill this process when its parent ends, before it writes anything more; until then, call `beat` every second.

    Without this, a stage would survive a killed DVC and overwrite files of the next night. If DVC was killed while the
    stage was still importing libraries, the process named by STARTER is not among the stage's ancestors any more.

    Args:
        beat: called every second to record that the process is alive; must not raise.
    """
    parent = os.getppid()
    die_with_parent(signal.SIGKILL)
    starter = os.environ.get(STARTER)
    if starter is not None and int(starter) not in _ancestors():
        os.kill(os.getpid(), signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == parent:
            beat()
            time.sleep(_LOOK_SECONDS)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="netgain-parent-watch", daemon=True).start()


def _ancestors() -> list[int]:
    """Return the ids of this process's ancestors, nearest first (proc_pid_stat(5), field 4)."""
    found, pid = [], os.getppid()
    while pid > 0:
        found.append(pid)
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        pid = int(stat.rpartition(")")[2].split()[1])
    return found
