"""Stage split: by time, into what is learnt from and what is judged on; and the whole window for the refit.

What is learnt from is split once more, in the same way: a family that chooses between models does so on the tuning
window, the latest days before the decision window.
"""

import datetime as dt

import polars as pl

from pipeline.core.splitting import relevant_items, split_by_time
from pipeline.features.interactions import build_interactions, save_interactions
from pipeline.io.tables import DAILY, ITEMS, RELEVANT, read_table, write_table
from pipeline.stages.context import Context


def run(context: Context) -> str:
    """Write train/, tuning/, window/ and relevant.parquet."""
    layout, params = context.layout, context.params
    daily = pl.DataFrame(read_table(layout.daily, DAILY))
    names = pl.DataFrame(read_table(layout.items, ITEMS))
    first = context.as_of - dt.timedelta(days=max(params.interactions.history_days, params.split.decision_days))
    split = split_by_time(daily, first=first, decision_from=context.decision_from, as_of=context.as_of)
    tuning = split_by_time(
        split.train,
        first=min(first, context.tuning_from),
        decision_from=context.tuning_from,
        as_of=context.decision_from,
    )
    for folder, days, until in (
        (layout.train, split.train, context.decision_from),
        (layout.tuning, tuning.train, context.tuning_from),
        (layout.window, pl.concat([split.train, split.decision]), context.as_of),
    ):
        tables = build_interactions(
            days,
            names,
            until=until,
            half_life_days=params.interactions.half_life_days,
            min_listeners_per_item=params.interactions.min_listeners_per_item,
        )
        save_interactions(folder, tables)
    only_new = params.split.target == "new"
    write_table(layout.tuning / "relevant.parquet", relevant_items(tuning, only_new=only_new).to_arrow(), RELEVANT)
    relevant = relevant_items(split, only_new=only_new)
    write_table(layout.relevant, relevant.to_arrow(), RELEVANT)
    return (
        f"split: {split.train.height:,} rows before {context.decision_from} to learn from; "
        f"{relevant.height:,} items of {relevant['listener_id'].n_unique():,} listeners to find after it"
    )
