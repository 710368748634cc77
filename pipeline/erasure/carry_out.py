"""Carries out erasures in steps: first from served and derived data, then from landed files, then the proof.

`before_night` runs when a night is opened: from then on, nothing that the night reads or serves contains an erased
listener, except landed files, whose rows are dropped when they are read. `after_night` rewrites these files, clears
caches, and searches all data.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.erasure.landing import count_rows, remove_folders, remove_rows
from pipeline.erasure.releases import purge_releases
from pipeline.erasure.requests import FOLDER, carried_out, erased, known_as, made, pending
from pipeline.erasure.scan import Sought, holds, own_words, scan, sought
from pipeline.erasure.tables import purge_below
from pipeline.errors import EXIT_STAGE_FAILED, NetgainError
from pipeline.logs.landing import Landing
from pipeline.logs.manifest import Finding, accept, forget
from pipeline.logs.pseudonyms import Erased
from pipeline.logs.reasons import Reason
from pipeline.releases.current import redact_failure_reason
from pipeline.serving.erased import announce
from pipeline.settings import Settings
from pipeline.state.clock import now
from pipeline.state.erasure import scan_server, scrub
from pipeline.storage.checksums import fact
from pipeline.storage.json_files import read_json, write_json

_DONE = "erasure.json"


class ErasureFailed(NetgainError):
    """Data of an erased listener were found."""

    exit_status = EXIT_STAGE_FAILED


def before_night(settings: Settings, *, root: Path, format: str) -> None:
    """Remove erased listeners from releases, state, MLflow's artifacts and, if folders are listeners', landing."""
    who = erased(settings.state)
    if who is None:
        return
    announce(settings.releases, who)
    notes = _notes(settings)
    done: dict[str, Any] = read_json(notes) if notes.exists() else {}
    waiting = pending(settings.state)
    if n_files := remove_folders(root, format, who):  # also after an earlier erasure, if the folder is delivered again
        _add(done, "landing", files=n_files, rows=0)
    if n_files or waiting:
        forget(settings.state, lambda path: who.has(path.split("/")[0]))
    if waiting:
        for path, n_rows in purge_below([settings.ledger, settings.mlflow_artifacts], who).items():
            place = "MLflow artifacts" if Path(path).is_relative_to(settings.mlflow_artifacts) else "ledger"
            _add(done, place, files=1, rows=n_rows)
        redact_failure_reason(settings.releases)
        renamed = purge_releases(settings.releases, settings.state, who)
        if renamed:
            _add(done, "releases", files=len(renamed), rows=0)
            done["releases_made_anew"] = {**done.get("releases_made_anew", {}), **renamed}
        settings.landing_cache.unlink(missing_ok=True)
    if done:
        write_json(notes, done)


def after_night(
    settings: Settings, landing: Landing, *, root: str, report: Mapping[str, Any], as_of: str
) -> dict[str, Any] | None:
    """Remove erased listeners from landed files and caches, search all data for them, and certify the erasure.

    Args:
        settings: the machine's settings.
        landing: the files that the night read.
        root: the landing root as the manifest of landed files names it.
        report: ingest.json.
        as_of: the night.

    Returns:
        The certificate; None if no erasure is pending.

    Raises:
        ErasureFailed: data of an erased listener are left.
        LandingError: a landed file has changed since it landed.
    """
    who = erased(settings.state)
    if who is None:
        return None
    done: dict[str, Any] = read_json(_notes(settings)) if _notes(settings).exists() else {}
    _from_landing(settings, landing, who, root=root, report=report, done=done)
    names = pending(settings.state)
    if not names:
        return None
    wanted = sought(names, own_words=own_words(settings.workspace))
    ids = [landing.columns.listener] if landing.columns and landing.columns.listener else []
    for cached in _cached(settings, wanted, ids):
        cached.unlink()  # its source is gone, so it is never requested again
        _add(done, "DVC cache", files=1, rows=0)
    scrub(settings.state)
    left = scan(_everywhere(settings, landing.root), wanted, id_columns=ids) + _cached(settings, wanted, ids)
    found = [*(path.as_posix() for path in left), *scan_server(settings.state, wanted.words)]
    if found:
        raise ErasureFailed(
            f"{len(found)} places still contain an erased listener: {', '.join(found[:3])}",
            expected="none",
            fix="Remove these files, then run the night again.",
        )
    certificate = {
        "as_of": as_of,
        "when": now(),
        "requests": made(settings.state),
        "removed": done.get("removed", {}),
        "releases_made_anew": done.get("releases_made_anew", {}),
        "looked_at": [*(path.name for path in _everywhere(settings, landing.root)), ".dvc/cache"],
        "looked_for_in_columns_alone": wanted.n_in_columns_alone,
        "left": 0,
    }
    folder = settings.reports / "erasures"
    write_json(folder / f"{as_of}-{certificate['when'].replace(':', '')}.json", certificate)
    carried_out(settings.state)
    _notes(settings).unlink(missing_ok=True)
    return certificate


def _from_landing(
    settings: Settings, landing: Landing, who: Erased, *, root: str, report: Mapping[str, Any], done: dict[str, Any]
) -> None:
    """Rewrite the files with rows of erased listeners, and accept the change in the ledger."""
    met = {file["path"] for file in report["files"] if file["reasons"].get(Reason.ERASED)}
    changed = []
    for file in landing.files:
        if file.shown in met and (n_rows := remove_rows(landing, file, who)):
            _add(done, "landing", files=1, rows=n_rows)
            path = landing.root / file.path
            changed.append(Finding(file.shown, "", fact(path)["sha256"] if path.exists() else None))
            if count_rows(landing, file, who):
                raise ErasureFailed(
                    f"rows of an erased listener in {file.shown}", expected="none", fix="Remove the file."
                )
    if changed:
        entry = {"root": root, "format": landing.format, "by": "netgain erase", "reason": "erasure", "when": now()}
        accept(settings.state, changed, **entry)


def where(settings: Settings, listeners: Collection[str]) -> dict[str, int]:
    """Return the number of files in each place that contain these listeners, by id or pseudonym; removes nothing."""
    wanted = sought(known_as(listeners, settings.id_key), own_words=own_words(settings.workspace))
    found: Counter[str] = Counter()
    for path in _everywhere(settings, settings.landing):
        found["ledger" if path.parent == settings.ledger else path.name] += len(scan([path], wanted))
    found.update(dict.fromkeys(scan_server(settings.state, wanted.words), 1))
    return {**found, ".dvc/cache": len(_cached(settings, wanted, []))}


def _everywhere(settings: Settings, landing: Path) -> list[Path]:
    here = settings.workspace
    parts = ("data", "night", "mlflow", ".netgain", ".airflow")
    ledger = sorted(settings.ledger.iterdir()) if settings.ledger.is_dir() else []
    ledger = [path for path in ledger if path.name != FOLDER]
    places = (landing, settings.releases, settings.reports, *ledger, *(here / part for part in parts))
    return [path for path in places if path.exists()]


def _cached(settings: Settings, wanted: Sought, ids: Sequence[str]) -> list[Path]:
    """Return the objects of DVC's cache that contain an erased listener; their names are digests."""
    objects = (path for path in (settings.workspace / ".dvc" / "cache" / "files").rglob("*") if path.is_file())
    return [path for path in objects if holds(path, wanted, ids)]


def _add(done: dict[str, Any], place: str, *, files: int, rows: int) -> None:
    removed = done.setdefault("removed", {}).setdefault(place, {"files": 0, "rows": 0})
    removed["files"] += files
    removed["rows"] += rows


def _notes(settings: Settings) -> Path:
    """Return the path of the notes on an erasure in progress, which contain counts only."""
    return settings.ledger / FOLDER / _DONE


def certificate_line(certificate: Mapping[str, Any]) -> str:
    """Return the certificate in one line."""
    removed = ", ".join(f"{place} ({n['files']} files)" for place, n in sorted(certificate["removed"].items()))
    n_listeners = sum(request["listeners"] for request in certificate["requests"])
    return f"{n_listeners} listeners were erased from {removed or 'no file, as none contained them'}; none is left"
