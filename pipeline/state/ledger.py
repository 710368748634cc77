"""The ledger: every analysis of challengers, and every override.

What groups of listeners contributed to the comparisons of an analysis is a Parquet file in influence/, named by
date and inputs, and written whole before the row that refers to it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import TypeAdapter

from pipeline.gate.comparison import EarlierSeeds
from pipeline.gate.days import DayDifference
from pipeline.gate.economics import NightCost
from pipeline.gate.pooling import PairNight
from pipeline.gate.spending import ANALYSES as N_POOLED
from pipeline.gate.spending import RECENT_NIGHTS, Approval, Entrant, History, Override, clocks, quarter
from pipeline.state.location import Where, folder_of
from pipeline.state.rows import Rows, append, snapshot, transaction
from pipeline.storage.schemas import INFLUENCE
from pipeline.storage.tables import read_table, write_table

ANALYSES, OVERRIDES = "analyses", "overrides"
APPROVAL = "approval"
"""`kind` of an entry among the overrides that answers a promotion, for its night alone."""
INFLUENCE_FOLDER = "influence"
Entry = dict[str, Any]


def history(
    where: Where,
    *,
    as_of: dt.date,
    inputs: str,
    recipes: Mapping[str, str],
    entrants: Mapping[str, Entrant],
    memory: Mapping[str, str],
    decision_from: dt.date,
    max_entrants: int,
) -> tuple[History, pa.Table]:
    """Return what the nights before `as_of` leave to it, and the influences (INFLUENCE) of the analyses that it pools.

    Args:
        where: the store; one that does not exist is empty.
        as_of: the night.
        inputs: digest of the night's parameters, logs and served release.
        recipes: a digest of each recipe's definition: fits with another one have another variance.
        entrants: tonight's challengers.
        memory: for each comparison of the refresh lane's memory, its key; it reaches back to the promotion.
        decision_from: first day of the decision window.
        max_entrants: challengers that α provides for in a quarter.

    Raises:
        TableError: the database or a table of influences cannot be read.
    """
    with snapshot(where) as state:
        analyses, files = state.entries(ANALYSES), _files(state)
        override, approval = _in_force(state, as_of), _answer(state, as_of)
    before = latest_of_each_night(analyses, as_of)
    recent = before[-RECENT_NIGHTS:]
    seeds = {
        name: tuple(
            EarlierSeeds(found["relative_variance"], found["df"], found["of_means"])
            for found in (entry["seeds"].get(name) for entry in recent)
            if found and found["recipe"] == digest
        )
        for name, digest in recipes.items()
    }
    folder = folder_of(where)
    usable = [entry for entry in before if _name(entry) in files and _path(folder, _name(entry)).exists()]
    pooled = {name: _of_this_quarter(usable, name, each.pair, as_of) for name, each in entrants.items()}
    pooled |= {name: _since_the_promotion(usable, name, key) for name, key in memory.items()}
    known = History(
        champion=recent[-1]["gate_recipe"] if recent else None,
        champion_night=_cost(recent[-1].get("champion_night")) if recent else None,
        seeds={name: found for name, found in seeds.items() if found},
        override=override,
        approval=approval,
        clocks=clocks(
            analyses,
            entrants,
            as_of=as_of,
            inputs=inputs,
            decision_from=decision_from,
            max_entrants=max_entrants,
        ),
        pairs={name: tuple(_night(entry, name) for entry in found) for name, found in pooled.items() if found},
        days={name: days for name, each in entrants.items() if (days := _days(recent, name, each.pair, pooled[name]))},
    )
    return known, _gathered(folder, pooled)


def add_analysis(where: Where, entry: Entry, influences: pa.Table | None = None) -> bool:
    """Enter an analysis; the same night with the same inputs is entered once, with its latest result.

    Args:
        where: the store.
        entry: the analysis; `pairs` holds, for each comparison, `key`, `clock` and the fields of a `PairNight`.
        influences: table of INFLUENCE, of the comparisons in `pairs`.

    Returns:
        Whether it is a new one.
    """
    folder, name = folder_of(where), _name(entry)
    if influences is not None:
        write_table(_path(folder, name), influences, INFLUENCE)
    kept: set[str] | None = None
    with transaction(where) as state:
        if influences is not None:
            kept = _index(state, name, dt.date.fromisoformat(entry["as_of"]))
        analyses = state.entries(ANALYSES)
        known = any(_name(each) == name for each in analyses)
        if entry not in analyses:
            state.remove(ANALYSES, as_of=entry["as_of"], inputs=entry["inputs"])
            state.append(ANALYSES, entry)
    for path in () if kept is None else (folder / INFLUENCE_FOLDER).glob("*.parquet"):
        if kept is not None and path.stem not in kept:
            path.unlink(missing_ok=True)
    return not known


def add_override(where: Where, override: dict[str, Any]) -> None:
    """Enter an override; a later one takes the place of an earlier one, which stays on record."""
    append(where, OVERRIDES, override)


def add_approval(where: Where, as_of: dt.date, approval: Approval) -> None:
    """Enter a person's answer to a night's promotion, beside overrides; of several answers, the last one counts."""
    night = {"kind": APPROVAL, "since": as_of.isoformat(), "until": as_of.isoformat()}
    append(where, OVERRIDES, {**asdict(approval), **night})


def latest_of_each_night(analyses: list[Entry], as_of: dt.date) -> list[Entry]:
    """Return the last entry of each night before `as_of`, the oldest first."""
    found = {entry["as_of"]: entry for entry in analyses if entry["as_of"] < as_of.isoformat()}
    return [found[day] for day in sorted(found)]


def _of_this_quarter(nights: list[Entry], name: str, key: str, as_of: dt.date) -> list[Entry]:
    """Return the nights of this quarter on which a pair was analysed: its boundary is computed for all of them."""
    mine = [night for night in nights if _key(night, name) == key and night["pairs"][name]["clock"]["analysis"]]
    return [night for night in mine if quarter(dt.date.fromisoformat(night["as_of"])) == quarter(as_of)][1 - N_POOLED :]


def _since_the_promotion(nights: list[Entry], name: str, key: str) -> list[Entry]:
    found: list[Entry] = []
    for night in reversed(nights):
        if _key(night, name) != key or len(found) == N_POOLED:
            break
        found.insert(0, night)
    return found


def _days(nights: list[Entry], name: str, key: str, pooled: list[Entry]) -> dict[str, DayDifference]:
    """Return the days of a pair on nights that are not pooled; of one that windows share, the latest figures."""
    others = [night for night in nights if _key(night, name) == key and night not in pooled]
    return {day: part for night in others for day, part in _night(night, name).days.items()}


def _key(night: Entry, name: str) -> str | None:
    """Return the key of a pair, None where it was not analysed, or under the earlier rule, which had no clocks."""
    pair = night["pairs"].get(name, {})
    found: str | None = pair.get("key") if "clock" in pair else None
    return found


def _night(entry: Entry, name: str) -> PairNight:
    fields = {key: value for key, value in entry["pairs"][name].items() if key not in {"key", "clock"}}
    return TypeAdapter(PairNight).validate_python(fields)


def _gathered(folder: Path, pooled: Mapping[str, list[Entry]]) -> pa.Table:
    wanted: dict[str, list[str]] = {}
    for name, nights in pooled.items():
        for night in nights:
            wanted.setdefault(_name(night), []).append(name)
    parts = []
    for file, names in sorted(wanted.items()):
        table = read_table(_path(folder, file), INFLUENCE)
        parts.append(table.filter(pc.is_in(table["challenger"], pa.array(names))))
    return pa.concat_tables(parts) if parts else INFLUENCE.empty_table()


def _name(entry: Entry) -> str:
    """Return the name of an analysis's file: the same date with other inputs is another analysis."""
    return f"{entry['as_of']}-{entry['inputs']}"


