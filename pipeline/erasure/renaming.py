"""Renames all listeners of a workspace: from ids to tokens, or from tokens without a secret to tokens under a key.

What nights leave to each other is renamed; what a night makes anew is deleted. The key is recorded last: until then no
night starts, and after a crash the same command completes the work.
"""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.erasure.events import rename_events
from pipeline.erasure.releases import change_releases
from pipeline.erasure.requests import names_waiting_before_tokens, pending, replace_pending
from pipeline.erasure.tables import change_below
from pipeline.errors import NetgainError, ParamsError
from pipeline.identity.key import record_key
from pipeline.identity.tokens import OPEN_KEY, TOKEN, fingerprint, token_of, tokens_of
from pipeline.logs.formats import formats_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import Landing, owner_of, parse_landing, shown_path
from pipeline.logs.manifest import TABLE as LANDED
from pipeline.logs.replay import read_again
from pipeline.releases.release import current_name, open_release
from pipeline.settings import Settings
from pipeline.stages.layout import Layout
from pipeline.state.rows import Entry, entries, transaction
from pipeline.storage.json_files import read_json, write_json

_MADE_ANEW = ("data", "night", ".netgain/cache", ".netgain/tuning", ".dvc/cache/files", ".dvc/tmp/exps")


@dataclass(frozen=True)
class Renamed:
    """What a renaming did: Parquet files and releases with new names, and listeners whose ids were not found."""

    files: int
    releases: int
    lost: int = 0


def ids_to_tokens(settings: Settings, key: bytes) -> Renamed:
    """Rename the listeners of an earlier version, whose names are ids, or pseudonyms under the same key.

    Raises:
        ParamsError: they are pseudonyms under a key that is not set.
    """
    keyed = _pseudonyms_under(settings, key)
    waiting = names_waiting_before_tokens(settings.state)
    if waiting:
        replace_pending(settings.state, {token_of(name, key) for name in waiting})
    if keyed:
        return _rename(settings, key, lambda names: names, lambda path, _: path)
    return _rename(settings, key, lambda names: tokens_of(names, key), lambda path, own: _shown(path, own, key))


def open_to_secret(settings: Settings, key: bytes) -> Renamed:
    """Rename all listeners from tokens without a secret to tokens under a key.

    The ids come from the landed files. A listener without a landed play any more cannot be renamed, and is removed.

    Raises:
        ParamsError: erasures wait, which the next night must carry out first.
        LandingError: the landed files of a night are not there.
    """
    if pending(settings.state).tokens:
        raise ParamsError(
            "listeners wait to be erased",
            expected="no request",
            fix="Run the night, without the key, that erases them.",
        )
    new = {token_of(each, OPEN_KEY): token_of(each, key) for each in _landed_ids(settings)}
    lost: set[str] = set()
    for (root, format), landing in _landings(settings).items():
        lost |= rename_events(settings.state, landing, new, root=root, format=format)

    def rename(names: pl.Series) -> pl.Series:
        lost.update(name for name in names.unique() if name is not None and TOKEN.fullmatch(name) and name not in new)
        return pl.Series([new.get(n) if TOKEN.fullmatch(n) else n for n in names], dtype=pl.String)

    done = _rename(settings, key, rename, lambda path, _: _with_tokens(path, new))
    for path in _texts(settings):
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        if (changed := _with_tokens(text, new)) != text:
            path.write_text(changed, encoding="utf-8", errors="surrogateescape")
    return Renamed(done.files, done.releases, len(lost))


def _rename(
    settings: Settings,
    key: bytes,
    rename: Callable[[pl.Series], pl.Series],
    repath: Callable[[str, bool], str],
) -> Renamed:
    mine = fingerprint(key)
    changed = change_below([settings.ledger, settings.mlflow_artifacts], rename, id_key=mine)
    _repath_reports(settings.mlflow_artifacts, repath)
    releases = change_releases(settings.releases, settings.state, rename, id_key=mine)
    for folder in _MADE_ANEW:
        shutil.rmtree(settings.workspace / folder, ignore_errors=True)
    settings.landing_cache.unlink(missing_ok=True)
    own: dict[tuple[str, str], bool] = {}
    with transaction(settings.state) as state:
        landed = state.entries(LANDED)
        state.replace(LANDED, [_repathed(entry, settings, repath, own) for entry in landed])
        record_key(state, key)
    return Renamed(len(changed), len(releases))


