"""What becomes of a file that contains an erased listener: it is made without the listener, or deleted if it can be
made again."""

import json
from collections.abc import Collection
from pathlib import Path

from pipeline.erasure.sought import Sought
from pipeline.erasure.tables import change_names, overwrite_cells, without
from pipeline.errors import ParamsError
from pipeline.graph import read_stages
from pipeline.serving.segments import FOLDER, SUFFIX
from pipeline.settings import Settings
from pipeline.storage.atomic import atomic_path

OVERWRITTEN = b"erased listener".ljust(32, b"-")
"""What stands in a text in place of a token, which is as long."""
_CACHES = {".dvc/cache": "DVC cache", ".dvc/tmp": "DVC experiments", ".netgain": "caches"}


def mend(settings: Settings, path: Path, sought: Sought) -> tuple[str, int] | None:
    """Remove the erased from a file that contains one; return the place's name and the number of rows removed.

    Returns:
        None if the file is left as it is: a person must decide about it.
    """
    here = path.relative_to(settings.workspace).as_posix() if path.is_relative_to(settings.workspace) else ""
    for cache, place in _CACHES.items():
        if here.startswith(f"{cache}/"):
            path.unlink()  # its source is gone, so it is never asked for again
            return place, 0
    if here.startswith("data/"):
        if _is_output(settings.workspace, here):
            return None
        path.unlink()  # of a recipe or a stage that is gone: no night writes it again
        return "old outputs", 0
    if path.suffix == SUFFIX and path.is_relative_to(settings.landing):
        _mend_segment(settings.landing, path, sought)
        return "landing", 0
    for place, folder in _kept(settings).items():
        if path.is_relative_to(folder):
            return place, _mend_kept(path, sought)
    return None


def _mend_kept(path: Path, sought: Sought) -> int:
    with path.open("rb") as file:
        head = file.read(16)
    if head[:4] == b"PAR1":
        n_rows = change_names(path, without(sought.tokens))
        overwrite_cells(path, OVERWRITTEN.decode(), sought.in_bytes)
        return n_rows
    if not head.startswith(b"SQLite format"):  # of a database that is in use, only its own engine may write
        overwrite(path, sought)
    return 0


def _mend_segment(landing: Path, path: Path, sought: Sought) -> None:
    """Overwrite tokens in a segment of events that the night has not read: its server may still append to it, and move
    it when it is full."""
    try:
        overwrite(path, sought)
    except FileNotFoundError:
        overwrite(landing / FOLDER / path.name, sought)


def _kept(settings: Settings) -> dict[str, Path]:
    """Return the folders of what cannot be made again, whose files are mended one by one."""
    logs = settings.workspace / ".airflow"
    artifacts = settings.mlflow_artifacts
    return {"MLflow artifacts": artifacts, "ledger": settings.ledger, "reports": settings.reports, "Airflow": logs}


def overwrite(path: Path, sought: Sought) -> None:
    """Overwrite the tokens in a text. Its other bytes, its owner and its rights stay."""
    data = path.read_bytes()
    with path.open("r+b") as file:
        for start in sought.positions(data):
            file.seek(start)
            file.write(OVERWRITTEN)


def forget_names(folders: Collection[Path], names: Collection[str]) -> int:
    """Remove the names of landed files that are gone from JSON below some folders; return the number of files."""
    spelled = [json.dumps(name, ensure_ascii=plain).encode() for name in names for plain in (True, False)]
    n_files = 0
    for path in (path for folder in folders for path in sorted(folder.rglob("*.json"))) if spelled else ():
        before = after = path.read_bytes()
        for name in spelled:
            after = after.replace(name, b'"erased file"')
        if after != before:
            n_files += 1
            with atomic_path(path, like=path.stat()) as temporary:
                temporary.write_bytes(after)
    return n_files


def _is_output(workspace: Path, here: str) -> bool:
    """Return whether a path below the workspace is written by a stage of dvc.yaml."""
    try:
        outputs = [out for stage in read_stages(workspace / "dvc.yaml") for out in stage.outs]
    except ParamsError:
        return True
    return any(here == out or here.startswith(f"{out}/") for out in outputs)
