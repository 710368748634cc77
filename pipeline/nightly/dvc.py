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

from pipeline.as_of import read_as_of
from pipeline.errors import StageFailed
from pipeline.runtime import dvc_rwlock as rwlock
from pipeline.runtime.parent_watch import STARTER, die_with_parent
from pipeline.runtime.progress import MARK
from pipeline.settings import Settings
from pipeline.terminal import tell

_RUNNING = re.compile(r"^Running stage '([^']+)'")
_SKIPPED = re.compile(r"^Stage '([^']+)' (?:didn't change|is cached)")
_OURS = re.compile(r"^netgain: ")
# DVC's hints for interactive use, which are of no use in a night.
_NOISE = re.compile(
    r"^(> |Updating lock file|Generating lock file|To track the changes|To enable auto|Use `dvc push`|\s*dvc config"
    r"|\s*git add|$)"
)

Report = Callable[[str, float | None, str], None]
"""Called with a stage's name when it starts (seconds None, empty line), while it runs (seconds None, how far it is) and
when it ends (seconds, the stage's line)."""
UNCHANGED = "unchanged"
"""The line of a stage that need not run."""


def repro(settings: Settings, report: Report) -> list[str]:
    """Run `dvc repro` and return the stages that ran; with a Spark engine, they share one Spark server.

    Raises:
        StageFailed: a stage failed; the error has the stage's message.
    """
    if not (_is_another_night(settings) or _stale(settings)):
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
    """Return environment variables with this environment's commands first on PATH, whether it is activated or not."""
    here = str(Path(sys.executable).parent)
    return os.environ | {"PATH": here + os.pathsep + os.environ.get("PATH", ""), "PYTHONUNBUFFERED": "1"}


def stage_environment() -> dict[str, str]:
    """Variables for a DVC that this process starts, and so for its stages."""
    return dvc_environment() | {STARTER: str(os.getpid())}


_PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from pipeline.nightly.dvc_program import main; main()"
"""Without the working directory on the path, as the script `dvc` has it."""


def dvc_command(*arguments: str) -> list[str]:
    """Return the command line that runs this environment's DVC."""
    return [sys.executable, "-c", _PROGRAM, *arguments]


def unblock_dvc(settings: Settings) -> None:
    """Move a damaged `.dvc/tmp/rwlock` aside and print a line about it; a running DVC is not disturbed."""
    if (wrong := rwlock.move_aside(settings.workspace)) is not None:
        tell(f".dvc/tmp/rwlock {wrong}: moved to {rwlock.ASIDE}")


def _is_another_night(settings: Settings) -> bool:
    """Return whether dvc.lock is missing or does not name the open night, so that stages must run.

    Asking DVC takes 2 CPU seconds.
    """
    lock, as_of = settings.workspace / "dvc.lock", read_as_of(settings.workspace / "night" / "night.yaml")
    return not lock.exists() or as_of.isoformat() not in lock.read_text(encoding="utf-8", errors="replace")


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
    """Start DVC in the workspace; it waits for its lock, writes everything to stdout and ends with this process."""
    unblock_dvc(settings)  # an earlier attempt may have been killed
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
            elif line.startswith(MARK):
                if ran:
                    report(ran[-1], None, line.removeprefix(MARK))
            elif found := _SKIPPED.match(line):
                report(found.group(1), 0.0, UNCHANGED)
            elif not _NOISE.match(line):
                lines.append(line)
                if not line.startswith("WARNING: "):  # of DVC, about the next stage
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
