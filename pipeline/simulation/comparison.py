"""Compare a simulation with real listening, figure by figure, within bounds."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

import numpy as np
import polars as pl
from rich.table import Table
from rich.text import Text

from pipeline.simulation.catalogue import LONG, SHORT, Shape
from pipeline.simulation.dirt import Dirt
from pipeline.simulation.facts import Fact, load_facts
from pipeline.simulation.statistics import Figures, statistics
from pipeline.simulation.tail import tail_statistics
from pipeline.simulation.world import days, make_world

SOURCE_LISTENERS, SOURCE_DAYS = 56, 400
TAIL_LISTENERS, TAIL_DAYS = 181, 365
"""The sizes of the real samples: some figures depend on size and are comparable only at these."""


@dataclass(frozen=True)
class Comparison:
    """One number of a figure: simulated, real, and the allowed interval (infinite if it is not checked)."""

    figure: str
    part: str
    unit: str
    simulated: float
    real: float
    low: float
    high: float
    note: str

    @property
    def is_checked(self) -> bool:
        """Whether the number has bounds."""
        return math.isfinite(self.high)

    @property
    def within(self) -> bool:
        """Whether the simulated value is within its bounds; NaN (too few plays to measure) is not."""
        return self.low <= self.simulated <= self.high


def simulated_plays(
    *, n_listeners: int, n_days: int, seed: int, start: date = date(2025, 1, 1), shape: Shape = SHORT
) -> pl.DataFrame:
    """Return simulated plays for `statistics`, with integers as ids: with duplicates, without bots and malformed rows.

    Bots are left out because the real exports hold none.
    """
    catalogue = make_world(n_listeners, seed, shape=shape)
    dirt = Dirt(n_bots=0, malformed_share=0)
    tables = []
    for day in days(catalogue, n_listeners=n_listeners, n_days=n_days, seed=seed, start=start, dirt=dirt, shape=shape):
        midnight = int(datetime(day.date.year, day.date.month, day.date.day, tzinfo=UTC).timestamp())
        plays = {name: column[day.rows] for name, column in day.plays._asdict().items()}
        tables.append(
            pl.DataFrame(
                {
                    "listener_id": plays["listener"],
                    "played_at": (midnight + plays["second"].astype(np.int64)) * 1_000_000,
                    "artist_id": catalogue.artist[plays["track"]],
                    "track_id": plays["track"],
                    "ms_played": plays["ms"].astype(np.int64),
                },
                schema_overrides={"played_at": pl.Datetime("us", "UTC")},
            )
        )
    return pl.concat(tables)


def run_comparison(
    n_listeners: int = SOURCE_LISTENERS, n_days: int = SOURCE_DAYS, seed: int = 1, shape: Shape = SHORT
) -> Figures:
    """Return the figures of a simulation of that size."""
    return statistics(simulated_plays(n_listeners=n_listeners, n_days=n_days, seed=seed, shape=shape))


def run_tail_comparison(n_listeners: int = TAIL_LISTENERS, n_days: int = TAIL_DAYS, seed: int = 1) -> Figures:
    """Return the figures of the long tail of a simulation of that size, in the world that has one."""
    return tail_statistics(simulated_plays(n_listeners=n_listeners, n_days=n_days, seed=seed, shape=LONG))


def compare(simulated: Figures, file: Literal["facts.json", "tail.json"] = "facts.json") -> list[Comparison]:
    """Compare each number of each figure of facts.json or tail.json, in its order."""
    return [row for name, fact in load_facts(file).items() for row in _compare(name, fact, simulated[name])]


def comparison_table(simulated: Figures, file: Literal["facts.json", "tail.json"] = "facts.json") -> Table:
    """Return the comparison as a table to print."""
    table = Table(title=f"{simulated['events']:,} simulated plays of {simulated['listeners']:,} listeners")
    table.add_column("figure")
    for heading in ("", "real", "simulated", "bounds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("", justify="center")
    shown = ""
    for row in compare(simulated, file):
        new = row.figure != shown
        shown = row.figure
        table.add_row(
            Text.assemble(row.figure, " ", (row.unit, "dim")) if new else "",
            row.part,
            _text(row.real),
            _text(row.simulated),
            f"{_text(row.low)} – {_text(row.high)}" if row.is_checked else Text("not checked", "dim"),
            (Text("✓", "green") if row.within else Text("✗", "red")) if row.is_checked else "",
        )
    return table


def _compare(name: str, fact: Fact, simulated: object) -> list[Comparison]:
    if isinstance(fact.real, dict):
        assert isinstance(simulated, dict)
        pairs = [(part, simulated[part], real, part in fact.checked) for part, real in fact.real.items()]
    elif isinstance(fact.real, list):
        # The hour (or weekday) with the largest gap stands for the whole rhythm.
        assert isinstance(simulated, list)
        gaps = [abs(s - r) if math.isfinite(s) else math.inf for s, r in zip(simulated, fact.real, strict=True)]
        worst = gaps.index(max(gaps))
        pairs = [(f"worst: {worst}", simulated[worst], fact.real[worst], True)]
    else:
        pairs = [("", simulated, fact.real, True)]
    rows = []
    for part, value, real, is_checked in pairs:
        low, high = fact.bounds(real) if is_checked else (-math.inf, math.inf)
        rows.append(Comparison(name, part, fact.unit, float(value), real, low, high, fact.note))
    return rows


def _text(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
