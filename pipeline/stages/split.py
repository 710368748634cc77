"""Stage split: split plays by time into training data and decision window; the refit uses both together.

The training data are split again in the same way: families that choose between models, such as blends, do so on the
tuning window, the last days before the decision window.
"""

import datetime as dt
from typing import Any

import polars as pl

from pipeline.errors import ValidationFailed
from pipeline.features.interactions import InteractionTables, build_interactions, save_interactions
from pipeline.features.splitting import relevant_items, split_by_time
from pipeline.params.validation import ValidationParams
from pipeline.stages.context import Context
from pipeline.stages.spec import AS_OF, DATA, StageSpec
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import DAILY, DAILY_FOLLOWS, ITEMS, RELEVANT
from pipeline.storage.tables import read_table, write_table
from pipeline.validation.expectations import check, checkpoint
from pipeline.validation.interactions import NULLABLE, interaction_facts, interaction_suite

STAGE = StageSpec(
    desc="Split by time into training, tuning and decision window, and check the splits; keep the whole for the refit",
    deps=(DATA.daily, DATA.follows, DATA.items),
    params=("interactions", "split", "validation", AS_OF),
    outs=(DATA.interactions_report, DATA.train, DATA.tuning, DATA.window, DATA.relevant),
)


def run(context: Context) -> str:
    """Write train/, tuning/, window/, relevant.parquet and interactions.json.

    Raises:
        ValidationFailed: the interactions break an expectation that stops the night; the report is written first.
    """
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
    # A window's first day follows the day before it: pairs of days are made from the window's own days.
    follows = pl.DataFrame(read_table(layout.follows, DAILY_FOLLOWS)) if params.interactions.order else None
    made: dict[str, InteractionTables] = {}
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
            follows=None if follows is None else follows.filter(pl.col("day").is_between(first, until, closed="left")),
        )
        save_interactions(folder, tables)
        made[folder.name] = tables
    only_new = params.split.target == "new"
    write_table(layout.tuning / "relevant.parquet", relevant_items(tuning, only_new=only_new).to_arrow(), RELEVANT)
    relevant = relevant_items(split, only_new=only_new)
    write_table(layout.relevant, relevant.to_arrow(), RELEVANT)
    report = checked(
        made["train"],
        made["window"],
        daily.filter(pl.col("day") >= first),
        decision_from=context.decision_from,
        as_of=context.as_of,
        params=params.validation,
    )
    write_json(layout.interactions_report, report)
    if report["failures"]:
        raise ValidationFailed(
            "the interactions failed validation",
            expected="; ".join(report["failures"]),
            fix=f"See {layout.interactions_report}. The release of the last good night is still served.",
        )
    return (
        f"split: {split.train.height:,} training rows before {context.decision_from}; "
        f"{relevant.height:,} relevant items of {relevant['listener_id'].n_unique():,} listeners from then on"
    )


def checked(
    train: InteractionTables,
    window: InteractionTables,
    daily: pl.DataFrame,
    *,
    decision_from: dt.date,
    as_of: dt.date,
    params: ValidationParams,
) -> dict[str, Any]:
    """Return interactions.json: Great Expectations on the interactions that fits and the refit use.

    Args:
        train: before the decision window.
        window: up to the night.
        daily: DAILY within history, up to the night.
        decision_from: first day of the decision window.
        as_of: the night.
        params: bounds.
    """
    import pandas as pd

    folds = {
        "train": interaction_facts("train", train, daily, until=decision_from),
        "window": interaction_facts("window", window, daily, until=as_of, known=train),
    }
    suites = [
        check(
            pd.DataFrame([facts]),
            interaction_suite(facts, params, whole=name == "window"),
            name=name,
            nullable=NULLABLE,
        )
        for name, facts in folds.items()
    ]
    return {"folds": folds} | checkpoint(suites, as_of=as_of)
