"""A command behaves the same in a fork of the warm process as in a process of its own, and ends with its caller."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.runtime.package_digest import package_digest
from pipeline.runtime.parent_watch import STARTER
from pipeline.runtime.warm_process import warm_process
from pipeline.runtime.warm_request import SOCKET
from tests.workspace import ROOT, environment

NETGAIN = str(Path(sys.executable).parent / "netgain")
# Like `netgain`, but the last word is Python to run.
SERVER = """
import sys
from pipeline.runtime.warm_server import WarmServer
request = WarmServer(libraries=["json"]).serve()
if request is not None:
    exec("WARM = True; " + request.argv[-1])
"""
CLIENT = """
import sys
from pipeline.runtime.warm_client import end_like, run_warm
status = run_warm(sys.argv[1:])
if status is not None:
    end_like(status)
exec("WARM = False; " + sys.argv[-1])
"""
SAME = {
    "status 0": "print('done')",
    "status 3": "raise SystemExit(3)",
    "status 75": "import sys; print('later', file=sys.stderr); sys.exit(75)",
    "words": "import sys; sys.exit('netgain: no')",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "SIGKILL": "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
    "streams": "import sys; print(sys.stdin.read()[::-1]); print('err', file=sys.stderr)",
    "surroundings": (
        "import os; print(os.getcwd(), sorted(os.environ.items()), oct(os.umask(0)), os.environb.get(b'LATIN'))"
    ),
    "streams as Python opens them": (
        "import sys; print([(s.encoding, s.errors, s.line_buffering, s.isatty()) for s in (sys.stdout, sys.stderr)])"
    ),
    "at exit": "import atexit; atexit.register(print, 'bye')",
    "descriptors": "import os; print(sorted(fd for fd in range(3, 9) if os.path.exists(f'/proc/self/fd/{fd}'))[1:])",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Path]:
    """A folder with a warm process."""
    with served(tmp_path):
        yield tmp_path


@contextlib.contextmanager
def served(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", SERVER], cwd=folder, env=variables(folder)) as server:
        until = time.monotonic() + 30
        while not (folder / SOCKET).exists() and time.monotonic() < until:
            time.sleep(0.01)
        yield server
        server.terminate()


def variables(folder: Path, **more: str) -> dict[str, str]:
    whole = environment(folder, PYTHONPATH=str(ROOT), LATIN=b"\xe9".decode(errors="surrogateescape"), **more)
    # It differs in each phase of a test.
    return {name: value for name, value in whole.items() if name != "PYTEST_CURRENT_TEST"}


def client(folder: Path, code: str, **more: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", CLIENT, code],
        cwd=folder,
        env=variables(folder, **more),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(folder: Path, code: str, **more: str) -> tuple[int, str, str]:
    process = client(folder, code, **more)
    out, err = process.communicate("what was read", timeout=60)
    return process.returncode, out, err


def warm(folder: Path, **more: str) -> bool:
    """Return whether the warm process runs a command of this folder."""
    return outcome(folder, "print(WARM)", **more)[1] == "True\n"


@pytest.mark.parametrize("code", SAME.values(), ids=SAME)
def test_output_and_status_are_the_same_in_a_fork_and_in_a_process_of_its_own(workspace: Path, code: str) -> None:
    assert warm(workspace)
    in_fork = outcome(workspace, code)
    (workspace / SOCKET).rename(workspace / "elsewhere")
    assert not warm(workspace)
    assert in_fork == outcome(workspace, code)


def test_a_closed_stdin_is_closed_in_the_fork(workspace: Path) -> None:
    code = "import sys; print(WARM, sys.stdin)"
    command = ["sh", "-c", 'exec "$0" "$@" <&-', sys.executable, "-c", CLIENT, code]
    done = subprocess.run(command, cwd=workspace, env=variables(workspace), capture_output=True, text=True, check=True)
    assert done.stdout == "True None\n"


def test_each_command_has_only_the_variables_of_its_caller(workspace: Path) -> None:
    code = "import os; print(WARM, os.environ['DVC_NAME'], os.environ.get('DVC_EXP'))"
    first = outcome(workspace, code, DVC_NAME="fit@als", DVC_EXP="one")
    second = outcome(workspace, code, DVC_NAME="audit")
    assert (first[1], second[1]) == ("True fit@als one\n", "True audit None\n")


@pytest.mark.parametrize("name", ["NETGAIN_OWNER", "OMP_NUM_THREADS", STARTER, "PATH"])
def test_a_command_with_other_variables_runs_in_its_own_process(workspace: Path, name: str) -> None:
    assert warm(workspace)
    assert not warm(workspace, **{name: "1"})


def test_a_command_with_other_limits_or_another_folder_runs_in_its_own_process(workspace: Path) -> None:
    limited = ["sh", "-c", 'ulimit -n 99; exec "$0" "$@"', sys.executable, "-c", CLIENT, "print(WARM)"]
    done = subprocess.run(limited, cwd=workspace, env=variables(workspace), capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
    below = workspace / "below"
    below.mkdir()
    (below / ".netgain").symlink_to(workspace / ".netgain")
    assert not warm(below)


def test_a_command_with_changed_code_runs_in_its_own_process(tmp_path: Path) -> None:
    """The digest that both compare is of content: a file that is only touched is the same code."""
    package = tmp_path / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "stage.py").write_text("a = 1")
    before = package_digest(package)
    (package / "__pycache__" / "kernel.nbi").write_text("cached")
    os.utime(package / "stage.py")
    assert package_digest(package) == before
    (package / "stage.py").write_text("a = 2")
    assert package_digest(package) != before
    (package / "stage.py").write_text("a = 1")
    (package / "new.json").write_text("")
    assert package_digest(package) != before


def test_a_socket_that_a_killed_warm_process_left_is_ignored_and_replaced(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        server.kill()
        server.wait()
    assert (tmp_path / SOCKET).exists()
    assert not warm(tmp_path)
    with served(tmp_path):
        until = time.monotonic() + 30
        while not warm(tmp_path) and time.monotonic() < until:
            time.sleep(0.1)
        assert warm(tmp_path)
    assert not (tmp_path / SOCKET).exists()


def test_only_the_owner_can_use_the_socket(workspace: Path) -> None:
    assert stat.S_IMODE((workspace / SOCKET).stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a second user")
def test_a_warm_process_of_another_user_is_not_asked_and_does_not_serve(workspace: Path) -> None:
    (workspace / SOCKET).chmod(0o666)
    for folder in (workspace, *workspace.parents):
        folder.chmod(folder.stat().st_mode | 0o011)
    other_user = "import os, socket\nos.chdir({0!r}); os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    ask = "s = socket.socket(socket.AF_UNIX); s.connect('.netgain/warm.sock'); s.sendall(b'x' * 4); print(s.recv(1))"
    done = subprocess.run(
        [sys.executable, "-c", other_user.format(str(workspace)) + ask], capture_output=True, text=True, check=False
    )
    assert done.stdout in {"b''\n", ""}  # closed, or reset, without an answer
    other = workspace / "other"
    (other / ".netgain").mkdir(parents=True)
    (other / ".netgain").chmod(0o777)
    listen = (
        "s = socket.socket(socket.AF_UNIX); s.bind('.netgain/warm.sock'); s.listen(); print(1, flush=True)\n"
        "import time; time.sleep(30)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other_user.format(str(other)) + listen], stdout=subprocess.PIPE
    ) as foreign:
        assert foreign.stdout is not None
        foreign.stdout.readline()
        assert not warm(other)
        foreign.kill()


def test_an_invalid_request_is_dropped_and_the_next_one_is_served(workspace: Path) -> None:
    here = Path.cwd()
    os.chdir(workspace)
    try:
        for words in (b"", b"\0\0\0\2{]", b"\0\0\0\2{}", b"\0\0\1\0x"):
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(str(SOCKET))
                connection.sendall(words)
                connection.shutdown(socket.SHUT_WR)
                assert connection.recv(1) == b""
    finally:
        os.chdir(here)
    assert warm(workspace)


LOOP = "import os, time; print(WARM, os.getpid(), flush=True); time.sleep(60)"


def started(folder: Path, code: str = LOOP) -> tuple["subprocess.Popen[str]", int]:
    """A client, and the process of its command."""
    process = client(folder, code)
    assert process.stdout is not None
    is_warm, pid = process.stdout.readline().split()
    assert is_warm == "True"
    return process, int(pid)


def test_the_command_is_killed_with_its_client(workspace: Path) -> None:
    process, command = started(workspace)
    process.kill()
    process.wait()
    assert gone(command)
    assert warm(workspace)


def test_a_command_that_holds_the_interpreter_is_killed_with_its_client_too(workspace: Path) -> None:
    """Without a thread of the command: the warm process notices that the caller has ended."""
    busy = "import os; print(WARM, os.getpid(), flush=True); sum(range(10**12))"
    process, command = started(workspace, busy)
    process.kill()
    process.wait()
    assert gone(command)


def test_the_command_is_killed_with_the_process_that_started_its_client_for_dvc(workspace: Path) -> None:
    """Killing DVC ends its stage: the client notices that its parent has ended, and the warm process notices
    that the client has."""
    parent = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1], sys.argv[2]])"
    with subprocess.Popen(
        [sys.executable, "-c", parent, CLIENT, LOOP],
        cwd=workspace,
        env=variables(workspace, DVC_STAGE="this"),
        stdout=subprocess.PIPE,
        text=True,
    ) as dvc:
        assert dvc.stdout is not None
        is_warm, command = dvc.stdout.readline().split()
        assert is_warm == "True"
        dvc.kill()
        dvc.wait()
        assert gone(int(command))


@pytest.mark.parametrize(("sign", "status"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_signals_reach_the_command(workspace: Path, sign: int, status: int) -> None:
    process, command = started(workspace)
    process.send_signal(sign)
    assert process.wait(timeout=20) == status
    assert gone(command)


def test_a_command_may_handle_a_signal_and_go_on(workspace: Path) -> None:
    code = (
        "import os, signal, time; signal.signal(signal.SIGTERM, lambda *_: os._exit(7));"
        " print(WARM, os.getpid(), flush=True); time.sleep(60)"
    )
    process, _ = started(workspace, code)
    process.terminate()
    assert process.wait(timeout=20) == 7


def test_killing_the_warm_process_ends_its_commands_with_a_transient_fault(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        process, command = started(tmp_path)
        server.kill()
        _, err = process.communicate(timeout=20)
    assert (process.returncode, "run it again" in err) == (75, True)
    assert gone(command)
    assert not warm(tmp_path)


def test_commands_run_side_by_side(workspace: Path) -> None:
    running = [started(workspace) for _ in range(3)]
    assert len({pid for _, pid in running}) == 3
    for process, _ in running:
        process.kill()
        process.wait()


def test_the_real_warm_process_answers_like_the_command_and_ends_with_the_block(tmp_path: Path) -> None:
    environ = variables(tmp_path)

    def stage() -> tuple[int, str]:
        done = subprocess.run(
            [NETGAIN, "stage", "no-such"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    by_itself = stage()
    with warm_process(tmp_path, environ):
        until = time.monotonic() + 30
        while not (tmp_path / SOCKET).exists() and time.monotonic() < until:
            time.sleep(0.01)
        assert stage() == by_itself
    assert not (tmp_path / SOCKET).exists()
    assert by_itself[0] == 2
    assert (tmp_path / ".netgain" / "warm.log").read_text() == ""


def test_preloaded_libraries_start_no_thread_that_a_fork_would_lack() -> None:
    """jemalloc and OpenBLAS restore their threads after a fork; polars' cleaner of spilled files has nothing to do."""
    code = (
        "import importlib, os\nfrom pipeline.cli.warm import LIBRARIES\n"
        "for name in LIBRARIES: importlib.import_module(name)\n"
        "if not os.fork(): os._exit(0)\n"  # OpenBLAS ends its threads before a fork
        "os.wait()\n"
        "print({open(f'/proc/self/task/{t}/comm').read().strip() for t in os.listdir('/proc/self/task')"
        " if int(t) != os.getpid()})"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert eval(done.stdout) <= {"jemalloc_bg_thd", "polars-ooc-clea"}


def gone(pid: int, *, seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False