def _repathed(
    entry: Entry, settings: Settings, repath: Callable[[str, bool], str], own: dict[tuple[str, str], bool]
) -> Entry:
    place = (entry["root"], entry["format"])
    if place not in own:
        own[place] = _by_folder(settings.workspace / place[0], place[1])
    mine = own[place]
    changed: Entry = {name: repath(entry[name], mine) for name in ("path", "as") if name in entry}
    if "files" in entry:
        changed["files"] = [file | {"path": repath(file["path"], mine)} for file in entry["files"]]
        changed["withdrawn"] = [repath(path, mine) for path in entry["withdrawn"]]
    return entry | changed


def _by_folder(root: Path, format: str) -> bool:
    """Return whether the folders of a landing root were listeners'; if its column map is gone, that they were."""
    try:
        return any(each.by_folder(root) for each in formats_of(format))
    except NetgainError:
        return True


def _repath_reports(folder: Path, repath: Callable[[str, bool], str]) -> None:
    """Rename the folders of listeners in the copies of ingest.json that earlier nights left in MLflow."""
    for path in sorted(folder.rglob("ingest.json")) if folder.is_dir() else ():
        report = read_json(path)
        own = bool(report.pop("own_folders", False))
        files = [file | {"path": repath(file["path"], own)} for file in report.get("files", ())]
        write_json(path, report | {"files": files})


def _shown(path: str, own: bool, key: bytes) -> str:
    return path if not own or owner_of(path) else shown_path(path, key)


def _with_tokens(text: str, new: Mapping[str, str]) -> str:
    return TOKEN.sub(lambda match: new.get(match[0], match[0]), text)


def _texts(settings: Settings) -> list[Path]:
    """Return the pages and reports in which a path may hold a token."""
    found: list[Path] = []
    for folder in (settings.reports, settings.mlflow_artifacts):
        found += [path for ending in ("json", "html") for path in sorted(folder.rglob(f"*.{ending}"))]
    return found


def _landed_ids(settings: Settings) -> set[str]:
    """Return the ids of all listeners in the landed files of all nights.

    Raises:
        LandingError: a landing root is gone, or a file in it cannot be read.
    """
    found: set[str] = set()
    for landing in _landings(settings).values():
        for file in landing.files:
            if not landing.format_of(file).pseudonymised:
                found |= set(read_again(landing, file).plays["listener_id"].unique().to_pylist())
    return found


def _landings(settings: Settings) -> dict[tuple[str, str], Landing]:
    """Return the landed files of all nights, by landing root and format as the manifest names them."""
    found = {}
    for root, format in sorted({(e["root"], e["format"]) for e in entries(settings.state, LANDED)}):
        inventory = take_inventory(settings.workspace / root, format, workspace=settings.workspace)
        found[root, format] = parse_landing(inventory, workspace=settings.workspace)
    return found


def _pseudonyms_under(settings: Settings, key: bytes) -> bool:
    """Return whether the names of an earlier version are pseudonyms under this key, which tokens are as well.

    Raises:
        ParamsError: they are pseudonyms under another key.
    """
    opened = Layout(settings.workspace).landing
    known: Any = read_json(opened).get("id_key") if opened.exists() else None
    if known is not None and known != fingerprint(key):
        raise ParamsError(
            "the names of earlier nights are pseudonyms under another key",
            expected=f"NETGAIN_ID_KEY with the fingerprint {known}",
            fix="Set it from your secret store.",
        )
    if known is not None or opened.exists() or key == OPEN_KEY:
        return known is not None
    name = current_name(settings.releases)
    if name is None:
        return False
    names = pl.read_parquet(open_release(settings.releases, name).lists, columns=["listener_id"])["listener_id"]
    return bool(names.str.contains(f"^{TOKEN.pattern}$").all())
