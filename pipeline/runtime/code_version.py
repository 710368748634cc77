"""The version of the code that ran."""

import shutil
import subprocess
from pathlib import Path

CODE = ("pipeline", "dvc.yaml", "params.yaml")


def git_commit(workspace: Path) -> str | None:
    """Return the commit checked out in the workspace, with `+changes` if code or parameters differ from it.

    None if git or the repository is missing. `dvc.lock` does not count as a change: it is rewritten every night.
    """
    git = shutil.which("git")
    if git is None:
        return None
    head = _git(git, workspace, "rev-parse", "HEAD")
    if head is None:
        return None
    changes = _git(git, workspace, "status", "--porcelain", "--untracked-files=no", "--", *CODE)
    return head + ("+changes" if changes else "")


def _git(git: str, workspace: Path, *arguments: str) -> str | None:
    done = subprocess.run(
        [git, "-C", str(workspace), *arguments], capture_output=True, text=True, check=False, timeout=30
    )
    return done.stdout.strip() if done.returncode == 0 else None
