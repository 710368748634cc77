"""What is served: the one-line file CURRENT, and STALE.json beside it while a later night has failed.

STALE.json tells readers without Netgain that CURRENT is older than it should be. It applies while the date in CURRENT
is before its `night`; the swap that serves a later release removes it.
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
from pipeline.storage.tables import atomic_path, sync_folder, write_json

MARK = "STALE.json"
_SHOWN = 300
"""Characters of a reason that are kept; the log has all of it."""


@dataclass(frozen=True)
class Stale:
    """STALE.json.

    Attributes:
        night: the one that failed, YYYY-MM-DD.
        failed_at: when, ISO 8601 in UTC.
        stage: how far it came.
        why: what was found wrong.
        release: what stays served.
        release_night: the night of that release, YYYY-MM-DD.
        nights_old: from that night to the one that failed.
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
    """One publisher at a time; the lock dies with its process."""
    with (root / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def point(root: Path, name: str) -> None:
    """Have CURRENT name a release; a reader finds the old name or the new one. The caller holds the lock."""
    with atomic_path(root / "CURRENT") as temporary:
        temporary.write_text(name + "\n", encoding="utf-8")
    restate(root)


def mark_stale(root: Path, *, night: dt.date, stage: str, why: str) -> Stale | None:
    """Write that a night failed; what is served does not change.

    Nothing is written if nothing is served, or what is served is of that night or a later one. Of two failed nights the
    later one is kept.

    Returns:
        What STALE.json says now; None if there is none.
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
    """Return what STALE.json says; None if there is none, or a release of its night or a later one is served.

    Raises:
        ReleaseError: CURRENT names no complete release.
    """
    mark = _read(root)
    return mark if mark is not None and current(root).as_of.isoformat() < mark.night else None


def restate(root: Path) -> None:
    """Make STALE.json true of what CURRENT names. The caller holds the lock."""
    if not (root / MARK).exists():
        return
    mark, served = stale_mark(root), current(root)
    if mark is None:
        (root / MARK).unlink()
        sync_folder(root)
    elif mark.release != served.id:
        write_json(root / MARK, asdict(_about(served, mark)))


def standing(root: Path, *, due: dt.date | None = None) -> str | None:
    """Return what is served meanwhile, and how old it is, for people; None if nothing is.

    Args:
        root: folder of releases.
        due: the night whose release should be served; default: the one that failed, if one did.
    """
    try:
        served, mark = current(root), stale_mark(root)
    except ReleaseError:
        return None
    late = due or (dt.date.fromisoformat(mark.night) if mark else None)
    age = "" if late is None or late <= served.as_of else f", {nights((late - served.as_of).days)} old"
    return f"release {served.id} of the night {served.as_of}{age}"


def nights(n: int) -> str:
    """Return a number of nights in words."""
    return f"{n} night" + ("" if n == 1 else "s")


def withhold_reason(root: Path) -> None:
    """Remove from STALE.json why the night failed: the reason may name a landed file, and so a listener."""
    if not (root / MARK).exists():
        return
    with locked(root):
        if (mark := _read(root)) is not None:
            write_json(root / MARK, asdict(replace(mark, why="see its log")))


def _about(served: Release, mark: Stale) -> Stale:
    age = (dt.date.fromisoformat(mark.night) - served.as_of).days
    return replace(mark, release=served.id, release_night=served.as_of.isoformat(), nights_old=age)


def _shortened(stage: str, why: str) -> str:
    """Return the reason on one line, without the stage's name."""
    line = " ".join(why.split()).removeprefix(f"stage {stage} failed: ")
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]} …"


def _read(root: Path) -> Stale | None:
    """Return None also if it cannot be read: it is written atomically, so another program made it."""
    try:
        mark = Stale(**json.loads((root / MARK).read_text(encoding="utf-8")))
        dt.date.fromisoformat(mark.night)
    except (OSError, ValueError, TypeError):
        return None
    return mark
