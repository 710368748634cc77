"""When a figure that is watched night after night is worth a warning: in k of its last n nights it broke its bound.

One night proves little: a holiday, a strike, a hit. So a night that breaks a bound is marked, and people are told when
it keeps happening. Bounds are fixed, or follow the trailing median of the figure itself, which a few odd nights do not
move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from pipeline.params.monitoring import MonitoringParams


@dataclass(frozen=True)
class Watch:
    """A figure and its bounds.

    Attributes:
        figure: its name in an entry of the ledger.
        says: what it is, as people are told.
        group: `lists`, `input` or `freshness`.
        low: lowest value that is as it should be; None for none.
        high: the highest.
        relative: whether bounds are times the trailing median.
        unit: `share`, `days` or `` for a plain number.
    """

    figure: str
    says: str
    group: str
    low: float | None = None
    high: float | None = None
    relative: bool = False
    unit: str = ""


@dataclass(frozen=True)
class Judged:
    """A figure of one night.

    Attributes:
        value: None where it is undefined.
        low: bound of that night; None where there is none, or too few earlier nights for one.
        high: the same.
        breached: whether it lies outside; None where nothing can be said.
        warned: whether it is worth a warning, by k of n.
    """

    value: float | None
    low: float | None
    high: float | None
    breached: bool | None
    warned: bool = False


@dataclass(frozen=True)
class Night:
    """A night, judged: figures by name, and what people are told."""

    as_of: str
    judged: Mapping[str, Judged]
    warnings: tuple[str, ...]


def watches(params: MonitoringParams) -> tuple[Watch, ...]:
    """All figures that are watched, in the order of the page."""
    band = params.day_ratio
    return (
        Watch("hit_rate", "listeners who played something of their list", "lists", low=params.min_hit_rate_ratio,
              relative=True, unit="share"),
        Watch("play_share", "plays that were of items on lists", "lists", low=params.min_play_share_ratio,
              relative=True, unit="share"),
        Watch("coverage", "active listeners with a list of their own", "lists", low=params.min_coverage_ratio,
              relative=True, unit="share"),
        Watch("psi_hours", "shift of the hours of plays (PSI)", "input", high=params.max_psi),
        Watch("psi_durations", "shift of the durations of plays (PSI)", "input", high=params.max_psi),
        Watch("psi_plays_each", "shift of the plays of a listener (PSI)", "input", high=params.max_psi),
        Watch("plays_ratio", "plays of the latest day, times a usual one's", "input", low=band.low, high=band.high),
        Watch("listeners_ratio", "listeners of the latest day, times a usual one's", "input", low=band.low,
              high=band.high),
        Watch("new_item_share", "items played that were never played before", "input",
              high=params.max_new_item_ratio, relative=True, unit="share"),
        Watch("log_age_days", "age of the last play", "freshness", high=params.max_log_age_days, unit="days"),
        Watch("lists_age_days", "age of the lists when this night replaced them", "freshness",
              high=params.max_lists_age_days, unit="days"),
    )  # fmt: skip


def review(entries: Sequence[Mapping[str, object]], params: MonitoringParams) -> tuple[Night, ...]:
    """Every night of a history, judged by what was known before it.

    Args:
        entries: `as_of` and `figures` (by name; None where undefined), in the order of nights.
        params: bounds, k and n.
    """
    nights: list[Night] = []
    past: list[Mapping[str, float | None]] = []
    for entry in entries:
        figures: Mapping[str, float | None] = entry["figures"]  # type: ignore[assignment]  # as the ledger has it
        judged, warnings = {}, []
        for watch in watches(params):
            found = judge(watch, figures.get(watch.figure), [old.get(watch.figure) for old in past], params)
            recent = [*(night.judged[watch.figure] for night in nights[1 - params.window_nights :]), found]
            n_breached = sum(bool(each.breached) for each in recent[-params.window_nights :])
            if found.breached and n_breached >= params.breached_nights:
                found = Judged(found.value, found.low, found.high, found.breached, warned=True)
                warnings.append(told(watch, found, f"{n_breached} of the last {params.window_nights} nights"))
            judged[watch.figure] = found
        nights.append(Night(str(entry["as_of"]), judged, tuple(warnings)))
        past.append(figures)
    return tuple(nights)


def judge(watch: Watch, value: float | None, earlier: Sequence[float | None], params: MonitoringParams) -> Judged:
    """One figure of one night.

    Args:
        watch: the figure and its bounds.
        value: of the night.
        earlier: of the nights before, oldest first.
        params: how many of them make a median.
    """
    times = 1.0
    if watch.relative:
        known = [old for old in earlier if old is not None][-params.median_nights :]
        if len(known) < params.min_nights:
            return Judged(value, None, None, None)
        times = median(known)
    low = None if watch.low is None else watch.low * times
    high = None if watch.high is None else watch.high * times
    if value is None:
        return Judged(None, low, high, None)
    return Judged(value, low, high, (low is not None and value < low) or (high is not None and value > high))


def told(watch: Watch, found: Judged, how_often: str) -> str:
    """A warning, in a line."""
    assert found.value is not None
    low = found.low is not None and found.value < found.low
    bound = found.low if low else found.high
    assert bound is not None
    return (
        f"{watch.says}: {shown(found.value, watch)}, {'below' if low else 'above'} {shown(bound, watch)} ({how_often})"
    )


def shown(value: float | None, watch: Watch) -> str:
    """A figure with its unit; a dash where it is undefined."""
    if value is None:
        return "–"
    return {"share": f"{100 * value:.1f} %", "days": f"{value:.1f} d"}.get(watch.unit, f"{value:.3g}")
