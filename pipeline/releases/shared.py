"""Releases on a store that several machines share (NETGAIN_RELEASES=s3://…), with a verified copy on each of them.

Everything else works on the copy, a folder. `take` brings it up to date before a command reads it, `give` carries what
a command changed to the store. A release is complete there when its manifest is, which is created last; CURRENT is
swapped if it is still the one that this machine took. So a reader of the store finds complete releases at any moment,
and `give` repeats what a crash cut off (ADR 0032).
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from typing import Any

from pipeline.errors import ReleaseError, TransientError
from pipeline.releases.current import locked, set_current
from pipeline.releases.release import Release, current_name, release_ids, verify
from pipeline.releases.removed import FOLDER as REMOVED
from pipeline.settings import Settings
from pipeline.storage.atomic import atomic_path, sync_folder
from pipeline.storage.json_files import write_json
from pipeline.storage.orphans import remove_orphans, temporary_beside
from pipeline.storage.stores.open import open_store
from pipeline.storage.stores.store import Store

MANIFEST = "manifest.json"
_BOOK = ".shared.json"


class ReleasesMoved(TransientError):
    """Another machine changed what is served since this one looked."""


@dataclass(frozen=True)
class _Book:
    """What store and copy had in common when this machine last took or gave; what differs since is a change of one.

    Attributes:
        current: the name in CURRENT.
        releases: SHA-256 of the manifest by release, of those that the copy had, too.
        small: keys of the files beside the releases.
    """

    current: str | None
    releases: Mapping[str, str]
    small: frozenset[str]


def take(settings: Settings, *, served_only: bool = False) -> bool:
    """Bring the copy of this machine up to date; without a store, nothing happens.

    Args:
        settings: of this machine.
        served_only: whether to leave out releases that are not served, which a server does not need.

    Returns:
        Whether the served release changed.

    Raises:
        StoreAway: the store does not answer; the copy stays as it was.
        ReleaseError: a release differs from its manifest; the copy stays as it was.
    """
    if settings.releases_uri is None:
        return False
    store, root = open_store(settings.releases_uri), settings.releases
    root.mkdir(parents=True, exist_ok=True)
    with locked(root):
        remove_orphans(root)
        (served, _), before, book = _served(store), current_name(root), _read_book(root)
        releases, small = _keys(store)
        given_away = book.releases.keys() - set(release_ids(root))  # removed here, and not yet there
        for name in sorted((releases & {served} if served_only else releases) - given_away):
            _take_release(store, root, name, known=book.releases.get(name))
        for name in sorted(small):
            _take_small(store, root, name)
        # A CURRENT that only this machine has changed is a publication or a rollback that `give` has still to carry.
        moved = served is not None and served != before and (before == book.current or served != book.current)
        if served is not None and moved:
            set_current(root, served)
        for name in sorted(book.releases.keys() - releases - given_away - {current_name(root)}):
            rmtree(root / name)  # another machine removed it, for retention or an erasure
        for name in book.small - small:
            (root / name).unlink(missing_ok=True)
        kept = {name: digest for name, digest in book.releases.items() if name in given_away & releases}
        _write_book(root, _Book(served, kept | _common(root, releases, book), small))
    return moved


def give(settings: Settings, *, guard: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
    """Carry the copy's changes to the store; without a store, or without changes, nothing happens.

    Args:
        settings: of this machine.
        guard: entered around the swap of CURRENT; raises if this night may no longer serve.

    Raises:
        StoreAway: the store does not answer; doing it again completes it.
        ReleasesMoved: another machine changed CURRENT since this one took it.
    """
    if settings.releases_uri is None or not settings.releases.is_dir():
        return
    store, root = open_store(settings.releases_uri), settings.releases
    with locked(root):
        book, here, (releases, there) = _read_book(root), release_ids(root), _keys(store)
        for name in here:
            _give_release(store, root, name, complete=name in releases)
        small = _small_files(root)
        for name in small:
            data = (root / name).read_bytes()
            known = store.read(name) if name in there else None
            if known is None or known.data != data:
                store.write(name, data)
        served = current_name(root)
        _swap(store, book.current, served, guard)
        for name in book.small - set(small):
            store.delete(name)
        for name in sorted(book.releases.keys() - set(here)):
            _delete_release(store, name)
        _write_book(root, _Book(served, _common(root, here, None), frozenset(small)))


def _swap(
    store: Store, taken: str | None, served: str | None, guard: Callable[[], AbstractContextManager[None]]
) -> None:
    there, version = _served(store)
    if served is None or there == served:
        return
    if there != taken:
        raise ReleasesMoved(
            f"another machine serves {there} since this one took {taken}",
            expected="one that publishes",
            fix="Try again.",
        )
    with guard():
        if not store.swap("CURRENT", f"{served}\n".encode(), expected=version):
            raise ReleasesMoved(
                "another machine changed CURRENT at this moment", expected="one that publishes", fix="Try again."
            )


def _common(root: Path, names: Collection[str], book: _Book | None) -> dict[str, str]:
    """Return the digests of the manifests that store and copy share; of one that only changed here, that of before."""
    found = {}
    for name in names:
        path = root / name / MANIFEST
        if path.is_file():
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
            if book is not None and name in book.releases:
                found[name] = book.releases[name] if _is_changed_here(path, book.releases[name]) else found[name]
    return found


def _is_changed_here(manifest: Path, known: str) -> bool:
    return hashlib.sha256(manifest.read_bytes()).hexdigest() != known


def _take_release(store: Store, root: Path, name: str, *, known: str | None) -> None:
    """Fetch a release that is not here, or its manifest where only that changed, and on the store alone.

    Raises:
        ReleaseError: its files differ from its manifest, or it is removed at this moment.
    """
    found = store.read(f"{name}/{MANIFEST}")
    if found is None:
        return
    local = root / name / MANIFEST
    if local.is_file():
        if local.read_bytes() != found.data and (known is None or not _is_changed_here(local, known)):
            with atomic_path(local) as temporary:
                temporary.write_bytes(found.data)
        return
    manifest = _parsed(found.data, name)
    building = temporary_beside(root / name)
    for path in manifest["files"]:
        store.fetch(f"{name}/{path}", building / path)
    building.mkdir(parents=True, exist_ok=True)
    (building / MANIFEST).write_bytes(found.data)
    verify(Release(building, manifest))
    building.rename(root / name)
    sync_folder(root)


def _give_release(store: Store, root: Path, name: str, *, complete: bool) -> None:
    data = (root / name / MANIFEST).read_bytes()
    if complete:
        known = store.read(f"{name}/{MANIFEST}")
        if known is not None and known.data != data:  # its predecessor has another name since an erasure
            store.write(f"{name}/{MANIFEST}", data)
        return
    for path in sorted(_parsed(data, name)["files"]):
        store.write(f"{name}/{path}", root / name / path)
    if not store.create(f"{name}/{MANIFEST}", data):
        store.write(f"{name}/{MANIFEST}", data)


def _delete_release(store: Store, name: str) -> None:
    store.delete(f"{name}/{MANIFEST}")  # from now on it is incomplete
    for key in store.names(f"{name}/"):
        store.delete(key)


def _served(store: Store) -> tuple[str | None, str | None]:
    """Return the name in CURRENT, and the version of that object; None twice if there is no such object."""
    found = store.read("CURRENT")
    return (None, None) if found is None else (found.data.decode().strip(), found.version)


def _take_small(store: Store, root: Path, name: str) -> None:
    found = store.read(name)
    path = root / name
    if found is not None and (not path.is_file() or path.read_bytes() != found.data):
        with atomic_path(path, mode=0o600) as temporary:
            temporary.write_bytes(found.data)


def _small_files(root: Path) -> list[str]:
    """Return the files beside the releases that others read: marks, announcements, records of removed releases."""
    found = [path.name for path in root.iterdir() if path.is_file() and path.name[0] != "." and path.name != "CURRENT"]
    return sorted(found) + [f"{REMOVED}/{path.name}" for path in sorted((root / REMOVED).glob("[!.]*.json"))]


def _keys(store: Store) -> tuple[frozenset[str], frozenset[str]]:
    """Return the ids of the complete releases of a store, and the keys of its other files but CURRENT."""
    keys = [key for key in store.names() if key != "CURRENT"]
    releases = frozenset(
        key.removesuffix(f"/{MANIFEST}") for key in keys if key.endswith(f"/{MANIFEST}") and key.count("/") == 1
    )
    return releases, frozenset(key for key in keys if "/" not in key or key.startswith(f"{REMOVED}/"))


def _parsed(data: bytes, name: str) -> Mapping[str, Any]:
    try:
        manifest: Mapping[str, Any] = json.loads(data)
        paths = [Path(path) for path in manifest["files"]]
    except (ValueError, KeyError, TypeError) as err:
        raise _damaged(name) from err
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        raise _damaged(name)
    return manifest


def _damaged(name: str) -> ReleaseError:
    return ReleaseError(
        f"release {name} has no readable manifest on the store", expected="as published", fix="Publish it again."
    )


def _read_book(root: Path) -> _Book:
    try:
        raw = json.loads((root / _BOOK).read_text(encoding="utf-8"))
        return _Book(raw["current"], dict(raw["releases"]), frozenset(raw["small"]))
    except (OSError, ValueError, KeyError, TypeError):
        return _Book(None, {}, frozenset())


def _write_book(root: Path, book: _Book) -> None:
    write_json(root / _BOOK, {"current": book.current, "releases": dict(book.releases), "small": sorted(book.small)})


@contextmanager
def following(settings: Settings, *, every: float = 5.0) -> Iterator[None]:
    """Keep the copy of a server up to date until the block ends. While the store is away, the copy is served.

    Args:
        settings: of this machine.
        every: time between two looks [s].
    """
    if settings.releases_uri is None:
        yield
        return
    import logging
    import threading

    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(every):
            try:
                take(settings, served_only=True)
            except (TransientError, ReleaseError, OSError) as err:
                logging.getLogger("netgain").warning("releases: %s", err)

    thread = threading.Thread(target=follow, daemon=True, name="netgain-releases")
    thread.start()
    try:
        yield
    finally:
        ended.set()
