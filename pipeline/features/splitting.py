"""Split plays by time into training data and the decision window."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

PAIR = ["listener_id", "item_id"]


@dataclass(frozen=True)
class TimeSplit:
    """Counted plays by day (columns of DAILY) before and after an instant.

    Attributes:
        train: days in [first, decision_from).
        decision: days in [decision_from, as_of).
    """

    train: pl.DataFrame
    decision: pl.DataFrame


def split_by_time(daily: pl.DataFrame, *, first: dt.date, decision_from: dt.date, as_of: dt.date) -> TimeSplit:
    """Split days into training data and decision window.

    Args:
        daily: columns of DAILY.
        first: first day that is used at all.
        decision_from: first day of the decision window, at midnight UTC.
        as_of: the night. This day and later ones are in neither part.

    Raises:
        ValueError: the dates are not in order.

    Examples:
        >>> days = [dt.date(2026, 2, day) for day in range(1, 6)]
        >>> daily = pl.DataFrame({"day": days, "item_id": list("aabbc")})
        >>> split = split_by_time(
        ...     daily, first=days[0], decision_from=dt.date(2026, 2, 3), as_of=dt.date(2026, 2, 5)
        ... )
        >>> split.train["item_id"].to_list(), split.decision["item_id"].to_list()
        (['a', 'a'], ['b', 'b'])
    """
    if not first <= decision_from <= as_of:
        raise ValueError(f"{first}, {decision_from}, {as_of} are not in order")
    day = pl.col("day")
    return TimeSplit(
        train=daily.filter((day >= first) & (day < decision_from)),
        decision=daily.filter((day >= decision_from) & (day < as_of)),
    )


def relevant_items(split: TimeSplit, *, only_new: bool) -> pl.DataFrame:
    """Return the items that a list should have held, sorted: listener_id, item_id, and of the decision window n_plays
    and first_day, the day on which the listener first played the item.

    Args:
        only_new: leave out what the listener had already played in training.

    Examples:
        >>> train = pl.DataFrame({"listener_id": ["ann"], "item_id": ["a"], "n_plays": [3]})
        >>> decision = pl.DataFrame(
        ...     {
        ...         "listener_id": ["ann"] * 3,
        ...         "item_id": ["a", "b", "b"],
        ...         "n_plays": [1, 2, 5],
        ...         "day": [dt.date(2026, 2, day) for day in (3, 5, 4)],
        ...     }
        ... )
        >>> relevant_items(TimeSplit(train, decision), only_new=True).rows()
        [('ann', 'b', 7, datetime.date(2026, 2, 4))]
    """
    played = split.decision.group_by(PAIR).agg(pl.col("n_plays").sum(), first_day=pl.col("day").min())
    if only_new:
        played = played.join(split.train.select(PAIR).unique(), on=PAIR, how="anti")
    return played.sort(PAIR)
