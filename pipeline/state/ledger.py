"""The ledger: every look at challengers, and every override, one JSON line each; beside a look, a table of each
listener's influence on it."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.gate.comparison import EarlierSeeds
from pipeline.gate.pooling import POOLED_NIGHTS, Look, add_up
from pipeline.gate.spending import RECENT_NIGHTS, History, Override, look_number
from pipeline.state.journal import append, read_lines, write_lines
from pipeline.storage.tables import INFLUENCE, conform, read_table, write_table

LOOKS, OVERRIDES, INFLUENCES = "looks.jsonl", "overrides.jsonl", "influence"
PairKey = Callable[[str, str], str | None]
"""Champion and challenger to the digest of both and of how they are measured; None where one is unknown."""


def history(
    ledger: Path, *, as_of: dt.date, inputs: str, recipes: dict[str, str], pair_key: PairKey
) -> tuple[History, pa.Table]:
    """What the nights before `as_of` leave to it, and the influences (INFLUENCE) of its earlier looks, summed.

    Args:
        ledger: the ledger's folder; none is an empty one.
        as_of: the night.
        inputs: digest of the night's parameters, logs and served release.
        recipes: for each recipe, a digest of its hyperparameters: other ones vary otherwise.
        pair_key: looks at other hyperparameters, or measured otherwise, are not pooled with tonight's.

    Raises:
        TableError: a line of the ledger, or a table of influences, cannot be read.
    """
    looks = read_lines(ledger / LOOKS)
    before = {entry["as_of"]: entry for entry in looks if entry["as_of"] < as_of.isoformat()}  # the last of each date
    recent = [before[day] for day in sorted(before)[-RECENT_NIGHTS:]]
    seeds = {
        name: tuple(
            EarlierSeeds(found["relative_variance"], found["df"], found["of_means"])
            for found in (entry["seeds"].get(name) for entry in recent)
            if found and found["recipe"] == digest
        )
        for name, digest in recipes.items()
    }
    pairs = _same_pairs(ledger, before, as_of, pair_key)
    known = History(
        look=look_number(looks, as_of=as_of, inputs=inputs),
        champion=recent[-1]["gate_recipe"] if recent else None,
        seeds={name: found for name, found in seeds.items() if found},
        override=_in_force(ledger, as_of),
        pairs={name: add_up([look for _, look in found]) for name, found in pairs.items()},
    )
    return known, _summed(ledger, {name: [day for day, _ in found] for name, found in pairs.items()})


def add_look(ledger: Path, entry: dict[str, Any], influences: pa.Table | None = None) -> bool:
    """Enter a look; the same night with the same inputs is entered once, as it came out last.

    Args:
        ledger: the ledger's folder.
        entry: the look; `pairs` holds, for each challenger, what a `Look` does.
        influences: table of INFLUENCE, of the challengers in `pairs`.

    Returns:
        Whether it is a new one.
    """
    if influences is not None:
        write_table(_influences(ledger, entry["as_of"]), influences, INFLUENCE)
        _forget(ledger, dt.date.fromisoformat(entry["as_of"]))
    looks = read_lines(ledger / LOOKS)
    others = [look for look in looks if (look["as_of"], look["inputs"]) != (entry["as_of"], entry["inputs"])]
    if entry not in looks:
        write_lines(ledger / LOOKS, [*others, entry])
    return len(others) == len(looks)


def add_override(ledger: Path, override: dict[str, Any]) -> None:
    """Enter an override; a later one takes the place of an earlier one, which stays on record."""
    append(ledger / OVERRIDES, override)


def _same_pairs(
    ledger: Path, before: dict[str, dict[str, Any]], as_of: dt.date, pair_key: PairKey
) -> dict[str, list[tuple[str, Look]]]:
    """For each challenger, its looks against the champion of the last look, the nearest first; a look at another
    champion ends the row."""
    first = (as_of - dt.timedelta(days=POOLED_NIGHTS)).isoformat()
    found: dict[str, list[tuple[str, Look]]] = {}
    champion = None
    for day in sorted((day for day in before if day >= first), reverse=True):
        pairs = {name: Look(**look) for name, look in before[day].get("pairs", {}).items()}
        if not pairs or not _influences(ledger, day).exists():
            continue
        champion = champion or next(iter(pairs.values())).champion
        if any(look.champion != champion for look in pairs.values()):
            break
        for name, look in pairs.items():
            if look.key == pair_key(champion, name):
                found.setdefault(name, []).append((day, look))
    return found


def _summed(ledger: Path, days: dict[str, list[str]]) -> pa.Table:
    wanted = {day for each in days.values() for day in each}
    if not wanted:
        return INFLUENCE.empty_table()
    parts = [
        pl.DataFrame(read_table(_influences(ledger, day), INFLUENCE)).filter(
            pl.col("challenger").is_in([name for name, each in days.items() if day in each])
        )
        for day in sorted(wanted)
    ]
    keys = ["challenger", "listener_id"]
    return conform(
        pl.concat(parts).group_by(keys, maintain_order=True).agg(pl.col("influence").sum()).sort(keys).to_arrow(),
        INFLUENCE,
    )


def _influences(ledger: Path, day: str) -> Path:
    return ledger / INFLUENCES / f"{day}.parquet"


def _forget(ledger: Path, as_of: dt.date) -> None:
    """Remove influences that no night to come will pool."""
    last = as_of - dt.timedelta(days=2 * POOLED_NIGHTS)  # a backfill of the last weeks still finds what it needs
    for path in (ledger / INFLUENCES).glob("*.parquet"):
        if path.stem < last.isoformat():
            path.unlink()


def _in_force(ledger: Path, as_of: dt.date) -> Override | None:
    found = [o for o in read_lines(ledger / OVERRIDES) if o["since"] <= as_of.isoformat() <= o["until"]]
    return Override(**{key: found[-1][key] for key in ("recipe", "by", "reason", "since", "until")}) if found else None
