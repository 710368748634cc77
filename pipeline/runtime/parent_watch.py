"""Processes that do not outlive who started them."""

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

STARTER = "NETGAIN_STARTER"
"""Variable with the number of the process that started DVC, for the stages that DVC starts."""

_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 1.0


def die_with_parent(sign: int = signal.SIGTERM) -> None:
    """Ask the kernel for a signal when the parent ends (PR_SET_PDEATHSIG); for a child before it executes its program.

    Linux alone has it, and it tells of the parent alone: `watch_parent` sees to the rest.
    """
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sign)


def watch_parent(beat: Callable[[], None]) -> None:
    """End this process, at once and without a last word to any file, when it has lost its parent; until then, beat.

    A stage of DVC survives the kill of DVC, and would go on to write over the night that follows. One whose DVC was
    killed before it came here, while it still imported its libraries, does not descend from who started DVC any more.

    Args:
        beat: told every second that the process is alive; it must not raise.
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

    threading.Thread(target=watch, name="netgain-lifeline", daemon=True).start()


def _ancestors() -> list[int]:
    """Of this process, the nearest first (proc_pid_stat(5), field 4)."""
    found, pid = [], os.getppid()
    while pid > 0:
        found.append(pid)
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
        pid = int(stat.rpartition(")")[2].split()[1])
    return found
