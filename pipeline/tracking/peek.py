"""Queries of the embedded store without MLflow, whose import and start take five seconds.

A repeated run of a night has nothing to record, and finds this out here in milliseconds. A query can only confirm that
everything is recorded; in all other cases (a server, another schema, a missing file) MLflow itself is asked.
"""

import sqlite3
from pathlib import Path

_RECORDED = """
select 1 from runs join tags on tags.run_uuid = runs.run_uuid
where tags.key = ? and tags.value = ? and runs.status = 'FINISHED' and runs.lifecycle_stage = 'active'
  and exists (
    select 1 from model_version_tags t join model_versions v on v.name = t.name and v.version = t.version
    where t.key = ? and t.value = ? and v.current_stage <> 'Deleted_Internal'
  )
"""

_ALIAS = "select version from registered_model_aliases where name = ? and alias = ?"

_PROMOTED = """
select a.version from registered_model_aliases a
join model_version_tags t on t.name = a.name and t.version = a.version
where a.name = ? and a.alias = ? and t.key = ? and t.value = ?
"""


def is_recorded(uri: str, *, run_tag: tuple[str, str], version_tag: tuple[str, str]) -> bool:
    """Return whether a finished run and a model version with these tags exist."""
    return _one(uri, _RECORDED, (*run_tag, *version_tag)) is not None


def is_promoted(uri: str, *, model: str, alias: str, version_tag: tuple[str, str]) -> str | None:
    """Return the version that the alias names if it has this tag, else None."""
    return _one(uri, _PROMOTED, (model, alias, *version_tag))


def alias_of(uri: str, *, model: str, alias: str) -> str | None:
    """Return the version that an alias names, or None."""
    return _one(uri, _ALIAS, (model, alias))


def _one(uri: str, query: str, values: tuple[str, ...]) -> str | None:
    path = Path(uri.removeprefix("sqlite:///"))
    if not uri.startswith("sqlite:///") or not path.is_file():
        return None
    try:
        store = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            row = store.execute(query, values).fetchone()
        finally:
            store.close()
    except sqlite3.Error:
        return None
    return None if row is None else str(row[0])
