"""Copies that people made in the workspace: exports of the quarantine, files of requests, temporary experiments."""

import shutil
from collections.abc import Collection
from pathlib import Path

from pipeline.errors import NetgainError
from pipeline.logs.formats import formats_of
from pipeline.logs.landing import owner_of, shown_path
from pipeline.logs.mentions import candidates
from pipeline.logs.pseudonyms import PrivacyRules, pseudonymise
from pipeline.logs.reading import Source
from pipeline.logs.reasons import Reason
from pipeline.logs.replay import ROWS_FILE, export_of
from pipeline.storage.json_files import read_json


def remove_exports(workspace: Path, privacy: PrivacyRules, tokens: Collection[str], *, but: Path) -> int:
    """Remove exports of the quarantine that hold a row of an erased listener, mended or not; return how many.

    They can be exported again, without that listener's rows.

    Args:
        workspace: where exports are looked for.
        privacy: the rules of the night.
        tokens: of the erased.
        but: the folder of programs, which is left out.
    """
    n_removed = 0
    for rows in sorted(workspace.rglob(f"*{ROWS_FILE}")):
        exported = export_of(rows)
        if rows.is_relative_to(but) or not exported.is_file() or not _is_theirs(exported, rows, privacy, set(tokens)):
            continue
        exported.unlink()
        rows.unlink()
        n_removed += 1
    return n_removed


def _is_theirs(exported: Path, rows: Path, privacy: PrivacyRules, tokens: set[str]) -> bool:
    """Return whether an export holds a row of an erased listener; if it cannot be read by its format, any mention
    counts."""
    data = exported.read_bytes()
    try:
        origin = read_json(rows)
        path = str(origin["path"])
        if {owner_of(path), owner_of(shown_path(path, privacy.key))} & tokens:
            return True
        formats = [each for each in formats_of(origin["format"]) if each.takes(path)]
        found = [
            pseudonymise(
                each.read(data, Source(path, raw_bytes=None)), privacy, are_tokens=each.pseudonymised
            ).quarantine
            for each in formats
            if not each.needs_columns
        ]
    except (NetgainError, KeyError, TypeError):
        found = []
    if any(Reason.ERASED.value in table["reason"].to_pylist() for table in found):
        return True
    assert privacy.erased is not None
    mentioned = {text for line in data.split(b"\n") for text in candidates(line)} if not found else set()
    return bool(privacy.erased.among(mentioned, privacy.key))


def remove_files_of_requests(workspace: Path, files: Collection[str]) -> int:
    """Remove the files of ids that requests were made with, if they lie in the workspace; return how many."""
    inside = [path for path in map(Path, files) if path.is_file() and path.is_relative_to(workspace)]
    for path in inside:
        path.unlink()
    return len(inside)


def remove_temporary_experiments(workspace: Path) -> int:
    """Remove the folders of DVC's experiments that ran beside the workspace, with copies of its data; return how many.

    Their results are in Git and in DVC's cache, like those of other experiments.
    """
    folders = [path for path in (workspace / ".dvc" / "tmp" / "exps").glob("*") if (path / "dvc.yaml").exists()]
    for folder in folders:
        shutil.rmtree(folder)
    return len(folders)
