"""The certificate of an erasure: who asked, what was removed where, where the search looked; it names no listener."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.erasure.notes import Notes
from pipeline.erasure.requests import Pending, requests_of
from pipeline.erasure.scan import PROGRAMS, Found, places
from pipeline.settings import Settings
from pipeline.state.clock import now
from pipeline.storage.json_files import write_json


def certify(
    settings: Settings, done: Pending, notes: Notes, found: Found, *, landing: Path, as_of: str
) -> dict[str, Any]:
    """Write the certificate into reports/erasures/, and return it."""
    here = settings.workspace
    outside = [Path(path) for path in done.files if not Path(path).is_relative_to(here) and Path(path).exists()]
    when = now()
    certificate = {
        "as_of": as_of,
        "when": when,
        "requests": requests_of(settings.state, done.tokens),
        "listeners": len(done.tokens),
        "removed": notes.removed,
        "releases_made_anew": notes.renamed,
        "searched": [path.name for path in places(settings, landing)],
        "not_searched": [*PROGRAMS, *sorted(_name(path, here) for path in found.unsearched)],
        "files_of_requests_outside_the_workspace": len(outside),
        "left": 0,
    }
    write_json(settings.reports / "erasures" / f"{as_of}-{when.replace(':', '')}.json", certificate)
    return certificate


def certificate_line(certificate: Mapping[str, Any]) -> str:
    """Return the certificate in one line."""
    removed = ", ".join(f"{place} ({n['files']} files)" for place, n in sorted(certificate["removed"].items()))
    line = f"{certificate['listeners']} listeners were erased from {removed or 'no file, as none contained them'}"
    return f"{line}; none is left"


def _name(path: Path, workspace: Path) -> str:
    return path.relative_to(workspace).as_posix() if path.is_relative_to(workspace) else path.name
