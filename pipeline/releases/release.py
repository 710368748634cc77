"""Releases: immutable folders of lists and models, and the one-line file CURRENT that names the served one.

This module reads them; publishing.py builds them, current.py swaps CURRENT, retention.py removes them.
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.errors import ReleaseError
from pipeline.releases.removed import removed_ids
from pipeline.storage.checksums import digests, fact
from pipeline.storage.orphans import temporary_beside

SCHEMA = 1
_ID = re.compile(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{12}")
_OTHER = "See `netgain doctor`: --repair or the next night serves the newest complete release."
_REQUIRED = frozenset({"schema", "release", "as_of", "recipe", "n_listeners", "files", "previous", "origin"})
"""Keys that a manifest must have."""
NOT_CONTENT = ("release", "previous", "origin")
"""Keys of the manifest that its id does not depend on: the id itself, provenance and predecessor."""


@dataclass(frozen=True)
class Release:
    """A published folder and its manifest."""

    folder: Path
    manifest: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.manifest["release"])

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.manifest["as_of"])

    @property
    def recipe(self) -> str:
        return str(self.manifest["recipe"])

    @property
    def id_key(self) -> str | None:
        """Fingerprint of the key of the tokens in it; None for a release from before tokens."""
        return self.manifest.get("id_key")

    @property
    def previous(self) -> str | None:
        """Id of the release that was served when this one was built, or None."""
        value = self.manifest["previous"]
        return None if value is None else str(value)

    @property
    def lists(self) -> Path:
        return self.folder / "lists.parquet"

    @property
    def fallback(self) -> Path:
        return self.folder / "fallback.parquet"

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def heldout(self) -> Path:
        """The same recipe fitted before its decision window; the next night compares its refresh with it."""
        return self.folder / "heldout"


def current(root: Path) -> Release:
    """Return the served release.

    Raises:
        ReleaseError: no release is published, or CURRENT names no complete release.
    """
    name = current_name(root)
    if name is None:
        raise ReleaseError(
            f"no release in {root}", expected="a published release", fix="Run a night first: `netgain night`."
        )
    return open_release(root, name)


def current_name(root: Path) -> str | None:
    """Return the name in CURRENT, whether or not such a release exists; None if there is no CURRENT.

    Raises:
        ReleaseError: it cannot be read.
    """
    try:
        return (root / "CURRENT").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as err:
        raise ReleaseError(
            f"{root / 'CURRENT'} cannot be read: {err}", expected="a release's name", fix=_OTHER
        ) from err


def open_release(root: Path, name: str) -> Release:
    """Return a release by its id.

    Raises:
        ReleaseError: the name is not a release id, the release was removed, or its manifest is missing or invalid.
    """
    if not _ID.fullmatch(name):
        raise ReleaseError(f"a release called {name[:60]!r}", expected="<as_of>-<12 hex digits>", fix=_OTHER)
    if _was_removed(root, name):
        raise ReleaseError(
            f"release {name} was removed by retention",
            expected="a kept release",
            fix="See `netgain releases`, and NETGAIN_KEEP_RELEASES.",
        )
    try:
        manifest = json.loads((root / name / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise ReleaseError(f"release {name} has no readable manifest: {err}", expected="JSON", fix=_OTHER) from err
    known = isinstance(manifest, dict) and manifest.keys() >= _REQUIRED and manifest["schema"] == SCHEMA
    if not known or manifest["release"] != name:
        raise ReleaseError(f"release {name} has an incompatible manifest", expected=f"schema {SCHEMA}", fix=_OTHER)
    return Release(root / name, manifest)


def list_releases(root: Path) -> list[Release]:
    """Return all releases by id, the oldest night first.

    Raises:
        ReleaseError: one of them has no readable manifest.
    """
    return [open_release(root, name) for name in release_ids(root)]


def release_ids(root: Path) -> list[str]:
    """Return the ids of all release folders, complete or not, the oldest night first."""
    return sorted(p.name for p in root.iterdir() if _ID.fullmatch(p.name)) if root.is_dir() else []


def previous_release(root: Path, release: Release) -> Release | None:
    """Return the predecessor of a release; None if it has none or retention removed it, which ends the chain.

    Raises:
        ReleaseError: the predecessor is damaged, or missing although retention did not remove it.
    """
    name = release.previous
    if name is None or _was_removed(root, name):
        return None
    return open_release(root, name)


def _was_removed(root: Path, name: str) -> bool:
    return not (root / name).exists() and name in removed_ids(root)


def verify(release: Release) -> None:
    """Verify every file of a release against its checksum.

    Raises:
        ReleaseError: a file differs, is missing or is not part of the release; the first such file is named.
    """
    _verify_files(release)
    if id_of({k: v for k, v in release.manifest.items() if k not in NOT_CONTENT}) != release.id:
        raise ReleaseError(f"the manifest of release {release.id} was edited", expected="as published", fix=_OTHER)


def open_verified(root: Path, name: str) -> Release | None:
    """Return a release after verifying every file of it; None if it is missing or damaged."""
    try:
        release = open_release(root, name)
        verify(release)
    except ReleaseError:
        return None
    return release


def _verify_files(release: Release, *, under: str = "") -> None:
    expected = {path: facts for path, facts in release.manifest["files"].items() if path.startswith(under)}
    found = digests({under.rstrip("/"): release.folder / under})
    found.pop("manifest.json", None)
    for path in sorted(expected.keys() | found.keys()):
        if path not in found:
            what = "lacks the file"
        elif path not in expected:
            what = "has the unexpected file"
        elif found[path] != expected[path]:
            what = "has changed bytes in"
        else:
            continue
        raise ReleaseError(f"release {release.id} {what} {path}", expected="the files of its manifest", fix=_OTHER)


def served_before(root: Path, as_of: date) -> Release | None:
    """Return the release that was served before a night, so that running the night again gives the same result; None
    before the first release, and for nights whose predecessors retention has removed.

    Raises:
        ReleaseError: a release of the chain is missing or damaged.
    """
    if not (root / "CURRENT").exists():
        return None
    release: Release | None = current(root)
    while release is not None and release.as_of >= as_of:
        release = previous_release(root, release)
    return release


def snapshot_served(root: Path, as_of: date, into: Path) -> Release | None:
    """Write the release of `served_before` into a folder: served.json and, if there is a release, its models.

    model/ is the held-out model, with which tonight's fits are compared; final/ is the served model, which stays served
    if the night decides so. An identical folder is left untouched, so that DVC sees no change.

    Raises:
        ReleaseError: a release of the chain is missing or damaged, or its models differ from their checksums.
    """
    release = served_before(root, as_of)
    keys = ("recipe", "family", "as_of")
    served = {"release": release and release.id, **{name: release and release.manifest[name] for name in keys}}
    served["definition"] = release and release.manifest.get("definition")  # earlier versions wrote none
    text = json.dumps(served, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    expected = {"served.json": fact(text.encode())}
    models = {} if release is None else {"model": release.heldout, "final": release.model}
    if release is not None:
        for name, source in models.items():
            _verify_files(release, under=f"{source.name}/")
            expected |= {
                f"{name}/{path.removeprefix(f'{source.name}/')}": found
                for path, found in release.manifest["files"].items()
                if path.startswith(f"{source.name}/")
            }
    if into.is_dir() and digests({"": into}) == expected:
        return release
    new = temporary_beside(into)
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    (new / "served.json").write_text(text, encoding="utf-8")
    for name, source in models.items():
        shutil.copytree(source, new / name)
    shutil.rmtree(into, ignore_errors=True)
    new.rename(into)
    return release


def id_of(content: Mapping[str, Any]) -> str:
    """Return the id `<as_of>-<12 hex digits>` of a manifest's content; it depends on the content only."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
    return f"{content['as_of']}-{hashlib.sha256(canonical).hexdigest()[:12]}"
