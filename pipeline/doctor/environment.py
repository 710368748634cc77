"""Whether what is installed is what was resolved and tested together."""

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
    """Python, and each package of requirements.lock, where that lies in the workspace."""
    wanted = metadata.metadata("netgain")["Requires-Python"]
    version = platform.python_version()
    if version not in SpecifierSet(wanted):
        return [Finding(CHECK, "fail", f"Python {version}", f"Netgain needs {wanted}: run `make setup`.")]
    lock = settings.workspace / "requirements.lock"
    if not lock.is_file():
        return [
            Finding(CHECK, "warn", f"Python {version}; no {lock.name} here to hold packages against", "See README.")
        ]
    found = _held_against(lock)
    return found or [Finding(CHECK, "ok", f"Python {version}, packages as in {lock.name}")]


def _held_against(lock: Path) -> list[Finding]:
    missing, others = [], []
    for name, version in pinned(lock):
        try:
            installed = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if installed != version:
            others.append(f"{name} {installed}, not {version}")
    direct = _direct()
    needed = [name for name in missing if name in direct]
    found = []
    if needed:
        found.append(Finding(CHECK, "fail", f"not installed: {_some(needed)}", "Run `make setup`."))
    if others:
        found.append(Finding(CHECK, "warn", f"other versions than {lock.name}: {_some(others)}", "Run `make setup`."))
    return found


def pinned(lock: Path) -> Iterator[tuple[str, str]]:
    """Names and versions of a lock, those whose marker holds on this machine."""
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
    """What Netgain itself needs; the lock names tools of developers, too."""
    needs = map(Requirement, metadata.requires("netgain") or ())
    return frozenset(need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""}))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return "; ".join(names[:_SHOWN]) + more
