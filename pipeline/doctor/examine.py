"""All checks in order; what is mended first is what the later ones rest on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipeline.doctor import disk, environment, java, lease, ledger, locks, outbox, registry, releases
from pipeline.doctor import orphans as leftovers
from pipeline.doctor.finding import Finding
from pipeline.errors import NetgainError
from pipeline.nightly.workspace_lock import exclusive_night, require_free
from pipeline.settings import Settings


@dataclass(frozen=True)
class Diagnosis:
    """What was found; after a repair, what was done, and what is found then."""

    findings: tuple[Finding, ...]
    done: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether nothing fails; warnings are none."""
        return all(finding.level != "fail" for finding in self.findings)


Look = Callable[[Settings], list[Finding]]


def checks(progress: releases.Progress) -> tuple[tuple[str, Look], ...]:
    """Name and function of each check."""
    modules = (environment, java, disk, locks, ledger, leftovers)
    return (
        *((module.CHECK, module.look) for module in modules),
        (releases.CHECK, partial(releases.look, progress=progress)),
        *((module.CHECK, module.look) for module in (lease, outbox, registry)),
    )


def examine(settings: Settings, progress: releases.Progress) -> Diagnosis:
    """Look at everything; nothing is written, and no Java is started.

    Args:
        settings: of the machine.
        progress: told how many releases were read.
    """
    return Diagnosis(
        tuple(finding for name, look in checks(progress) for finding in _findings(name, look, settings)),
    )


def mend(settings: Settings, progress: releases.Progress, *, by: str) -> Diagnosis:
    """Look at everything, mend what is safe to mend, and look again at what was mended.

    Args:
        settings: of the machine.
        progress: told how many releases were read.
        by: who has it done.
    """
    findings: list[Finding] = []
    done: list[str] = []
    for name, look in checks(progress):
        found = _findings(name, look, settings)
        repairs = [finding.repair for finding in found if finding.repair is not None]
        for repair in repairs:
            try:
                with exclusive_night(settings):
                    require_free(settings)
                    done.append(f"{name}: {repair(by)}")
            except (NetgainError, OSError) as err:
                done.append(f"{name}: could not be mended: {err.found if isinstance(err, NetgainError) else err}")
        findings += _findings(name, look, settings) if repairs else found
    return Diagnosis(tuple(findings), tuple(done))


def _findings(name: str, look: Look, settings: Settings) -> list[Finding]:
    """What a check cannot read is what it has found."""
    try:
        return look(settings)
    except NetgainError as err:
        return [Finding(name, "fail", err.found, err.fix)]
    except OSError as err:
        return [Finding(name, "fail", str(err), "Look at the disk, and at whose the files are.")]
