"""Changes listeners' names in releases, for erasure and for migrations. A release with a name that changes is built
again; as its content and therefore its id change, references to the old id are updated."""

import shutil
from pathlib import Path
from typing import Any

from pipeline.erasure.tables import Rename, change_below
from pipeline.releases.current import locked, set_current
from pipeline.releases.release import NOT_CONTENT, Release, id_of, list_releases
from pipeline.releases.rollback import TABLE as ROLLBACKS
from pipeline.serving.arms import TABLE as ARMS_FILE
from pipeline.serving.contents import FAVOURITES_FILE, index_anew
from pipeline.state.location import Where
from pipeline.state.rows import entries, transaction
from pipeline.storage.atomic import sync_folder
from pipeline.storage.checksums import digests
from pipeline.storage.json_files import write_json
from pipeline.storage.orphans import PREFIX, remove_orphans
from pipeline.storage.schemas import ARMS, FAVOURITES, LISTS
from pipeline.storage.tables import read_table, write_table

_MAKING = f"{PREFIX}erasing-"


def change_releases(root: Path, state: Where, rename: Rename, *, id_key: str | None = None) -> dict[str, str]:
    """Build every release again in which a name changes, those kept for rollback included.

    After a crash at any point, CURRENT names a complete release; running again completes the work.

    Args:
        root: folder of releases.
        state: the store in which rollbacks are recorded.
        rename: the change.
        id_key: the fingerprint of the key of the new names, if they are under another key; releases that have it are
            left as they are, and all others are built again.

    Returns:
        Old ids → new ids.

    Raises:
        ReleaseError: a release has no readable manifest.
    """
    if not root.is_dir():
        return {}
    with locked(root):
        remove_orphans(root)
        renamed = {old.id: new for old in list_releases(root) if (new := _anew(root, old, rename, id_key))}
        if not renamed:
            return {}
        for release in list_releases(root):
            if release.previous in renamed:
                write_json(
                    release.folder / "manifest.json", {**release.manifest, "previous": renamed[str(release.previous)]}
                )
        served = (root / "CURRENT").read_text(encoding="utf-8").strip() if (root / "CURRENT").exists() else ""
        if served in renamed:
            set_current(root, renamed[served])
        _rename_rollbacks(state, renamed)
        for old in renamed:
            shutil.rmtree(root / old)
        sync_folder(root)
    return renamed


def _anew(root: Path, release: Release, rename: Rename, id_key: str | None) -> str | None:
    """Build the release with other names and return its id; None if nothing of it changes."""
    if id_key is not None and release.id_key == id_key:
        return None
    making = root / f"{_MAKING}{release.id}"
    shutil.copytree(release.folder, making)
    if not change_below([making], rename) and id_key is None:
        shutil.rmtree(making)
        return None
    _sort_tables(making)
    index_anew(making)
    content: dict[str, Any] = {k: v for k, v in release.manifest.items() if k not in NOT_CONTENT}
    if id_key is not None:
        content["id_key"] = id_key
    (making / "manifest.json").unlink()
    content["files"] = digests({"": making})
    content["n_listeners"] = _n_lists(making / "lists.parquet", release)
    name = id_of(content)
    kept = {key: release.manifest[key] for key in NOT_CONTENT}
    # Recorded answers name the release by the id that it had.
    kept["origin"] = kept["origin"] | {"was": [*kept["origin"].get("was", ()), release.id]}
    write_json(making / "manifest.json", content | kept | {"release": name})
    if (root / name).exists():
        shutil.rmtree(making)
    else:
        making.rename(root / name)
    return name


def _sort_tables(release: Path) -> None:
    """Restore the order of LISTS, FAVOURITES and ARMS: the index is written from the first two side by side."""
    import polars as pl

    for name, schema in (("lists.parquet", LISTS), (FAVOURITES_FILE, FAVOURITES), (ARMS_FILE, ARMS)):
        if not (release / name).exists():
            continue
        table = read_table(release / name, schema)
        if not pl.Series(table["listener_id"], dtype=pl.String).is_sorted():
            columns = [name for name in ("listener_id", "rank") if name in schema.names]
            ordered = table.sort_by([(each, "ascending") for each in columns])
            write_table(release / name, ordered, schema)


def _n_lists(lists: Path, release: Release) -> int:
    import polars as pl

    before = pl.read_parquet(release.lists, columns=["listener_id"])["listener_id"].n_unique()
    after = pl.read_parquet(lists, columns=["listener_id"])["listener_id"].n_unique()
    return int(release.manifest["n_listeners"]) - before + after


def _rename_rollbacks(where: Where, renamed: dict[str, str]) -> None:
    if entries(where, ROLLBACKS):
        with transaction(where) as state:
            made = state.entries(ROLLBACKS)
            state.replace(ROLLBACKS, [e | {end: renamed.get(e[end], e[end]) for end in ("from", "to")} for e in made])
