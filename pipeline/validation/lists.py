"""Expectations of lists before they are served, from a row of fault counts for each listener."""

from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa

from pipeline.validation.expectations import Expect, within

if TYPE_CHECKING:
    import pandas as pd

_FAULTS = {
    "n_missing": "a list has the requested length, unless the catalogue is exhausted",
    "n_misplaced": "ranks are 1, 2, … without gap or repetition",
    "n_repeated": "the items of a list are distinct",
    "n_unknown": "every item is in the catalogue",
    "n_heard": "no item was played by its listener before",
    "n_not_finite": "scores are finite",
    "n_rising": "scores do not rise along a list",
    "n_reasonless": "every item has a reason",
}


def lists_suite(*, heard_out: bool) -> list[Expect]:
    """Return the expectations of listeners' lists; `heard_out` adds that lists contain no item played before."""
    once = [
        within("is_listener", "every list belongs to a listener of the window", at_least=1, at_most=1),
        within(
            "n_lists",
            "every listener has exactly one list, unless they have heard everything",
            at_least=1,
            at_most=1,
        ),
    ]
    return once + [expect for expect in _no_faults("") if heard_out or expect.arguments["column"] != "n_heard"]


def fallback_suite() -> list[Expect]:
    """Return the same expectations of the fallback list, as far as they apply."""
    return _no_faults("the fallback list: ")


def _no_faults(where: str) -> list[Expect]:
    return [within(column, where + says, at_least=0, at_most=0) for column, says in _FAULTS.items()]


def list_facts(
    lists: pa.Table, *, listeners: pa.Table, items: pa.Table, interactions: pa.Table, n_items: int, heard_out: bool
) -> "pd.DataFrame":
    """Return counts of faults, one row for each listener of the window or of the lists, for Great Expectations.

    Args:
        lists: LISTS, in the order in which they are served.
        listeners: LISTENER_MAP.
        items: ITEM_MAP.
        interactions: INTERACTIONS of the window.
        n_items: length of a list.
        heard_out: whether items played before are excluded from lists.
    """
    heard = (
        pl.DataFrame(interactions.select(["listener_idx", "item_idx"]))
        .with_columns(
            listener_id=pl.DataFrame(listeners)["listener_id"].gather(interactions["listener_idx"].to_numpy()),
            item_id=pl.DataFrame(items)["item_id"].gather(interactions["item_idx"].to_numpy()),
        )
        .select("listener_id", "item_id")
    )
    n_heard = heard.group_by("listener_id").len("n_heard_ever")
    rows = _marked(pl.DataFrame(lists), items, over="listener_id").join(
        heard.with_columns(heard=True), on=["listener_id", "item_id"], how="left", maintain_order="left"
    )
    facts = _counted(rows.group_by("listener_id"), pl.col("heard").fill_null(value=False))
    known = pl.DataFrame(listeners.select(["listener_id"])).with_columns(is_listener=1)
    longest = pl.lit(items.num_rows) - (pl.col("n_heard_ever") if heard_out else 0)
    return (
        known.join(facts, on="listener_id", how="full", coalesce=True)
        .join(n_heard, on="listener_id", how="left")
        .fill_null(0)
        # Nothing is left to list for those who have heard it all; they are served the fallback list.
        .with_columns(n_lists=pl.when((longest <= 0) & (pl.col("n_rows") == 0)).then(1).otherwise("n_lists"))
        .with_columns(n_missing=(pl.min_horizontal(longest, n_items) - pl.col("n_rows")).abs())
        .sort("listener_id")
        .to_pandas()
    )


def fallback_facts(fallback: pa.Table, *, items: pa.Table, n_items: int) -> "pd.DataFrame":
    """Return the same counts for the fallback list: one row, or none if there is no list."""
    rows = _marked(pl.DataFrame(fallback).with_columns(everyone=0), items, over="everyone")
    facts = _counted(rows.group_by("everyone"), pl.lit(value=False))
    return facts.with_columns(n_missing=(min(n_items, items.num_rows) - pl.col("n_rows")).abs()).to_pandas()


def _marked(lists: pl.DataFrame, items: pa.Table, *, over: str) -> pl.DataFrame:
    """Return rows with their position in the served list, the score before them, and whether the item is known."""
    return lists.with_columns(
        place=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over(over),
        before=pl.col("score").shift(1).over(over),
        known=pl.col("item_id").is_in(pl.DataFrame(items)["item_id"].implode()),
    )


def _counted(groups: "pl.dataframe.group_by.GroupBy", heard: pl.Expr) -> pl.DataFrame:
    return groups.agg(
        n_rows=pl.len(),
        n_lists=(pl.col("rank") == 1).sum(),
        n_misplaced=(pl.col("rank") != pl.col("place")).sum(),
        n_repeated=pl.len() - pl.col("item_id").n_unique(),
        n_unknown=(~pl.col("known")).sum(),
        n_heard=heard.sum(),
        n_not_finite=(~pl.col("score").is_finite()).sum(),
        n_rising=(pl.col("score") > pl.col("before")).sum(),
        n_reasonless=(pl.col("reason").str.strip_chars() == "").sum(),
    ).with_columns(pl.exclude("listener_id").cast(pl.Int64))
