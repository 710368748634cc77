"""Helpers that run a check, and its repair."""

from collections.abc import Callable

from pipeline.doctor import releases
from pipeline.doctor.finding import Finding
from pipeline.settings import Settings


def silently(_read: int, _of: int) -> None:
    """Ignore the progress."""


def look_at_releases(settings: Settings) -> list[Finding]:
    return releases.look(settings, silently)


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


def repaired(settings: Settings, look: Callable[[Settings], list[Finding]]) -> str:
    """Carry out the only repair on offer, and return its message."""
    finding = only([finding for finding in look(settings) if finding.repair])
    assert finding.level != "ok"
    assert finding.repair is not None
    return finding.repair("ann")
