"""Weeks ahead: what was played before a day, and what was played in the seven days from it on."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import scipy.sparse as sp

from bench.real.plays import START
from pipeline.features.interactions import build_interactions, save_interactions
from pipeline.features.lists import rows_of
from pipeline.features.order import follows_of_day
from pipeline.features.splitting import relevant_items, split_by_time
from pipeline.features.tuning import load_tuning
from pipeline.params.interactions import InteractionParams
from pipeline.params.split import SplitParams
from pipeline.recommenders.interactions import Interactions
from pipeline.storage.schemas import LISTENER_MAP, RELEVANT
from pipeline.storage.tables import read_table, write_table


@dataclass(frozen=True)
class Window:
    """A week ahead.

    Attributes:
        day: its first day, counted from the listeners' first play.
        interactions: what was played before it, with the tuning window.
        listeners: ids of the judges, those who played something relevant in the week.
        rows: int32, their rows in `interactions`.
        heard: CSR of shape (judges, items), what each played before.
        relevant: CSR bool of the same shape, what each played in the week, new or not.
        n_new, n_known: int32 of shape (judges,), relevant items that were new to the listener, and that were not. Items
            that nobody played before count among the new ones: they were missed.
    """

    day: int
    interactions: Interactions
    listeners: list[str]
    rows: npt.NDArray[np.int32]
    heard: sp.csr_matrix
    relevant: sp.csr_matrix
    n_new: npt.NDArray[np.int32]
    n_known: npt.NDArray[np.int32]


def evenly(n: int, *, first: int, last: int) -> list[int]:
    """Return n days from `first` to `last`, evenly apart, each once.

    Examples:
        >>> evenly(3, first=60, last=100)
        [60, 80, 100]
    """
    return sorted({round(day) for day in np.linspace(first, max(first, last), n)})


def windows(
    plays: pl.DataFrame, days: Sequence[int], *, interactions: InteractionParams, split: SplitParams, scratch: Path
) -> Iterator[Window]:
    """Yield the weeks ahead from some days on that have a judge; the tables are those of the stage `split`.

    Args:
        plays: what `from_first_play` returns.
        days: first days of the weeks.
        interactions, split: how plays become a matrix, and what lists should hit.
        scratch: a folder for the tables.
    """
    daily = plays.group_by("day", "listener_id", "item_id").agg(pl.len().cast(pl.Int32).alias("n_plays"))
    daily = daily.sort("day", "listener_id", "item_id")
    follows = follows_of_day(plays) if interactions.order else None
    names = plays.select("item_id", "item_name").unique("item_id", keep="first", maintain_order=True)
    for number in days:
        day = START + dt.timedelta(days=number)
        until = day + dt.timedelta(days=split.decision_days)
        first = day - dt.timedelta(days=interactions.history_days)
        tuned_from = day - dt.timedelta(days=split.tuning_days)
        ahead = split_by_time(daily, first=first, decision_from=day, as_of=until)
        if not ahead.train.height or not ahead.decision.height:
            continue
        tuning = split_by_time(ahead.train, first=first, decision_from=tuned_from, as_of=day)
        for name, rows, end in (("train", ahead.train, day), ("tuning", tuning.train, tuned_from)):
            tables = build_interactions(
                rows, names, until=end, half_life_days=interactions.half_life_days,
                min_listeners_per_item=interactions.min_listeners_per_item,
                follows=_between(follows, first, end),
            )  # fmt: skip
            save_interactions(scratch / name, tables)
        only_new = split.target == "new"
        truth = relevant_items(tuning, only_new=only_new)
        write_table(scratch / "tuning" / "relevant.parquet", truth.to_arrow(), RELEVANT)
        # load_tuning reads a split's interactions and the relevant items of the window after it: it serves for both.
        every = relevant_items(ahead, only_new=False)
        write_table(scratch / "train" / "relevant.parquet", every.to_arrow(), RELEVANT)
        found = load_tuning(scratch / "train", only_new=only_new)
        train = Interactions(
            found.interactions.weights,
            found.interactions.age_days,
            load_tuning(scratch / "tuning", only_new=only_new),
            order=found.interactions.order,
        )
        # Of a week's items, the known ones are those that a listener played before, in the catalogue or not.
        known = every.join(ahead.train.select("listener_id", "item_id").unique(), on=["listener_id", "item_id"])
        ids = read_table(scratch / "train" / "listeners.parquet", LISTENER_MAP)["listener_id"]
        own = rows_of(known.to_arrow()["listener_id"], ids)
        n_known = np.bincount(own[own >= 0], minlength=train.n_listeners).astype(np.int32)
        n_new = (found.n_relevant - n_known).astype(np.int32)
        judged = np.flatnonzero(n_new > 0 if only_new else found.n_relevant > 0).astype(np.int32)
        if len(judged):
            yield Window(
                number, train, [ids[int(row)].as_py() for row in judged], judged, train.weights[judged],
                found.relevant[judged], n_new[judged], n_known[judged],
            )  # fmt: skip


def _between(follows: pl.DataFrame | None, first: dt.date, end: dt.date) -> pl.DataFrame | None:
    return None if follows is None else follows.filter((pl.col("day") >= first) & (pl.col("day") < end))
