"""When a figure that is watched night after night is worth a warning: in k of its last n nights it broke its bound.

One night proves little: a holiday, a strike, a hit. So a night that breaks a bound is marked, and people are told when
it keeps happening. Bounds are fixed, or follow the trailing median of the figure itself, which a few odd nights do not
move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from pipeline.params import MonitoringParams


@dataclass(frozen=True)
class MonitorMetric:
    """A figure and its bounds.

    Attributes:
        figure: its name in an entry of the ledger.
        label: what it is, as people are told.
        group: `lists`, `input` or `freshness`.
        low: lowest value that is as it should be; None for none.
        high: the highest.
        relative: whether bounds are times the trailing median.
        unit: `share`, `days` or `` for a plain number.
    """

    figure: str
    label: str
    group: str
    low: float | None = None
    high: float | None = None
    relative: bool = False
    unit: str = ""


@dataclass(frozen=True)
class JudgedValue:
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
    judged: Mapping[str, JudgedValue]
    warnings: tuple[str, ...]


def monitor_metrics(params: MonitoringParams) -> tuple[MonitorMetric, ...]:
    """All figures that are watched, in the order of the page."""
    band = params.day_ratio
    return (
        MonitorMetric("hit_rate", "active listeners who played something from their list", "lists",
                      low=params.min_hit_rate_ratio, relative=True, unit="share"),
        MonitorMetric("play_share", "plays of items on the served lists", "lists",
                      low=params.min_play_share_ratio, relative=True, unit="share"),
        MonitorMetric("coverage", "active listeners with a personal list", "lists",
                      low=params.min_coverage_ratio, relative=True, unit="share"),
        MonitorMetric("psi_hours", "drift of plays by hour of day (PSI)", "input", high=params.max_psi),
        MonitorMetric("psi_durations", "drift of play durations (PSI)", "input", high=params.max_psi),
        MonitorMetric("psi_plays_each", "drift of plays per listener (PSI)", "input", high=params.max_psi),
        MonitorMetric("plays_ratio", "plays of the latest day, relative to a usual day", "input",
                      low=band.low, high=band.high),
        MonitorMetric("listeners_ratio", "listeners of the latest day, relative to a usual day", "input",
                      low=band.low, high=band.high),
        MonitorMetric("new_item_share", "items played for the first time", "input",
                      high=params.max_new_item_ratio, relative=True, unit="share"),
        MonitorMetric("log_age_days", "age of the last play", "freshness", high=params.max_log_age_days, unit="days"),
        MonitorMetric("lists_age_days", "age of the lists when this night replaced them", "freshness",
                      high=params.max_lists_age_days, unit="days"),
    )  # fmt: skip


def judge_nights(entries: Sequence[Mapping[str, object]], params: MonitoringParams) -> tuple[Night, ...]:
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
        for metric in monitor_metrics(params):
            found = judge(metric, figures.get(metric.figure), [old.get(metric.figure) for old in past], params)
            recent = [*(night.judged[metric.figure] for night in nights[1 - params.window_nights :]), found]
            n_breached = sum(bool(each.breached) for each in recent[-params.window_nights :])
            if found.breached and n_breached >= params.breached_nights:
                found = JudgedValue(found.value, found.low, found.high, found.breached, warned=True)
                warnings.append(warning_line(metric, found, f"{n_breached} of the last {params.window_nights} nights"))
            judged[metric.figure] = found
        nights.append(Night(str(entry["as_of"]), judged, tuple(warnings)))
        past.append(figures)
    return tuple(nights)


def judge(
    metric: MonitorMetric, value: float | None, earlier: Sequence[float | None], params: MonitoringParams
) -> JudgedValue:
    """One figure of one night.

    Args:
        metric: the figure and its bounds.
        value: of the night.
        earlier: of the nights before, oldest first.
        params: how many of them make a median.
    """
    times = 1.0
    if metric.relative:
        known = [old for old in earlier if old is not None][-params.median_nights :]
        if len(known) < params.min_nights:
            return JudgedValue(value, None, None, None)
        times = median(known)
    low = None if metric.low is None else metric.low * times
    high = None if metric.high is None else metric.high * times
    if value is None:
        return JudgedValue(None, low, high, None)
    return JudgedValue(value, low, high, (low is not None and value < low) or (high is not None and value > high))


def warning_line(metric: MonitorMetric, found: JudgedValue, how_often: str) -> str:
    """Return a warning in one line: the metric, its value, the bound it broke, and how often it did."""
    assert found.value is not None
    is_low = found.low is not None and found.value < found.low
    bound = found.low if is_low else found.high
    assert bound is not None
    value, limit = format_value(found.value, metric), format_value(bound, metric)
    return f"{metric.label}: {value}, {'below' if is_low else 'above'} {limit} ({how_often})"


def format_value(value: float | None, metric: MonitorMetric) -> str:
    """A figure with its unit; a dash where it is undefined."""
    if value is None:
        return "–"
    return {"share": f"{100 * value:.1f} %", "days": f"{value:.1f} d"}.get(metric.unit, f"{value:.3g}")
