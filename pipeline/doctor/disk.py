"""Checks that the disk has room for the coming nights, from what the last nights added."""

import os
import shutil
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.doctor.finding import Finding
from pipeline.releases.current import nights
from pipeline.settings import Settings

CHECK = "disk"
DAYS = 7
"""The length of the window in which added bytes are counted [days]."""
_LEAST_NIGHTS = 14
_DAY_SECONDS = 86_400


def look(settings: Settings) -> list[Finding]:
    """Report, for each file system that nights write to, the free space and how many nights fit into it.

    A night is assumed to add what the busiest day of the window added to releases, ledger, reports, MLflow and the
    caches of DVC and Netgain. Files that a night replaces add nothing.
    """
    here = settings.workspace
    kept = (here / ".dvc" / "cache", here / ".netgain", here / "mlflow")
    by_device: dict[int, list[Path]] = {here.stat().st_dev: []}
    for root in (settings.releases, settings.ledger, settings.reports, *kept):
        if root.is_dir():
            by_device.setdefault(root.stat().st_dev, []).append(root)
    return [_forecast(roots[0] if roots else here, roots) for roots in by_device.values()]


def _forecast(place: Path, roots: list[Path]) -> Finding:
    free, added = shutil.disk_usage(place).free, max(added_by_day(roots, now=time.time()).values(), default=0)
    found = f"{_size(free)} free on the file system of {place}"
    if not added:
        return Finding(CHECK, "ok", f"{found}; nothing was added in the last {DAYS} days, so there is no forecast")
    n_nights = free // added
    found += f"; the busiest of the last {DAYS} days added {_size(added)}: room for {nights(n_nights)}"
    if n_nights >= _LEAST_NIGHTS:
        return Finding(CHECK, "ok", found)
    fix = "Free disk space: lower NETGAIN_KEEP_RELEASES, run `dvc gc --workspace`, or remove old reports."
    return Finding(CHECK, "warn" if n_nights else "fail", found, fix)


def added_by_day(roots: list[Path], *, now: float) -> Mapping[int, int]:
    """Return the bytes of files by the age of their last change in whole days; hard links count once.

    Args:
        roots: folders to search.
        now: seconds since 1970.
    """
    seen: set[tuple[int, int]] = set()
    days: dict[int, int] = defaultdict(int)
    for stat in _files(roots):
        ago = int((now - stat.st_mtime) // _DAY_SECONDS)
        if ago < DAYS and (stat.st_dev, stat.st_ino) not in seen:
            seen.add((stat.st_dev, stat.st_ino))
            days[ago] += stat.st_size
    return days


def _files(roots: list[Path]) -> Iterator[os.stat_result]:
    for root in roots:
        for folder, _, names in os.walk(root):
            for name in names:
                try:
                    yield os.lstat(os.path.join(folder, name))  # noqa: PTH118  # there may be a million of them
                except FileNotFoundError:  # a night that is running removed it
                    continue


def _size(n_bytes: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if n_bytes < 1024:
            return f"{n_bytes:,.0f} {unit}"
        n_bytes /= 1024
    return f"{n_bytes:,.1f} GiB"
