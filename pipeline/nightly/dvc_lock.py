"""Checks that dvc.lock can be read: DVC's own message does not say which file it means."""

from pathlib import Path

import yaml

from pipeline.errors import ParamsError

_CONFLICT = ("<<<<<<< ", "=======\n", ">>>>>>> ")
FIX = "Restore it (`git checkout dvc.lock`), or remove it: every stage then runs once more."


def lock_fault(workspace: Path) -> str | None:
    """Return what is wrong with a workspace's dvc.lock, in a phrase; None if nothing is, or the file is missing."""
    path = workspace / "dvc.lock"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as err:
        return f"cannot be read: {getattr(err, 'strerror', None) or 'not UTF-8'}"
    if any(line.startswith(_CONFLICT) for line in text.splitlines(keepends=True)):
        return "has the conflict of a merge in it"
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as err:
        line = getattr(getattr(err, "problem_mark", None), "line", None)
        return "is damaged" if line is None else f"is damaged in line {line + 1}"
    if found is not None and not (isinstance(found, dict) and isinstance(found.get("stages"), dict)):
        return "holds no stages"
    return None


def require_lock(workspace: Path) -> None:
    """Refuse a dvc.lock that DVC could not read.

    Raises:
        ParamsError: it is damaged, or holds the conflict of a merge.
    """
    if (wrong := lock_fault(workspace)) is not None:
        raise ParamsError(f"dvc.lock {wrong}", expected="the file that DVC wrote", fix=FIX)
