"""The ledger: every interim analysis of challengers, and every override. The table of each listener's influence on an
analysis is a Parquet file in influence/, written whole before the row that refers to it."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.gate.comparison import EarlierSeeds
from pipeline.gate.pooling import POOLED_NIGHTS, Look, add_up
from pipeline.gate.spending import RECENT_NIGHTS, History, Override, look_number
from pipeline.state.location import Where, folder_of
from pipeline.state.rows import Rows, append, snapshot, transaction
from pipeline.storage.schemas import INFLUENCE
from pipeline.storage.tables import conform, read_table, write_table

ANALYSES, OVERRIDES = "analyses", "overrides"
INFLUENCE_FOLDER = "influence"
PairKey = Callable[[str, str], str | None]
"""Champion and challenger to the digest of both and of how they are measured; None if one is unknown."""


def history(
    where: Where, *, as_of: dt.date, inputs: str, recipes: dict[str, str], pair_key: PairKey
) -> tuple[History, pa.Table]:
    """Return what the nights before `as_of` leave to it, and the summed influences (INFLUENCE) of its earlier analyses.

    Args:
        where: the store; one that does not exist is empty.
        as_of: the night.
        inputs: digest of the night's parameters, logs and served release.
        recipes: a digest of each recipe's hyperparameters: fits with other ones have another variance.
        pair_key: analyses of other hyperparameters, or measured otherwise, are not pooled with tonight's.

    Raises:
        TableError: the database or a table of influences cannot be read.
    """
    with snapshot(where) as state:
        analyses, indexed = state.entries(ANALYSES), _nights_with_influences(state)
        override = _in_force(state, as_of)
    before = {
        entry["as_of"]: entry for entry in analyses if entry["as_of"] < as_of.isoformat()
    }  # the last of each date
    recent = [before[day] for day in sorted(before)[-RECENT_NIGHTS:]]
    seeds = {
        name: tuple(
            EarlierSeeds(found["relative_variance"], found["df"], found["of_means"])
            for found in (entry["seeds"].get(name) for entry in recent)
            if found and found["recipe"] == digest
        )
        for name, digest in recipes.items()
    }
    nights = {day for day in indexed if _influences(folder_of(where), day).exists()}
    pairs = _same_pairs(before, nights, as_of, pair_key)
    known = History(
        look=look_number(analyses, as_of=as_of, inputs=inputs),
        champion=recent[-1]["gate_recipe"] if recent else None,
        seeds={name: found for name, found in seeds.items() if found},
        override=override,
        pairs={name: add_up([look for _, look in found]) for name, found in pairs.items()},
    )
    return known, _summed(folder_of(where), {name: [day for day, _ in found] for name, found in pairs.items()})


def add_look(where: Where, entry: dict[str, Any], influences: pa.Table | None = None) -> bool:
    """Enter an analysis; the same night with the same inputs is entered once, with its latest result.

    Args:
        where: the store.
        entry: the analysis; `pairs` holds the fields of a `Look` for each challenger.
        influences: table of INFLUENCE, of the challengers in `pairs`.

    Returns:
        Whether it is a new one.
    """
    as_of, folder = entry["as_of"], folder_of(where)
    if influences is not None:
        write_table(_influences(folder, as_of), influences, INFLUENCE)
    forgotten: list[str] = []
    with transaction(where) as state:
        if influences is not None:
            forgotten = _index_influences(state, dt.date.fromisoformat(as_of))
        analyses = state.entries(ANALYSES)
        known = any((each["as_of"], each["inputs"]) == (as_of, entry["inputs"]) for each in analyses)
        if entry not in analyses:
            state.remove(ANALYSES, as_of=as_of, inputs=entry["inputs"])
            state.append(ANALYSES, entry)
    for day in forgotten:
        _influences(folder, day).unlink(missing_ok=True)
    return not known


def add_override(where: Where, override: dict[str, Any]) -> None:
    """Enter an override; a later one takes the place of an earlier one, which stays on record."""
    append(where, OVERRIDES, override)


def _same_pairs(
    before: dict[str, dict[str, Any]], nights: set[str], as_of: dt.date, pair_key: PairKey
) -> dict[str, list[tuple[str, Look]]]:
    """Return each challenger's analyses against the champion of the last one, the nearest first; an analysis against
    another champion ends the row."""
    first = (as_of - dt.timedelta(days=POOLED_NIGHTS)).isoformat()
    found: dict[str, list[tuple[str, Look]]] = {}
    champion = None
    for day in sorted((day for day in before if day >= first), reverse=True):
        pairs = {name: Look(**look) for name, look in before[day].get("pairs", {}).items()}
        if not pairs or day not in nights:
            continue
        champion = champion or next(iter(pairs.values())).champion
        if any(look.champion != champion for look in pairs.values()):
            break
        for name, look in pairs.items():
            if look.key == pair_key(champion, name):
                found.setdefault(name, []).append((day, look))
    return found


def _summed(folder: Path, days: dict[str, list[str]]) -> pa.Table:
    wanted = {day for each in days.values() for day in each}
    if not wanted:
        return INFLUENCE.empty_table()
    parts = [
        pl.DataFrame(read_table(_influences(folder, day), INFLUENCE)).filter(
            pl.col("challenger").is_in([name for name, each in days.items() if day in each])
        )
        for day in sorted(wanted)
    ]
    keys = ["challenger", "listener_id"]
    return conform(
        pl.concat(parts).group_by(keys, maintain_order=True).agg(pl.col("influence").sum()).sort(keys).to_arrow(),
        INFLUENCE,
    )


def _influences(folder: Path, day: str) -> Path:
    return folder / INFLUENCE_FOLDER / f"{day}.parquet"


def _nights_with_influences(state: Rows) -> set[str]:
    import sqlalchemy as sa

    from pipeline.state.schema import INFLUENCES

    return set(state.connection.execute(sa.select(INFLUENCES.c.as_of)).scalars())


def _index_influences(state: Rows, as_of: dt.date) -> list[str]:
    """Enter a night's influences; take out, and return, nights whose influences no later night will pool."""
    import sqlalchemy as sa

    from pipeline.state.schema import INFLUENCES

    column, connection = INFLUENCES.c.as_of, state.connection
    connection.execute(sa.delete(INFLUENCES).where(column == as_of.isoformat()))
    connection.execute(sa.insert(INFLUENCES).values(as_of=as_of.isoformat()))
    # A backfill of the last weeks still finds what it needs.
    last = (as_of - dt.timedelta(days=2 * POOLED_NIGHTS)).isoformat()
    old = list(connection.execute(sa.select(column).where(column < last)).scalars())
    connection.execute(sa.delete(INFLUENCES).where(column < last))
    return old


def _in_force(state: Rows, as_of: dt.date) -> Override | None:
    found = [o for o in state.entries(OVERRIDES) if o["since"] <= as_of.isoformat() <= o["until"]]
    return Override(**{key: found[-1][key] for key in ("recipe", "by", "reason", "since", "until")}) if found else None
