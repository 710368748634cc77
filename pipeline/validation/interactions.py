"""Expectations of interactions and their id maps, before models are fitted: training and the whole window."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.features.interactions import InteractionTables
from pipeline.params.validation import ValidationParams
from pipeline.validation.expectations import Expect, within

_FAULTS = {
    "n_not_finite": "weights are finite",
    "n_not_positive": "weights are positive",
    "n_negative_ages": "no play is later than its window's end",
    "n_repeated": "each pair of listener and item has one row",
    "n_astray": "every row's listener and item are in the id maps",
    "n_bad_listeners": "listeners' ids are distinct, in order and not empty",
    "n_bad_items": "items' ids are distinct, in order and not empty",
    "n_nameless": "every item has a name",
    "n_idle_items": "every item has a listener",
    "n_plays_off": "the matrix counts exactly the plays of the days before its end",
}
SHARES = {"kept_listener_share": "listeners", "kept_item_share": "items"}
NULLABLE = (*SHARES, "new_item_share")


def interaction_facts(
    name: str,
    tables: InteractionTables,
    daily: pl.DataFrame,
    *,
    until: dt.date,
    known: InteractionTables | None = None,
) -> dict[str, Any]:
    """Return the counts of faults in a fold, one row of the suite's frame.

    Args:
        name: of the fold; not personal data.
        tables: the fold's tables.
        daily: DAILY, all days that the night may see; the expected plays are counted from it.
        until: the first day that the fold must not contain.
        known: an earlier fold, for the share of items that it lacks; None to leave the share undefined.
    """
    pairs, listeners, items = (pl.DataFrame(t) for t in (tables.interactions, tables.listeners, tables.items))
    weight = pairs["weight"].to_numpy()
    before = daily.filter(pl.col("day") < until)
    counted = before.join(items.select("item_id"), on="item_id", how="semi")["n_plays"].sum()
    n_items_heard = before["item_id"].n_unique()
    return {
        "fold": name,
        "n_pairs": pairs.height,
        "n_listeners": listeners.height,
        "n_items": items.height,
        "n_not_finite": int((~np.isfinite(weight)).sum()),
        "n_not_positive": int((weight <= 0).sum()),
        "n_negative_ages": int((pairs["age_days"] < 0).sum()),
        "n_repeated": pairs.height - pairs.select("listener_idx", "item_idx").n_unique(),
        "n_astray": _astray(tables.interactions["listener_idx"], listeners.height)
        + _astray(tables.interactions["item_idx"], items.height),
        "n_bad_listeners": _out_of_order(listeners["listener_id"]),
        "n_bad_items": _out_of_order(items["item_id"]),
        "n_nameless": int((items["item_name"].is_null() | (items["item_name"] == "")).sum()),
        "n_idle_items": items.height - pairs["item_idx"].n_unique(),
        "n_plays_off": abs(int(pairs["n_plays"].sum()) - int(counted)),
        "kept_listener_share": pairs["listener_idx"].n_unique() / listeners.height if listeners.height else None,
        "kept_item_share": items.height / n_items_heard if n_items_heard else None,
        "new_item_share": None if known is None else _new_share(tables.items, known.items),
    }


def interaction_suite(facts: Mapping[str, Any], params: ValidationParams, *, whole: bool) -> list[Expect]:
    """Return the expectations of one fold.

    Args:
        facts: of the fold.
        params: bounds.
        whole: whether it is the whole window, which lists are made from: it must not be empty, and its items are
            compared with those of training. Training may be empty in the first days of a service; nothing can be
            decided then, and the popular list is served.
    """
    suite = [
        *(
            within(f"n_{what}", f"there are {what}", at_least=1, severity="stop" if whole else "warn")
            for what in ("pairs", "listeners", "items")
        ),
        *(within(column, says, at_least=0, at_most=0) for column, says in _FAULTS.items()),
        *(
            within(
                column,
                f"at least {params.min_kept_share:.0%} of {what} are kept ({_shown(facts[column])})",
                at_least=params.min_kept_share,
                severity="warn",
            )
            for column, what in SHARES.items()
        ),
    ]
    if whole:
        says = f"at most {params.max_new_item_share:.0%} of items are new ({_shown(facts['new_item_share'])})"
        suite.append(within("new_item_share", says, at_most=params.max_new_item_share, severity="warn"))
    return suite


def _shown(share: float | None) -> str:
    return "there are none" if share is None else f"{share:.1%} are"


def _astray(rows: pa.ChunkedArray, n: int) -> int:
    index = rows.to_numpy()
    return int(((index < 0) | (index >= n)).sum())


def _out_of_order(ids: pl.Series) -> int:
    """Count ids that are null, empty or not greater than the one before, which includes repeated ones."""
    after = ids.shift(1)
    return int((ids.is_null() | (ids == "") | (after.is_not_null() & (ids <= after))).fill_null(value=True).sum())


def _new_share(items: pa.Table, known: pa.Table) -> float | None:
    fresh = pl.DataFrame(items)["item_id"]
    if not fresh.len() or not known.num_rows:
        return None
    return 1 - float(fresh.is_in(pl.DataFrame(known)["item_id"].implode()).sum()) / fresh.len()