def _path(folder: Path, name: str) -> Path:
    return folder / INFLUENCE_FOLDER / f"{name}.parquet"


def _files(state: Rows) -> set[str]:
    import sqlalchemy as sa

    from pipeline.state.schema import INFLUENCES

    return set(state.connection.execute(sa.select(INFLUENCES.c.name)).scalars())


def _index(state: Rows, name: str, as_of: dt.date) -> set[str]:
    """Enter an analysis's file; take out those that no later night will pool, and return the rest."""
    import sqlalchemy as sa

    from pipeline.state.schema import INFLUENCES

    column, connection = INFLUENCES.c.name, state.connection
    connection.execute(sa.delete(INFLUENCES).where(column == name))
    connection.execute(sa.insert(INFLUENCES).values(name=name))
    # A backfill of the last weeks still finds what it needs.
    last = (as_of - dt.timedelta(days=4 * N_POOLED)).isoformat()
    connection.execute(sa.delete(INFLUENCES).where(column < last))
    return _files(state)


def _cost(found: dict[str, Any] | None) -> NightCost | None:
    return None if found is None else NightCost(**found)


def _in_force(state: Rows, as_of: dt.date) -> Override | None:
    entries = [o for o in state.entries(OVERRIDES) if o.get("kind") != APPROVAL]
    found = [o for o in entries if o["since"] <= as_of.isoformat() <= o["until"]]
    return Override(**{key: found[-1][key] for key in ("recipe", "by", "reason", "since", "until")}) if found else None


def _answer(state: Rows, as_of: dt.date) -> Approval | None:
    night = as_of.isoformat()
    found = [o for o in state.entries(OVERRIDES) if o.get("kind") == APPROVAL and o["since"] == night]
    return Approval(**{key: found[-1][key] for key in ("recipe", "by", "reason", "granted")}) if found else None
