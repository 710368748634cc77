"""What the server really showed, and the plays that followed from it, read from landed segments of events."""

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple

from pipeline.gate.listening import Listening
from pipeline.logs.landing import read_landing
from pipeline.stages.context import Context
from pipeline.storage.schemas import PLAYS, RELEVANT
from pipeline.storage.tables import read_columns, read_table

if TYPE_CHECKING:
    import polars as pl


class Shown(NamedTuple):
    """Attributes:
    impressions: impression_id, listener_id, at, release, lane, items; one row an impression.
    followed: the plays that followed from them, see `pipeline.monitoring.impressions.attributed`.
    """

    impressions: "pl.DataFrame"
    followed: "pl.DataFrame"


def shown_since(context: Context, since: dt.date) -> Shown | None:
    """Return what was shown from a day on until the night; None if the night has no segments of events.

    Raises:
        LandingError: a segment changed after it landed.
        TableError: a table is damaged.
    """
    import polars as pl

    from pipeline.monitoring.impressions import attributed
    from pipeline.serving.recorded import FORMAT, recorded

    layout, item = context.layout, context.params.interactions.item
    if not layout.landing.exists():
        return None
    landing = read_landing(layout.landing, workspace=layout.root)
    if FORMAT not in {landing.format_of(file).name for file in landing.files}:
        return None
    events = recorded(landing, since=since, until=context.as_of)
    columns = ["listener_id", "played_at", f"{item}_id"]
    days = [day for day in sorted(layout.plays.glob("day=*")) if day.name >= f"day={since}"]
    none = pl.DataFrame(PLAYS.empty_table().select(columns))
    plays = pl.concat([none, *(read_columns(day, columns) for day in days)]).rename({f"{item}_id": "item_id"})
    named = events.plays.select("impression_id", "listener_id", "at", item_id=f"{item}_id")
    return Shown(events.impressions, attributed(events.impressions, plays, named))


def listening_of(context: Context) -> Listening | None:
    """Return how much of the decision window's discoveries the served lists caused; None without impressions in it.

    A discovery is caused by a list if the day of its first play has a play that followed from an impression of it.

    Raises:
        LandingError, TableError: see `shown_since`.
    """
    import polars as pl

    shown = shown_since(context, context.decision_from)
    if shown is None or not shown.impressions.height:
        return None
    found = pl.DataFrame(read_table(context.layout.relevant, RELEVANT)).select("listener_id", "item_id", "first_day")
    caused = shown.followed.select("listener_id", "item_id", first_day=pl.col("played_at").dt.date()).unique()
    return Listening(
        discoveries=found.height,
        caused=found.join(caused, on=["listener_id", "item_id", "first_day"], how="semi").height,
        impressions=shown.impressions.height,
    )
