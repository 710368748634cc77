"""Where a release comes from, told from its manifest alone: model, parameters, code and landed files."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pipeline.logs.formats import format_of
from pipeline.releases.release import Release

_MOST = 2_000
"""More landed files are given by number and digest alone."""


def landed_files(inventory: Mapping[str, Any]) -> dict[str, Any]:
    """Return the files that a night read, for the manifest of its release.

    A file in a listener's folder is given by its checksum alone, as its path names the listener.

    Args:
        inventory: landing.json.

    Returns:
        `n`, `sha256` of the whole inventory and `files`, each with `sha256`, `bytes` and, where it names no listener,
        `path`; no `files` if there are too many.
    """
    facts = []
    for file in inventory["files"]:
        name = file.get("format") or inventory["format"]
        own = format_of(name).listener_folders is not False
        facts.append({"bytes": file["bytes"], "sha256": file["sha256"]} | ({} if own else {"path": file["path"]}))
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return {"n": len(facts), "sha256": digest} | ({"files": facts} if len(facts) <= _MOST else {})


def provenance(release: Release) -> dict[str, Any]:
    """Return where a release comes from.

    Returns:
        `release`, `as_of`, `previous`, `recipe`, `family`, `fit` (the checksum of the served model's description and
        arrays), `hyperparameters`, `verdict`, `sentence`, `code` (the commit), `params` (their digest), `landed`,
        and `newcomers` (how well the night measured lists of newcomers);
        None where the release does not say.
    """
    manifest, origin = release.manifest, release.manifest["origin"]
    files = {path: fact["sha256"] for path, fact in manifest["files"].items() if path.startswith("model/")}
    fit = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest() if files else None
    recipes = (origin.get("parameters") or {}).get("recipes") or {}
    return {
        "release": release.id,
        "as_of": manifest["as_of"],
        "previous": release.previous,
        "recipe": release.recipe,
        "family": manifest.get("family"),
        "fit": fit,
        "hyperparameters": recipes.get(release.recipe),
        "verdict": origin.get("verdict"),
        "sentence": origin.get("sentence"),
        "code": origin.get("code"),
        "params": origin.get("params"),
        "landed": origin.get("landed"),
        "newcomers": origin.get("newcomers"),
    }
