"""What a check has found, and what its repair does."""

from collections.abc import Callable

from pipeline.doctor import releases
from pipeline.doctor.finding import Finding
from pipeline.settings import Settings


def silently(_read: int, _of: int) -> None:
    """Nobody watches."""


def look_at_releases(settings: Settings) -> list[Finding]:
    return releases.look(settings, silently)


def only(found: list[Finding]) -> Finding:
    (finding,) = found
    return finding


def repaired(settings: Settings, look: Callable[[Settings], list[Finding]]) -> str:
    """What the repair of the one thing that can be repaired says that it did."""
    finding = only([finding for finding in look(settings) if finding.repair])
    assert finding.level != "ok"
    assert finding.repair is not None
    return finding.repair("ann")
