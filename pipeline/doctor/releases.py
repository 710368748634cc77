"""Whether what is served, and what can be gone back to, is as it was published."""

from collections.abc import Callable
from functools import partial

from pipeline.doctor.finding import Finding
from pipeline.errors import ReleaseError
from pipeline.releases.current import MARK, locked, restate, stale_mark
from pipeline.releases.recovery import recover
from pipeline.releases.release import Release, before, current, open_release, release_ids, verify
from pipeline.settings import Settings

CHECK = "releases"
_ANEW = "Its night, run again, makes it anew; `netgain rollback --to` takes another."
_CLOSED = "The next night does what --repair does now."
Progress = Callable[[int, int], None]
"""Told how many releases were read, and of how many."""


def look(settings: Settings, progress: Progress) -> list[Finding]:
    """Every file of every release against its checksum."""
    root = settings.releases
    names = release_ids(root)
    if not names and not (root / "CURRENT").exists():
        return [Finding(CHECK, "warn", "nothing was published yet", "Run a night: `netgain night`.")]
    damaged = {}
    for n_read, name in enumerate(names, start=1):
        if (wrong := _wrong(settings, name)) is not None:
            damaged[name] = wrong
        progress(n_read, len(names))
    try:
        served = current(root)
    except ReleaseError as err:
        return [_not_served(settings, err.found, _CLOSED), *_others(damaged)]
    if served.id in damaged:
        return [_not_served(settings, damaged.pop(served.id), _ANEW), *_others(damaged)]
    found = _target(settings, served, damaged) + _others(damaged) + _mark(settings)
    told = f"{served.id} is served; {len(names)} kept, all as published"
    return found or [Finding(CHECK, "ok", told)]


def _wrong(settings: Settings, name: str) -> str | None:
    try:
        verify(open_release(settings.releases, name))
    except ReleaseError as err:
        return err.found
    except OSError as err:  # the disk itself, perhaps
        return f"release {name} cannot be read: {err}"
    return None


def _not_served(settings: Settings, wrong: str, fix: str) -> Finding:
    return Finding(CHECK, "fail", f"nothing whole is served: {wrong}", fix, partial(_recover, settings))


def _target(settings: Settings, served: Release, damaged: dict[str, str]) -> list[Finding]:
    """What a rollback would go to."""
    wrong = damaged.pop(served.previous or "", None)
    try:
        before(settings.releases, served)
    except ReleaseError as err:
        wrong = err.found
    return [] if wrong is None else [Finding(CHECK, "fail", f"a rollback has nothing to go to: {wrong}", _ANEW)]


def _others(damaged: dict[str, str]) -> list[Finding]:
    return [Finding(CHECK, "warn", wrong, _ANEW) for wrong in damaged.values()]


def _mark(settings: Settings) -> list[Finding]:
    """A crash right after a swap leaves a mark that counts for nothing."""
    if not (settings.releases / MARK).exists() or stale_mark(settings.releases) is not None:
        return []
    told = f"{MARK} counts for nothing: what is served has overtaken it, or nobody can read it"
    return [Finding(CHECK, "warn", told, "The next night takes it away.", partial(_restate, settings))]


def _restate(settings: Settings, _by: str) -> str:
    with locked(settings.releases):
        restate(settings.releases)
    return f"took {MARK} away"


def _recover(settings: Settings, by: str) -> str:
    release = recover(settings.releases, settings.state, by=by)
    if release is None:
        return "no release is whole: CURRENT is taken away, and the next night begins as the first one does"
    return f"{release.id} is served now: the newest whole release that was not withdrawn; on record in the ledger"
