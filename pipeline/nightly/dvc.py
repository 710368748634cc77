"""The pure stages, by DVC: what did not change is not run again."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

from pipeline.errors import StageFailed
from pipeline.runtime import dvc_rwlock as rwlock
from pipeline.runtime.parent_watch import STARTER, die_with_parent
from pipeline.settings import Settings

_RUNNING = re.compile(r"^Running stage '([^']+)'")
_OURS = re.compile(r"^netgain: ")
# What DVC says to a person at a prompt; nobody is there to follow it in a night.
_NOISE = re.compile(
    r"^(> |Updating lock file|Generating lock file|To track the changes|To enable auto|Use `dvc push`|\s*dvc config"
    r"|\s*git add|$)"
)

Report = Callable[[str, float | None, str], None]
"""Told of a stage when it starts (seconds None) and when it ended (seconds, its line)."""


def repro(settings: Settings, report: Report) -> list[str]:
    """`dvc repro`, sharing one Spark server where anything has to run. Returns the stages that ran.

    Raises:
        StageFailed: a stage failed; the message is its own.
    """
    if not _stale(settings):
        return []
    with shared_processes(settings):
        return _run(settings, report)


@contextmanager
def shared_processes(settings: Settings) -> Iterator[None]:
    """What the stages of a night share until the block ends: a warm process, and a Spark server if any may need it."""
    from pipeline.runtime.spark_server import serving
    from pipeline.runtime.warm_process import warm_process

    spark = nullcontext() if settings.engine == "inprocess" else serving(settings)
    # Starting Spark sets JAVA_HOME and its like, which the warm process must have too.
    with spark, warm_process(settings.workspace, stage_environment()):
        yield


def dvc_environment() -> dict[str, str]:
    """`netgain` of this environment comes first, whether or not it was activated."""
    here = str(Path(sys.executable).parent)
    return os.environ | {"PATH": here + os.pathsep + os.environ.get("PATH", ""), "PYTHONUNBUFFERED": "1"}


def stage_environment() -> dict[str, str]:
    """Variables for a DVC that this process starts, and so for its stages."""
    return dvc_environment() | {STARTER: str(os.getpid())}


def dvc_command(*arguments: str) -> list[str]:
    """A command line of the DVC of this environment."""
    return [sys.executable, "-m", "dvc", *arguments]


def unblock_dvc(settings: Settings) -> None:
    """Put what would stop every DVC to come aside, and say so in a line; a DVC at work is not disturbed."""
    if (wrong := rwlock.move_aside(settings.workspace)) is not None:
        print(f"netgain: .dvc/tmp/rwlock {wrong}: moved to {rwlock.ASIDE}", file=sys.stderr)  # noqa: T201


def _stale(settings: Settings) -> bool:
    status = subprocess.run(
        dvc_command("status", "--quiet"),
        cwd=settings.workspace,
        env=dvc_environment(),
        capture_output=True,
        check=False,
    )
    return status.returncode != 0


def start_dvc(settings: Settings, *arguments: str) -> subprocess.Popen[str]:
    """DVC in the workspace, which waits for its lock and ends with this process; what it says comes through stdout."""
    unblock_dvc(settings)  # a try before this one may have been killed
    return subprocess.Popen(
        dvc_command("--wait-for-lock", *arguments),
        cwd=settings.workspace,
        env=stage_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        preexec_fn=partial(die_with_parent, signal.SIGKILL),  # noqa: PLW1509  # no threads have been started
    )


def _run(settings: Settings, report: Report) -> list[str]:
    ran: list[str] = []
    lines: deque[str] = deque(maxlen=40)
    said: Mapping[str, str] = {}
    started = time.monotonic()
    with start_dvc(settings, "repro") as process:
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.rstrip().rsplit("\r", 1)[-1]
            if found := _RUNNING.match(line):
                _ended(report, ran, said, time.monotonic() - started)
                ran.append(found.group(1))
                started, said = time.monotonic(), {}
                report(ran[-1], None, "")
            elif not _NOISE.match(line):
                lines.append(line)
                said = {"last": line}
    if process.returncode:
        raise _failure(ran, lines)
    _ended(report, ran, said, time.monotonic() - started)
    return ran


def _ended(report: Report, ran: list[str], said: Mapping[str, str], seconds: float) -> None:
    if ran:
        report(ran[-1], seconds, said.get("last", ""))


def _failure(ran: list[str], lines: deque[str]) -> StageFailed:
    own = [line for line in lines if _OURS.match(line)]
    what = _OURS.sub("", own[-1]) if own else " | ".join(list(lines)[-5:])
    return StageFailed(
        f"stage {ran[-1] if ran else 'none'} failed: {what}",
        expected="every stage to pass",
        fix="What was served before is still served. Run the night again when the cause is mended.",
    )
