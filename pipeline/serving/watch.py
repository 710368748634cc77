"""Follows CURRENT: promotion, rollback, erasure and damage are in force within a second, without a restart."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import ReleaseError
from pipeline.releases.release import current_name, open_release, release_ids
from pipeline.serving.erased import FILE as ERASED
from pipeline.serving.erased import read_announced
from pipeline.serving.layout import FILE, FOLDER, DamagedIndex
from pipeline.serving.snapshot import Snapshot, open_snapshot

if TYPE_CHECKING:
    from pipeline.identity.erased import Erased

_DEPTH = 5
"""How many predecessors of a damaged release are tried."""

Stamp = tuple[int, int, int] | None


@dataclass(frozen=True)
class State:
    """What is served, replaced as a whole.

    Attributes:
        snapshot: the mapped release; None if none could be mapped.
        ready: whether it is the release in CURRENT, or the one before it if that is damaged.
        why: what is wrong with CURRENT; empty if nothing is.
        erased: listeners who get the fallback list; None if there are none.
    """

    snapshot: Snapshot | None = None
    ready: bool = False
    why: str = "nothing was read yet"
    erased: "Erased | None" = None


class Watch:
    """The served release of a folder, brought up to date by `refresh`."""

    def __init__(self, root: Path, id_key: bytes) -> None:
        """Remember the folder of releases, and the key of tokens: no release under another key is mapped."""
        self.root, self._id_key = root, id_key
        self.state = State()
        self._named: str | None = None
        self._seen: tuple[Stamp, ...] | None = None
        self._bad: dict[str, Stamp] = {}

    def refresh(self) -> bool:
        """Look for changes, and map what is served now; return whether anything changed. Takes microseconds if not."""
        seen = self._stamps()
        if seen == self._seen:
            return False
        before = self.state
        # Erasures first: when a night has removed listeners from the releases, CURRENT names the new one.
        try:
            erased = read_announced(self.root) or before.erased
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            erased = before.erased
        snapshot, ready, why = self._choose()
        self.state = State(snapshot, ready, why, erased)
        self._seen = self._stamps() if seen[:2] == self._stamps_but_served() else None
        return True

    def report(self, snapshot: Snapshot) -> None:
        """Serve the release before one whose bytes turned out to be damaged, until that one is repaired."""
        self._bad[snapshot.id] = _stamp(snapshot.path)
        self._seen = None
        self.refresh()

    def _choose(self) -> tuple[Snapshot | None, bool, str]:
        served = self.state.snapshot
        try:
            name = current_name(self.root)
        except ReleaseError as err:
            name, why = None, err.found
        else:
            why = "" if name is not None else f"no release in {self.root}"
        self._named = name
        link, faults = name, [why] if why else []
        for _ in range(_DEPTH):
            if link is None:
                break
            try:
                return self._open(link), True, "; ".join(faults)
            except DamagedIndex as err:
                faults.append(str(err))
            link = self._before(link)
        if served is not None and served.id not in self._bad:
            return served, False, "; ".join(faults)
        for name in reversed(release_ids(self.root)):
            try:
                return self._open(name), False, "; ".join(faults)
            except DamagedIndex:
                continue
        return None, False, "; ".join(faults)

    def _open(self, name: str) -> Snapshot:
        """Return a release's snapshot, the mapped one if it is unchanged.

        Raises:
            DamagedIndex: it cannot be mapped, or answers from it were damaged and it has not changed since.
        """
        served = self.state.snapshot
        if name in self._bad:
            if self._bad[name] == _stamp(self.root / name / FOLDER / FILE):
                raise DamagedIndex(f"release {name} has damaged answers")
            del self._bad[name]
        elif served is not None and served.id == name and self._is_mapped(served):
            open_release_or_damaged(self.root, name)
            return served
        return open_snapshot(self.root, name, self._id_key)

    def _is_mapped(self, served: Snapshot) -> bool:
        stamp = _stamp(served.path)
        return stamp is not None and stamp == served.index.stamp

    def _before(self, name: str) -> str | None:
        try:
            return open_release(self.root, name).previous
        except ReleaseError:
            earlier = [each for each in release_ids(self.root) if each < name]
            return earlier[-1] if earlier else None

    def _stamps(self) -> tuple[Stamp, ...]:
        """Return the stamps of everything that a change shows in: a damaged release may be repaired in its place."""
        served = self.state.snapshot
        folders = {self.root / name for name in (self._named, served and served.id) if name}
        own = (folder / part for folder in sorted(folders) for part in (f"{FOLDER}/{FILE}", "manifest.json"))
        return (*self._stamps_but_served(), *map(_stamp, own))

    def _stamps_but_served(self) -> tuple[Stamp, ...]:
        return _stamp(self.root / ERASED), _stamp(self.root / "CURRENT")


def open_release_or_damaged(root: Path, name: str) -> None:
    """Check a release's manifest.

    Raises:
        DamagedIndex: it is missing or invalid.
    """
    try:
        open_release(root, name)
    except ReleaseError as err:
        raise DamagedIndex(err.found) from err


def _stamp(path: Path) -> Stamp:
    """Return inode, size and time of change of a file; None if it is missing."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
