"""Removes erased listeners from releases. A release that contains one is rebuilt without it; as its content and
therefore its id change, references to the old id are updated."""

import shutil
from pathlib import Path
from typing import Any

from pipeline.erasure.tables import purge_below
from pipeline.logs.pseudonyms import Erased
from pipeline.releases.current import locked, set_current
from pipeline.releases.release import NOT_CONTENT, Release, id_of, list_releases
from pipeline.releases.rollback import TABLE as ROLLBACKS
from pipeline.serving.contents import index_anew
from pipeline.state.location import Where
from pipeline.state.rows import entries, transaction
from pipeline.storage.atomic import sync_folder
from pipeline.storage.checksums import digests
from pipeline.storage.json_files import write_json
from pipeline.storage.orphans import PREFIX, remove_orphans

_MAKING = f"{PREFIX}erasing-"


def purge_releases(root: Path, state: Where, erased: Erased) -> dict[str, str]:
    """Rebuild every release that contains an erased listener, those kept for rollback included.

    After a crash at any point, CURRENT names a complete release; running again completes the work.

    Returns:
        Old ids → new ids.

    Raises:
        ReleaseError: a release has no readable manifest.
    """
    if not root.is_dir():
        return {}
    with locked(root):
        remove_orphans(root)
        renamed = {old.id: new for old in list_releases(root) if (new := _anew(root, old, erased))}
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


def _anew(root: Path, release: Release, erased: Erased) -> str | None:
    """Build the release without erased listeners and return its id; None if it contains none."""
    making = root / f"{_MAKING}{release.id}"
    shutil.copytree(release.folder, making)
    if not purge_below([making], erased):
        shutil.rmtree(making)
        return None
    index_anew(making)
    content: dict[str, Any] = {k: v for k, v in release.manifest.items() if k not in NOT_CONTENT}
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
