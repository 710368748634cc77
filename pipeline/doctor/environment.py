"""Checks that the installed packages are the locked ones."""

import platform
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet

from pipeline.doctor.finding import Finding
from pipeline.settings import Settings

CHECK = "environment"
_SHOWN = 3


def look(settings: Settings) -> list[Finding]:
    """Compare Python and each package with requirements.lock, if the workspace has one."""
    wanted = metadata.metadata("netgain")["Requires-Python"]
    version = platform.python_version()
    if version not in SpecifierSet(wanted):
        return [Finding(CHECK, "fail", f"Python {version}", f"Netgain needs {wanted}: run `make setup`.")]
    lock = settings.workspace / "requirements.lock"
    if not lock.is_file():
        return [
            Finding(
                CHECK, "warn", f"Python {version}; {lock.name} is missing, so packages are not checked", "See README."
            )
        ]
    found = _compare(lock)
    return found or [Finding(CHECK, "ok", f"Python {version}, packages as in {lock.name}")]


def _compare(lock: Path) -> list[Finding]:
    missing, others = [], []
    for name, version in pinned(lock):
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if installed != version:
            others.append(f"{name} {installed} instead of {version}")
    direct = _direct()
    needed = [name for name in missing if name in direct]
    found = []
    if needed:
        found.append(Finding(CHECK, "fail", f"not installed: {_some(needed)}", "Run `make setup`."))
    if others:
        found.append(Finding(CHECK, "warn", f"versions differ from {lock.name}: {_some(others)}", "Run `make setup`."))
    return found


def pinned(lock: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and versions of a lock file whose markers apply to this machine."""
    for line in lock.read_text(encoding="utf-8").splitlines():
        if not line or line[0] in " #":
            continue
        try:
            requirement = Requirement(line.removesuffix("\\").strip())
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate():
            for pin in requirement.specifier:
                yield requirement.name, pin.version


def _direct() -> frozenset[str]:
    """Return Netgain's own requirements; the lock also names development tools."""
    needs = map(Requirement, metadata.requires("netgain") or ())
    return frozenset(need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""}))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return "; ".join(names[:_SHOWN]) + more
