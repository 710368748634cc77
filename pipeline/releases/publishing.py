"""Builds a release and serves it.

A release is built in a temporary folder, synced and renamed; then CURRENT is replaced. So a reader finds either the
complete new release or the previous one, and publishing again repairs a crash between any two steps.
"""

import json
import os
import shutil
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from pipeline.errors import ReleaseError
from pipeline.releases.current import locked, refresh_stale_mark, set_current
from pipeline.releases.release import (
    SCHEMA,
    Release,
    current,
    current_name,
    id_of,
    open_release,
    open_verified,
    release_ids,
    served_before,
    verify,
)
from pipeline.storage.atomic import sync_folder
from pipeline.storage.checksums import digests, opened
from pipeline.storage.orphans import PREFIX, remove_orphans, temporary_beside


@dataclass(frozen=True)
class Contents:
    """The contents of a release.

    Attributes:
        files: source by path inside the release; a folder stands for all files under it.
        facts: JSON-able and deterministic: as_of, recipe, definition, family, n_listeners, id_key (the fingerprint of
            tokens' key).
        origin: the provenance (verdict, sentence, params, code). It is part of the manifest but not of the id: a
            verdict quotes measured cost, which varies between runs that make the same content.
    """

    files: Mapping[str, Path]
    facts: Mapping[str, Any]
    origin: Mapping[str, Any]


def release_id(contents: Contents) -> str:
    """Return the id `<as_of>-<12 hex digits>`, which depends on the content only.

    Raises:
        ReleaseError: a source is missing.
    """
    return id_of(_content(contents))


def publish(
    root: Path,
    contents: Contents,
    *,
    withdrawn: Collection[str] = (),
    guard: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> tuple[Release, bool]:
    """Publish the contents as a release and serve it; publishing the same contents again changes nothing.

    A release of an earlier night than the served one is kept but not served, so that a backfill does not bring back old
    lists. A release that was withdrawn by a rollback is not served again either.

    Args:
        root: folder of releases.
        contents: the contents of the release.
        withdrawn: ids of releases that were rolled back from.
        guard: entered around the swap of CURRENT; raises if this night may no longer serve.

    Returns:
        The release, and whether it is served now.

    Raises:
        ReleaseError: a source is missing, or CURRENT does not name a complete release.
    """
    content = _content(contents)
    name, as_of = id_of(content), date.fromisoformat(content["as_of"])
    root.mkdir(parents=True, exist_ok=True)
    with locked(root):
        remove_orphans(root)
        again = current_name(root) == name  # the served release is published again, and repaired if damaged
        served = None if again else _served(root)
        serves = again or ((served is None or as_of >= served.as_of) and name not in withdrawn)
        release = open_verified(root, name)
        if release is None:
            about = {"release": name, "previous": _previous(root, name, as_of), "origin": dict(contents.origin)}
            release = _build(root, contents, {**content, **about})
        if serves and not again:
            with guard():
                set_current(root, name)
        if serves:
            refresh_stale_mark(root)  # an earlier run may have crashed between the swap and the mark
    return release, serves


def _content(contents: Contents) -> dict[str, Any]:
    return {"schema": SCHEMA, **contents.facts, "files": digests(contents.files)}


def _served(root: Path) -> Release | None:
    return None if current_name(root) is None else current(root)


def _previous(root: Path, name: str, as_of: date) -> str | None:
    """Return the predecessor of a new release: the served one or, for a backfilled night, the one served before it.

    A release that is built again keeps its predecessor: it may be the served release or one of its predecessors, and
    linking it to the served one would close a circle.
    """
    if not (root / name).exists() and current_name(root) != name:
        served = _served(root)
        found = served if served is None or as_of >= served.as_of else served_before(root, as_of)
        return None if found is None else found.id
    try:
        return open_release(root, name).previous
    except ReleaseError:
        # Its manifest, which names the predecessor, is lost.
        earlier = [each for each in release_ids(root) if each < as_of.isoformat()]
        return earlier[-1] if earlier else None


def _build(root: Path, contents: Contents, manifest: Mapping[str, Any]) -> Release:
    name = manifest["release"]
    building = temporary_beside(root / name)
    for path, source in opened(contents.files):
        target = building / path
        target.parent.mkdir(parents=True, exist_ok=True)
        # Copied, not linked: the source may be a link into DVC's cache, whose bytes a release must not share.
        shutil.copyfile(source, target)
        _sync(target)
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    (building / "manifest.json").write_text(text + "\n", encoding="utf-8")
    _sync(building / "manifest.json")
    verify(Release(building, manifest))
    for folder in [*(p for p in building.rglob("*") if p.is_dir()), building]:
        sync_folder(folder)
    if (root / name).exists():  # a damaged release of the same name
        (root / name).rename(root / f"{PREFIX}damaged-{name}")
    building.rename(root / name)
    sync_folder(root)
    return Release(root / name, manifest)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
