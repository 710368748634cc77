"""DVC's rwlock: a file that would stop every `dvc repro` is moved aside, and one of a running DVC is kept."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.runtime.dvc_rwlock import ASIDE, fault, move_aside

DVC = [sys.executable, "-m", "dvc"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where DVC keeps its locks, and nothing else."""
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """One stage, which writes the file `begun`, and ends when there is a file `go`."""
    (tmp_path / "in").touch()
    waits = "touch begun; until [ -e go ]; do sleep 0.05; done"
    (tmp_path / "dvc.yaml").write_text(f"stages:\n  one:\n    cmd: '{waits}'\n    deps: [in]\n", encoding="utf-8")
    subprocess.run([*DVC, "init", "--no-scm", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".dvc" / "tmp").mkdir(exist_ok=True)
    return tmp_path


@pytest.fixture
def at_work(workspace: Path) -> Iterator[None]:
    """Another process's `dvc repro`, in the middle of the stage."""
    with subprocess.Popen([*DVC, "repro", "--quiet"], cwd=workspace) as process:
        while not (workspace / "begun").exists():
            assert process.poll() is None
            time.sleep(0.05)
        yield
        (workspace / "go").touch()
        assert process.wait(60) == 0


def plant(workspace: Path, text: bytes | str, *, age: float = 0.0) -> Path:
    path = workspace / ".dvc" / "tmp" / "rwlock"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    then = time.time() - age
    os.utime(path, (then, then))
    return path


def held_by(pid: int) -> str:
    return json.dumps({"write": {"/data": {"pid": pid, "cmd": "dvc repro"}}, "read": {}})


def repro(workspace: Path) -> int:
    return subprocess.run([*DVC, "repro", "--quiet"], cwd=workspace, capture_output=True, check=False).returncode


def test_a_truncated_rwlock_stops_dvc_until_it_is_moved_aside(workspace: Path) -> None:
    (workspace / "go").touch()
    path = plant(workspace, b"")
    assert repro(workspace) != 0
    assert move_aside(workspace) == "cannot be read"
    assert path.with_name(ASIDE).read_bytes() == b""
    assert repro(workspace) == 0


@pytest.mark.parametrize(
    "text", [held_by(1)[:-9], "[]", b"\xff\xfe", '{"write": {"/data": {"pid": "1", "cmd": ""}}}', '{"other": {}}']
)
def test_a_rwlock_that_dvc_refuses_is_moved_aside(folder: Path, text: bytes | str) -> None:
    path = plant(folder, text)
    assert move_aside(folder) == "cannot be read"
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    # Without an id, the last one's name would have a process number in it, and two processes would collect other tests.
    ["{}", '{"write": {}, "read": {}}', '{"read": {"/data": []}}', pytest.param(held_by(os.getpid()), id="held")],
)
def test_a_readable_rwlock_is_kept(folder: Path, text: str) -> None:
    path = plant(folder, text)
    assert move_aside(folder) is None
    assert path.read_text(encoding="utf-8") == text


def test_a_missing_rwlock_is_not_a_fault(folder: Path) -> None:
    assert fault(folder) is None
    assert fault(folder / "elsewhere") is None


def test_a_rwlock_of_ended_processes_is_moved_aside_even_if_their_ids_were_reused(folder: Path) -> None:
    done = subprocess.Popen(["true"])
    done.wait()
    plant(folder, held_by(done.pid))
    assert move_aside(folder) == f"names only processes that are gone (the last was {done.pid})"
    with subprocess.Popen(["sleep", "60"]) as later:  # began an hour after the file was written
        plant(folder, held_by(later.pid), age=3600)
        assert move_aside(folder) is not None
        plant(folder, held_by(later.pid))
        assert move_aside(folder) is None
        later.kill()


def test_a_running_dvc_repro_is_not_disturbed(workspace: Path, at_work: None) -> None:
    path = workspace / ".dvc" / "tmp" / "rwlock"
    before = path.read_bytes()
    os.utime(path, (0, 0))  # a clock that was set forward since
    assert move_aside(workspace) is None
    assert path.read_bytes() == before


def test_a_rwlock_that_dvc_is_writing_is_not_taken_for_truncated(folder: Path) -> None:
    from dvc.lock import make_lock

    path = plant(folder, "")
    with make_lock(str(path.with_name("rwlock.lock"))):
        assert move_aside(folder) is None
    assert path.exists()
