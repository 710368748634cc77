"""A warm process for as long as a night lasts."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pipeline.runtime.parent_watch import die_with_parent
from pipeline.runtime.warm_request import SOCKET

_PROGRAM = "import sys; sys.path[:] = filter(None, sys.path); from pipeline.cli.warm import main; main()"
"""Without the working directory on the path, as the script `netgain` has it."""


@contextmanager
def warm_process(workspace: Path, environ: Mapping[str, str]) -> Iterator[None]:
    """A warm process in the workspace until the block ends; it dies with this process.

    Stages run by themselves where it does not come up (`.netgain/warm.log` says why) or is not theirs.

    Args:
        workspace: the folder of dvc.yaml.
        environ: the variables that stages are started with; one that is started with others runs by itself.
    """
    log = workspace / SOCKET.with_name("warm.log")
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            cwd=workspace,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            preexec_fn=partial(die_with_parent, signal.SIGKILL),  # noqa: PLW1509  # no threads have been started
            start_new_session=True,
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(OSError):
            (workspace / SOCKET).unlink()
