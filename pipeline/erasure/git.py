"""Git's objects: searched for tokens, and DVC's experiments removed whose results hold one."""

import shutil
import subprocess
from collections.abc import Collection
from pathlib import Path

from pipeline.erasure.sought import Sought

_EXPERIMENTS = "refs/exps"


def objects_with(workspace: Path, sought: Sought) -> list[str]:
    """Return the ids of Git's objects that contain a token, packed ones and unreachable ones included."""
    git = shutil.which("git")
    if git is None or not _run(workspace, "rev-parse", "--git-dir"):
        return []
    command = (git, "cat-file", "--batch-all-objects", "--unordered", "--batch")
    found = []
    with subprocess.Popen(command, cwd=workspace, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        while header := process.stdout.readline():
            name, _, size = header.decode().split()
            if sought.in_bytes(process.stdout.read(int(size) + 1)):
                found.append(name)
    return sorted(found)


def remove_experiments(workspace: Path, objects: Collection[str]) -> int:
    """Remove the experiments that hold one of some objects, then all unreachable objects; return how many went.

    Objects that a branch or tag holds stay.
    """
    wanted = set(objects)
    if not wanted:
        return 0
    refs = _run(workspace, "for-each-ref", "--format=%(refname)", _EXPERIMENTS)
    gone = [ref for ref in refs if _holds(workspace, ref, wanted)]
    for ref in gone:
        _run(workspace, "update-ref", "-d", ref)
    _run(workspace, "repack", "-a", "-d", "-q")  # packs without what no ref reaches
    _run(workspace, "prune", "--expire=now")
    return len(gone)


def _holds(workspace: Path, ref: str, wanted: set[str]) -> bool:
    listed = _run(workspace, "rev-list", "--objects", ref, "--not", "--branches", "--tags")
    return any(line.split(" ", 1)[0] in wanted for line in listed)


def _run(workspace: Path, *arguments: str) -> list[str]:
    git = shutil.which("git") or "git"
    done = subprocess.run([git, *arguments], cwd=workspace, capture_output=True, text=True, check=False)
    return done.stdout.splitlines()
