"""Runs all checks in order; earlier repairs are the basis of later checks."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pipeline.doctor import disk, engine, environment, java, lease, ledger, locks, orphans, outbox, registry, releases
from pipeline.doctor.finding import Finding
from pipeline.errors import NetgainError
from pipeline.nightly.workspace_lock import exclusive_night, require_free
from pipeline.settings import Settings


@dataclass(frozen=True)
class Diagnosis:
    """The findings and, after a repair, what was done; the findings are then those after the repair."""

    findings: tuple[Finding, ...]
    done: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Return whether no check failed; warnings do not count."""
        return all(finding.level != "fail" for finding in self.findings)


Look = Callable[[Settings], list[Finding]]


def checks(progress: releases.Progress) -> tuple[tuple[str, Look], ...]:
    """Return the name and function of each check, in order."""
    modules = (environment, java, engine, disk, locks, ledger, orphans)
    return (
        *((module.CHECK, module.look) for module in modules),
        (releases.CHECK, partial(releases.look, progress=progress)),
        *((module.CHECK, module.look) for module in (lease, outbox, registry)),
    )


def examine(settings: Settings, progress: releases.Progress) -> Diagnosis:
    """Run all checks; nothing is written, and no Java is started.

    Args:
        settings: the machine's settings.
        progress: called as releases are verified.
    """
    return Diagnosis(
        tuple(finding for name, look in checks(progress) for finding in _findings(name, look, settings)),
    )


def examine_and_repair(settings: Settings, progress: releases.Progress, *, by: str) -> Diagnosis:
    """Run all checks, carry out the repairs that are safe, and check again what was repaired.

    Args:
        settings: the machine's settings.
        progress: called as releases are verified.
        by: who asked for the repairs; recorded in the ledger.
    """
    findings: list[Finding] = []
    done: list[str] = []
    for name, look in checks(progress):
        found = _findings(name, look, settings)
        repairs = [finding.repair for finding in found if finding.repair is not None]
        for repair in repairs:
            try:
                with exclusive_night(settings.workspace):
                    require_free(settings)
                    done.append(f"{name}: {repair(by)}")
            except (NetgainError, OSError) as err:
                done.append(f"{name}: could not be repaired: {err.found if isinstance(err, NetgainError) else err}")
        findings += _findings(name, look, settings) if repairs else found
    return Diagnosis(tuple(findings), tuple(done))


def _findings(name: str, look: Look, settings: Settings) -> list[Finding]:
    """Return the findings of a check; an error that it raises is a finding."""
    try:
        return look(settings)
    except NetgainError as err:
        return [Finding(name, "fail", err.found, err.fix)]
    except OSError as err:
        return [Finding(name, "fail", str(err), "Check the disk and the ownership of the files.")]
