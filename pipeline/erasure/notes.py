"""What an erasure has removed so far, kept until its certificate is written: counts and ids of releases, no listener.

Notes are written after each step, so that a certificate covers every try of a night that failed or was killed.
"""

from pathlib import Path
from typing import Any

from pipeline.erasure.requests import FOLDER
from pipeline.settings import Settings
from pipeline.storage.json_files import read_json, write_json


class Notes:
    """The notes of the erasures that are pending, on disk."""

    def __init__(self, settings: Settings) -> None:
        self._path: Path = settings.ledger / FOLDER / "erasure.json"
        found: dict[str, Any] = read_json(self._path) if self._path.exists() else {}
        self.removed: dict[str, dict[str, int]] = found.get("removed", {})
        self.renamed: dict[str, str] = found.get("releases_made_anew", {})
        self.forgotten: list[str] = found.get("forgotten", [])

    def add(self, place: str, *, files: int, rows: int = 0) -> None:
        """Count files and rows that were removed from a place."""
        if files:
            before = self.removed.setdefault(place, {"files": 0, "rows": 0})
            self.removed[place] = {"files": before["files"] + files, "rows": before["rows"] + rows}
            self._write()

    def add_releases(self, renamed: dict[str, str]) -> None:
        """Add releases that were built again: old ids → new ids."""
        self.renamed |= renamed
        self.add("releases", files=len(renamed))

    def forget_file(self, path: str) -> None:
        """Add a landed file of an erased listener's alone: its name has to go from manifests and reports."""
        self.forgotten.append(path)
        self._write()

    def clear(self) -> None:
        """Remove the notes."""
        self._path.unlink(missing_ok=True)

    def _write(self) -> None:
        values = {"removed": self.removed, "releases_made_anew": self.renamed, "forgotten": self.forgotten}
        write_json(self._path, values)
        self._path.chmod(0o600)
