"""The served release: the one-line file CURRENT, and STALE.json beside it while a later night has failed.

STALE.json tells readers of releases who do not use Netgain that the served release is older than it should be. It
applies as long as the date in CURRENT is before its `night`; the swap that serves a later release removes it.
"""

import datetime as dt
import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from pipeline.errors import ReleaseError
from pipeline.releases.release import Release, current
from pipeline.state.clock import now
from pipeline.storage.atomic import atomic_path, sync_folder
from pipeline.storage.json_files import write_json

MARK = "STALE.json"
_SHOWN = 300
"""The largest length of a reason [characters]; the log has the full text."""


@dataclass(frozen=True)
class Stale:
    """The content of STALE.json.

    Attributes:
        night: the failed night, YYYY-MM-DD.
        failed_at: time of the failure, ISO 8601 in UTC.
        stage: the stage that failed.
        why: the error, in one line.
        release: the release that stays served.
        release_night: the night of that release, YYYY-MM-DD.
        nights_old: the number of nights from that night to the failed one.
    """

    night: str
    failed_at: str
    stage: str
    why: str
    release: str
    release_night: str
    nights_old: int


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Hold the lock of the releases, so that only one process changes them; the lock ends with its process."""
    with (root / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def set_current(root: Path, name: str) -> None:
    """Replace the name in CURRENT atomically. The caller must hold the lock."""
    with atomic_path(root / "CURRENT") as temporary:
        temporary.write_text(name + "\n", encoding="utf-8")
    refresh_stale_mark(root)


def mark_stale(root: Path, *, night: dt.date, stage: str, why: str) -> Stale | None:
    """Record in STALE.json that a night failed; the served release does not change.

    Nothing is written if no release is served, or if the served release is of that night or a later one. Of two failed
    nights, the later one is kept.

    Returns:
        The content of STALE.json; None if there is no such file.
    """
    if not (root / "CURRENT").exists():
        return None
    with locked(root):
        try:
            served, before = current(root), stale_mark(root)
        except ReleaseError:
            return None
        if served.as_of >= night:
            return before
        mark = before
        if before is None or before.night <= night.isoformat():
            mark = _about(served, Stale(night.isoformat(), now(), stage, _shortened(stage, why), "", "", 0))
            write_json(root / MARK, asdict(mark))
    return mark


def stale_mark(root: Path) -> Stale | None:
    """Return the content of STALE.json; None if a release of its night or a later one is served.

    Raises:
        ReleaseError: CURRENT names no complete release.
    """
    mark = _read(root)
    return mark if mark is not None and current(root).as_of.isoformat() < mark.night else None


def refresh_stale_mark(root: Path) -> None:
    """Bring STALE.json in line with CURRENT. The caller must hold the lock."""
    if not (root / MARK).exists():
        return
    mark, served = stale_mark(root), current(root)
    if mark is None:
        (root / MARK).unlink()
        sync_folder(root)
    elif mark.release != served.id:
        write_json(root / MARK, asdict(_about(served, mark)))


def describe_served(root: Path, *, due: dt.date | None = None) -> str | None:
    """Return a phrase on the served release and its age; None if no complete release is served.

    Args:
        root: folder of releases.
        due: the night whose release should be served; the default is the failed night of STALE.json, if any.
    """
    try:
        served, mark = current(root), stale_mark(root)
    except ReleaseError:
        return None
    late = due or (dt.date.fromisoformat(mark.night) if mark else None)
    age = "" if late is None or late <= served.as_of else f", {nights((late - served.as_of).days)} old"
    return f"release {served.id} of the night {served.as_of}{age}"


def nights(n: int) -> str:
    """Return a number of nights as text: 1 night, 2 nights."""
    return f"{n} night" + ("" if n == 1 else "s")


def redact_failure_reason(root: Path) -> None:
    """Remove the error from STALE.json: it may name a landed file, and thereby a listener."""
    if not (root / MARK).exists():
        return
    with locked(root):
        if (mark := _read(root)) is not None:
            write_json(root / MARK, asdict(replace(mark, why="see its log")))


def _about(served: Release, mark: Stale) -> Stale:
    age = (dt.date.fromisoformat(mark.night) - served.as_of).days
    return replace(mark, release=served.id, release_night=served.as_of.isoformat(), nights_old=age)


def _shortened(stage: str, why: str) -> str:
    """Return the reason on one line, without the name of the stage."""
    line = " ".join(why.split()).removeprefix(f"stage {stage} failed: ")
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]} …"


def _read(root: Path) -> Stale | None:
    """Return the content of STALE.json; None if it is missing or invalid, which atomic writes exclude."""
    try:
        mark = Stale(**json.loads((root / MARK).read_text(encoding="utf-8")))
        dt.date.fromisoformat(mark.night)
    except (OSError, ValueError, TypeError):
        return None
    return mark
