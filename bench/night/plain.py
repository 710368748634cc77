"""A plain script without a gate: ingests a day, merges it, fits every recipe equally often, and makes all lists.

    python -m bench.night.plain history FOLDER LANDING      # days so far, into FOLDER: not timed
    python -m bench.night.plain night FOLDER FILE AS_OF

No validation, no quarantine, no checksums, no record, no comparison, nothing kept but the last lists.
"""

import datetime as dt
import gzip
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import scipy.sparse as sp

from pipeline.configuration import Params, load_params
from pipeline.recommenders.interactions import Interactions, Tuning
from pipeline.recommenders.registry import FAMILIES, build
from pipeline.recommenders.scoring import recommend_all

TEXT = ["listener_id", "played_at", "artist_id", "artist_name", "track_id", "track_name"]
SCHEMA = {**dict.fromkeys(TEXT, pl.String), "ms_played": pl.Int64}
COUNTS = pl.col("ms_played").is_null() | (pl.col("ms_played") >= 30_000)


def take_in(path: Path, folder: Path) -> None:
    """Return a landed file's distinct plays, counted by listener and artist."""
    lines = gzip.decompress(path.read_bytes()).splitlines(True)
    whole = b"".join(line for line in lines if line.startswith(b"{") and line.endswith(b"}\n"))
    plays = pl.read_ndjson(whole, schema=SCHEMA, ignore_errors=True)
    plays = plays.with_columns(pl.col("played_at").str.to_datetime(time_zone="UTC", strict=False))
    plays = plays.drop_nulls(["listener_id", "played_at", "artist_name", "track_name"])
    plays = plays.unique(["listener_id", "played_at", "artist_id", "track_id", "ms_played"])
    plays = plays.with_columns(day=pl.col("played_at").dt.date()).sort("day", "listener_id", "played_at")
    (folder / "plays").mkdir(parents=True, exist_ok=True)
    (folder / "daily").mkdir(exist_ok=True)
    plays.write_parquet(folder / "plays" / f"{path.name}.parquet")
    counted = plays.filter(COUNTS).group_by("day", "listener_id", "artist_name").agg(pl.len().alias("n"))
    counted.sort("day", "listener_id", "artist_name").write_parquet(folder / "daily" / f"{path.name}.parquet")


def matrix(daily: pl.DataFrame, *, until: dt.date, half_life_days: float) -> tuple[Interactions, pl.Series, pl.Series]:
    """Return recency-weighted plays before a day, with the ids of rows and columns."""
    before = daily.filter(pl.col("day") < until).with_columns(
        age=(pl.lit(until) - pl.col("day")).dt.total_days().cast(pl.Int32) - 1
    )
    pairs = before.group_by("listener_id", "artist_name").agg(
        weight=(pl.col("n") * 2.0 ** (-pl.col("age") / half_life_days)).sum(), age=pl.col("age").min()
    )
    listeners, items = (pairs[name].unique().sort() for name in ("listener_id", "artist_name"))
    row = pairs["listener_id"].cast(pl.Enum(listeners)).to_physical().to_numpy()
    column = pairs["artist_name"].cast(pl.Enum(items)).to_physical().to_numpy()
    order = np.lexsort((column, row))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=len(listeners)))])
    weights = sp.csr_matrix(
        (pairs["weight"].to_numpy()[order].astype(np.float32), column[order].astype(np.int32), indptr),
        shape=(len(listeners), len(items)),
    )
    return Interactions(weights, pairs["age"].to_numpy()[order]), listeners, items


def tuning(daily: pl.DataFrame, params: Params, *, decision_from: dt.date) -> Tuning:
    """Return the split on which a blend learns its weights."""
    since = decision_from - dt.timedelta(days=params.split.tuning_days)
    earlier, listeners, items = matrix(daily, until=since, half_life_days=params.interactions.half_life_days)
    played = daily.filter((pl.col("day") >= since) & (pl.col("day") < decision_from))
    played = played.select("listener_id", "artist_name").unique()
    rows = played["listener_id"].cast(pl.Enum(listeners), strict=False).to_physical()
    columns = played["artist_name"].cast(pl.Enum(items), strict=False).to_physical()
    known = (rows.is_not_null() & columns.is_not_null()).to_numpy()
    pairs = (rows.fill_null(0).to_numpy()[known], columns.fill_null(0).to_numpy()[known])
    relevant = sp.csr_matrix((np.ones(int(known.sum()), np.bool_), pairs), shape=earlier.weights.shape)
    relevant = sp.csr_matrix(relevant > earlier.weights.astype(bool))  # what is new to them
    return Tuning(earlier, relevant, np.diff(relevant.indptr).astype(np.int32), only_new=True)


def night(folder: Path, landed: Path, as_of: dt.date) -> None:
    """Do what a night does for its lists."""
    params = load_params(Path("params.yaml"))
    take_in(landed, folder)
    daily = pl.read_parquet(folder / "daily" / "*.parquet")
    decision_from = as_of - dt.timedelta(days=params.split.decision_days)
    half_life = params.interactions.half_life_days
    train, *_ = matrix(daily, until=decision_from, half_life_days=half_life)
    train = Interactions(train.weights, train.age_days, tuning(daily, params, decision_from=decision_from))
    best: Any = None
    with ExitStack() as stack:
        for recipe in params.recipes.values():
            family = FAMILIES[recipe.family]
            if not family.runs_in_task:
                from pipeline.runtime.spark_session import spark_session
                from pipeline.settings import load_settings

                stack.enter_context(spark_session(load_settings()))
            for seed in range(params.gate.seeds if family.stochastic else 1):
                model = build(recipe).fit(train, rng=np.random.default_rng(seed))
                everyone(model, train, k=params.evaluation.k)
    whole, *_ = matrix(daily, until=as_of, half_life_days=half_life)
    for name in ("popular", "rp3beta"):  # the lists of the night's champion, and those for strangers
        best = build(params.recipes[name]).fit(whole, rng=np.random.default_rng(0))
        np.save(folder / f"{name}.npy", everyone(best, whole, k=params.lists.n_items).items)


def everyone(model: Any, interactions: Interactions, *, k: int) -> Any:
    return recommend_all(model, n_listeners=interactions.n_listeners, k=k, exclude=interactions.weights)


def main() -> None:
    command, folder, where, *rest = sys.argv[1:]
    if command == "history":
        for path in sorted(Path(where).glob("*.jsonl.gz")):
            take_in(path, Path(folder))
    else:
        night(Path(folder), Path(where), dt.date.fromisoformat(rest[0]))


if __name__ == "__main__":
    main()
