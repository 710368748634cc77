"""A separate workspace with Netgain's code, and the commands that run in it."""

import datetime as dt
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START = dt.date(2026, 1, 1)


def prepare(place: Path) -> None:
    """Make the workspace; its landing folder is empty."""
    (place / "landing").mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml", ".dvcignore", ".gitignore"):
        shutil.copyfile(ROOT / name, place / name)
    for name in (".dvc", "pipeline"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("cache", "tmp"))
    subprocess.run(["git", "init", "--quiet"], cwd=place, check=True)


def environment(place: Path) -> dict[str, str]:
    """Return the environment of a command in it."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": f"{place}{os.pathsep}{ROOT}", "NETGAIN_WORKSPACE": str(place)}


def night(as_of: dt.date) -> list[str]:
    """Return the command line of a night."""
    return [sys.executable, "-m", "pipeline", "night", "--as-of", as_of.isoformat()]
