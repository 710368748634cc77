"""Checks that the served release, and the one that a rollback would serve, are as published."""

from collections.abc import Callable
from functools import partial

from pipeline.doctor.finding import Finding
from pipeline.errors import ReleaseError
from pipeline.releases.current import MARK, locked, refresh_stale_mark, stale_mark
from pipeline.releases.recovery import recover
from pipeline.releases.release import Release, current, open_release, previous_release, release_ids, verify
from pipeline.settings import Settings

CHECK = "releases"
_ANEW = "Run its night again to rebuild it, or choose another release with `netgain rollback --to`."
_CLOSED = "`netgain doctor --repair` or the next night serves the newest complete release."
Progress = Callable[[int, int], None]
"""Called with the number of releases verified so far, and the total."""


def look(settings: Settings, progress: Progress) -> list[Finding]:
    """Verify every file of every release against its checksum."""
    root = settings.releases
    names = release_ids(root)
    if not names and not (root / "CURRENT").exists():
        return [Finding(CHECK, "warn", "no release has been published yet", "Run a night: `netgain night`.")]
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
    message = f"{served.id} is served; all {len(names)} kept releases are as published"
    return found or [Finding(CHECK, "ok", message)]


def _wrong(settings: Settings, name: str) -> str | None:
    try:
        verify(open_release(settings.releases, name))
    except ReleaseError as err:
        return err.found
    except OSError as err:  # possibly a fault of the disk
        return f"release {name} cannot be read: {err}"
    return None


def _not_served(settings: Settings, wrong: str, fix: str) -> Finding:
    return Finding(CHECK, "fail", f"no complete release is served: {wrong}", fix, partial(_recover, settings))


def _target(settings: Settings, served: Release, damaged: dict[str, str]) -> list[Finding]:
    """Check the release that a rollback would serve."""
    wrong = damaged.pop(served.previous or "", None)
    try:
        previous_release(settings.releases, served)
    except ReleaseError as err:
        wrong = err.found
    return [] if wrong is None else [Finding(CHECK, "fail", f"rollback is not possible: {wrong}", _ANEW)]


def _others(damaged: dict[str, str]) -> list[Finding]:
    return [Finding(CHECK, "warn", wrong, _ANEW) for wrong in damaged.values()]


def _mark(settings: Settings) -> list[Finding]:
    """Look for a stale mark that no longer applies, as a crash right after a swap leaves one."""
    if not (settings.releases / MARK).exists() or stale_mark(settings.releases) is not None:
        return []
    message = f"{MARK} does not apply: a later release is served, or the file cannot be read"
    return [Finding(CHECK, "warn", message, "The next night removes it.", partial(_refresh, settings))]


def _refresh(settings: Settings, _by: str) -> str:
    with locked(settings.releases):
        refresh_stale_mark(settings.releases)
    return f"removed {MARK}"


def _recover(settings: Settings, by: str) -> str:
    release = recover(settings.releases, settings.state, by=by)
    if release is None:
        return "no release is complete: removed CURRENT; the next night starts without a champion"
    return f"now serving {release.id}, the newest complete release that was not withdrawn; recorded in the ledger"
