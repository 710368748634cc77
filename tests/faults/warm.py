"""A warm process that forks victims: each runs one command of Netgain in a workspace, and may be killed on the way.

The libraries that take seconds to import are imported once, here, in a process that never uses them: a fork has the
threads of none of them.
"""

import contextlib
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.runtime.parent_watch import STARTER
from tests.faults.tracing import calls_of, let_be_traced
from tests.workspace import environment

# Not `pipeline.logs`: it starts the threads of Polars.
_LIBRARIES = (
    "great_expectations", "implicit", "matplotlib.pyplot", "mlflow.store.tracking.sqlalchemy_store", "numba", "polars",
    "scipy.sparse", "pipeline.cli.app",
    "pipeline.effects.publish", "pipeline.releases.rollback", "pipeline.runtime.meter",
)  # fmt: skip
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Ended:
    """How a victim ended.

    Attributes:
        status: its exit status, or minus the signal that ended it; of the command itself, where a parent was killed.
        said: what it printed.
        seconds: how long it ran.
        outlived: seconds that it ran on after its parent was killed.
        calls: names of the calls that would change the disk, in their order, where it was traced; before the last of
            them it was killed, if it was.
    """

    status: int
    said: str
    seconds: float
    outlived: float = 0.0
    calls: tuple[str, ...] = ()

    @property
    def killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Warm:
    """The client of the warm process, which ends with it."""

    def __init__(self) -> None:
        single_threaded_blas = {f"{library}_NUM_THREADS": "1" for library in ("OPENBLAS", "OMP")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.warm"],
            cwd=Path(__file__).resolve().parents[2],
            env=os.environ | single_threaded_blas,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def close(self) -> None:
        self._process.communicate()

    def run(self, workspace: Path, *command: str, traced: bool = False, **environ: str) -> Ended:
        """Run a command of `netgain` undisturbed; `environ` are variables for it."""
        return self._ask(workspace, command, environ, {"how": "call", "at": -1} if traced else {"how": "never"})

    def kill_at_call(self, workspace: Path, *command: str, at: int, **environ: str) -> Ended:
        """Kill it before its `at`-th call that would change the disk, from 0 on."""
        return self._ask(workspace, command, environ, {"how": "call", "at": at})

    def kill_after(self, workspace: Path, *command: str, seconds: float, whom: str, **environ: str) -> Ended:
        """Kill it after so many seconds: its process group ("group"), or only who started it ("parent"), as DVC."""
        return self._ask(workspace, command, environ, {"how": whom, "after": seconds})

    def _ask(self, workspace: Path, command: tuple[str, ...], environ: dict[str, str], kill: dict[str, Any]) -> Ended:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"cwd": str(workspace), "command": command, "environ": environment(workspace, **environ), "kill": kill}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        return Ended(**answer | {"calls": tuple(answer.get("calls", ()))})


def serve() -> None:
    """Fork a victim for each line of stdin, and answer with how it ended."""
    for name in _LIBRARIES:
        importlib.import_module(name)
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # orphans come here, to be asked how they ended
    for line in sys.stdin:
        order = json.loads(line)
        with tempfile.TemporaryFile("w+") as said:
            started = time.monotonic()
            how = order["kill"]["how"]
            answer = _traced(order, said) if how == "call" else _timed(order, said)
            seconds = time.monotonic() - started
            said.seek(0)
            print(json.dumps(answer | {"said": said.read(), "seconds": seconds}), flush=True)


def _traced(order: dict[str, Any], said: Any) -> dict[str, Any]:
    pid = os.fork()
    if not pid:
        _become(order, said, let_be_traced)
    calls: list[str] = []
    for call in calls_of(pid):
        calls.append(call)
        if len(calls) - 1 == order["kill"]["at"]:
            os.kill(pid, signal.SIGKILL)
            break
    return {"status": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), "calls": calls}


def _timed(order: dict[str, Any], said: Any) -> dict[str, Any]:
    """A parent that starts the command and waits for it, as DVC does; one or both are killed."""
    kill, (told, tell) = order["kill"], os.pipe()
    parent = os.fork()
    if not parent:
        os.setsid()
        order["environ"] |= {STARTER: str(os.getpid()), "DVC_STAGE": "this"}
        child = os.fork()
        if not child:
            _become(order, said, lambda: None)
        os.write(tell, child.to_bytes(4, "big"))
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
    child = int.from_bytes(os.read(told, 4), "big")
    os.close(told)
    os.close(tell)
    if kill["how"] == "never":
        return {"status": os.waitstatus_to_exitcode(os.waitpid(parent, 0)[1])}
    until = time.monotonic() + kill["after"]
    while time.monotonic() < until and os.waitid(os.P_PID, parent, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.005)
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if kill["how"] == "group" else os.kill)(parent, signal.SIGKILL)
    status = os.waitstatus_to_exitcode(os.waitpid(parent, 0)[1])
    if status != -signal.SIGKILL:
        return {"status": status}
    since = time.monotonic()
    try:
        _, ended = os.waitpid(child, 0)  # its parent has ended, so this process reaps it
    except ChildProcessError:
        return {"status": 0}  # its parent had known its end before it was killed
    return {"status": os.waitstatus_to_exitcode(ended), "outlived": time.monotonic() - since}


def _become(order: dict[str, Any], said: Any, first: Any) -> None:
    """In a fork: the command `netgain`, started as DVC starts it."""
    status = 70
    try:
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["environ"])
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        from pipeline.cli.app import main

        sys.argv = ["netgain", *order["command"]]
        first()
        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:  # noqa: BLE001  # a fork must not come back into the warm process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()
