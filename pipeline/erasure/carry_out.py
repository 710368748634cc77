"""Carries out erasures in steps: first from served and derived data, then from landed files, then the proof.

`before_night` runs when a night is opened: from then on, nothing that the night reads or serves contains an erased
listener, except landed files, whose rows are dropped when they are read. `after_night` rewrites these files, mends what
is left, and searches all data.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.erasure.certificate import certify
from pipeline.erasure.copies import remove_exports, remove_files_of_requests, remove_temporary_experiments
from pipeline.erasure.git import objects_with, remove_experiments
from pipeline.erasure.landing import count_rows, remove_folders, remove_rows
from pipeline.erasure.notes import Notes
from pipeline.erasure.releases import change_releases
from pipeline.erasure.remedies import forget_names, mend
from pipeline.erasure.requests import FOLDER, Pending, carried_out, pending
from pipeline.erasure.scan import Found, search_everything
from pipeline.erasure.search import NotSearched, holds
from pipeline.erasure.sought import Sought
from pipeline.erasure.tables import change_below, without
from pipeline.errors import EXIT_STAGE_FAILED, NetgainError
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import LandedFile, Landing, owner_of, parse_landing
from pipeline.logs.manifest import TABLE as LANDED
from pipeline.logs.manifest import Finding, accept, forget
from pipeline.logs.pseudonyms import PrivacyRules
from pipeline.logs.reasons import Reason
from pipeline.releases.current import redact_failure_reason
from pipeline.serving.erased import announce
from pipeline.settings import Settings
from pipeline.state.clock import now
from pipeline.state.erasure import overwrite_in_rows, scan_server, scrub
from pipeline.state.rows import entries
from pipeline.storage.checksums import fact


class ErasureFailed(NetgainError):
    """Data of an erased listener were found."""

    exit_status = EXIT_STAGE_FAILED


def before_night(settings: Settings, *, root: Path, format: str, privacy: PrivacyRules) -> None:
    """Remove erased listeners from releases, state, MLflow's artifacts and, if folders are listeners', landing."""
    erased = privacy.erased
    if erased is None:
        return
    announce(settings.releases, erased)
    notes, tokens = Notes(settings), pending(settings.state).tokens
    n_files = remove_folders(root, format, privacy)  # also after an earlier erasure, if the folder is delivered again
    notes.add("landing", files=n_files)
    if n_files or tokens:
        forget(settings.state, lambda path: erased.holds(owner_of(path), privacy.key))
    if not tokens:
        return
    change = without(tokens)
    for place, folder in {"ledger": settings.ledger, "MLflow artifacts": settings.mlflow_artifacts}.items():
        changed = change_below([folder], change)
        notes.add(place, files=len(changed), rows=sum(changed.values()))
    redact_failure_reason(settings.releases)
    notes.add_releases(change_releases(settings.releases, settings.state, change))
    settings.landing_cache.unlink(missing_ok=True)


def after_night(
    settings: Settings,
    landing: Landing,
    *,
    root: str,
    report: Mapping[str, Any],
    as_of: str,
    key: bytes,
) -> dict[str, Any] | None:
    """Remove erased listeners from landed files and caches, search all data for them, and certify the erasure.

    Args:
        settings: the machine's settings.
        landing: the files that the night read.
        root: the landing root as the manifest of landed files names it.
        report: ingest.json.
        as_of: the night.
        key: of the night's tokens.

    Returns:
        The certificate; None if no erasure is pending.

    Raises:
        ErasureFailed: data of an erased listener are left.
        LandingError: a landed file has changed since it landed.
    """
    if landing.erased is None:  # a request that came in while the night ran is for the next one
        return None
    notes, privacy = Notes(settings), PrivacyRules(key, landing.erased)
    waiting = pending(settings.state)
    done = Pending(frozenset(t for t in waiting.tokens if landing.erased.holds(t, key)), waiting.files)
    _from_landings(settings, landing, privacy, root=root, report=report, notes=notes, everywhere=bool(done.tokens))
    if not done.tokens:
        return None
    sought = Sought(done.tokens)
    forget(settings.state, lambda path: sought.in_bytes(path.encode()) or path in notes.forgotten)
    _from_copies(settings, privacy, done, notes)
    overwrite_in_rows(settings.state, sought.tokens)
    scrub(settings.state)
    found = search_everything(settings, sought, landing=landing.root, but=[settings.ledger / FOLDER])
    left = [path.as_posix() for path in _mended(settings, found, sought, notes)]
    notes.add("Git experiments", files=remove_experiments(settings.workspace, found.objects))
    if found.objects:
        left += [f"Git's object {name[:12]}" for name in objects_with(settings.workspace, sought)]
    left += scan_server(settings.state, sought.in_bytes)
    if left:
        raise ErasureFailed(
            f"{len(left)} places still contain an erased listener: {', '.join(left[:3])}",
            expected="none",
            fix="Remove these files, then run the night again.",
        )
    certificate = certify(settings, done, notes, found, landing=landing.root, as_of=as_of)
    carried_out(settings.state, done)
    notes.clear()
    return certificate


def _from_landings(
    settings: Settings,
    landing: Landing,
    privacy: PrivacyRules,
    *,
    root: str,
    report: Mapping[str, Any],
    notes: Notes,
    everywhere: bool,
) -> None:
    """Rewrite the landed files of the night with rows of erased listeners and, if asked, those of all earlier nights,
    which may have had other logs."""
    met = {file["path"] for file in report["files"] if file["reasons"].get(Reason.ERASED)}
    files = [file for file in landing.files if file.shown in met]
    _from_files(settings, landing, files, privacy, root=root, notes=notes)
    nights = {(entry["root"], entry["format"]) for entry in entries(settings.state, LANDED)} if everywhere else set()
    for earlier, format in sorted(nights - {(root, landing.format)}):
        folder = settings.workspace / earlier
        try:
            notes.add("landing", files=remove_folders(folder, format, privacy))
            found = take_inventory(folder, format, workspace=settings.workspace, privacy=privacy)
        except NetgainError:  # those logs are not here any more
            continue
        other = parse_landing(found, workspace=settings.workspace)
        _from_files(settings, other, other.files, privacy, root=earlier, notes=notes)


def _from_files(
    settings: Settings, landing: Landing, files: Sequence[LandedFile], privacy: PrivacyRules, *, root: str, notes: Notes
) -> None:
    """Rewrite some landed files, and accept the change in the ledger."""
    changed = []
    for file in files:
        if n_rows := remove_rows(landing, file, privacy):
            notes.add("landing", files=1, rows=n_rows)
            path = landing.root / file.path
            changed.append(Finding(file.shown, "", fact(path)["sha256"] if path.exists() else None))
            if not path.exists():
                notes.forget_file(file.shown)
            if count_rows(landing, file, privacy):
                raise ErasureFailed(
                    f"rows of an erased listener in {file.shown}", expected="none", fix="Remove the file."
                )
    if changed:
        entry = {"root": root, "format": landing.format, "by": "netgain erase", "reason": "erasure", "when": now()}
        accept(settings.state, changed, **entry)


def _from_copies(settings: Settings, privacy: PrivacyRules, done: Pending, notes: Notes) -> None:
    """Remove what people and tools copied: exports, files of requests, temporary experiments, names of files."""
    here = settings.workspace
    notes.add("exports", files=remove_exports(here, privacy, done.tokens, but=here / ".venv"))
    notes.add("files of requests", files=remove_files_of_requests(here, done.files))
    notes.add("DVC experiments", files=remove_temporary_experiments(here))
    kept = (settings.ledger, settings.reports, settings.mlflow_artifacts)
    notes.add("names of landed files", files=forget_names(kept, notes.forgotten))


def _mended(settings: Settings, found: Found, sought: Sought, notes: Notes) -> list[Path]:
    """Mend the files that were found, and return those that still contain an erased listener."""
    left = []
    for path in found.files:
        mended = mend(settings, path, sought)
        if mended is not None:
            notes.add(mended[0], files=1, rows=mended[1])
        try:
            if path.exists() and (mended is None or holds(path, sought)):
                left.append(path)
        except NotSearched:
            found.unsearched.append(path)
    return left
