"""Judges the monitor's metrics: a metric is worth a warning if it broke its bound in k of its last n nights.

One night proves little: it may be a holiday, a strike or a hit. So a night that breaks a bound is only marked, and the
warning follows when breaches repeat. Bounds are fixed, or multiples of the metric's own trailing median, which a few
odd nights do not move.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from pipeline.params.monitoring import MonitoringParams


@dataclass(frozen=True)
class MonitorMetric:
    """A metric of the monitor, and its bounds.

    Attributes:
        figure: its name in the entries of the ledger.
        label: its name in warnings and pages.
        group: `lists`, `input` or `freshness`.
        low: the lowest acceptable value; None for no lower bound.
        high: the highest acceptable value; None for no upper bound.
        relative: whether the bounds are multiples of the trailing median.
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
    """A metric's value in one night, judged.

    Attributes:
        value: None if undefined.
        low: the lower bound of that night; None if the metric has none, or too few earlier nights define it.
        high: the upper bound, likewise.
        breached: whether the value is out of bounds; None if value or bounds are undefined.
        warned: whether it is worth a warning, by k of n nights.
    """

    value: float | None
    low: float | None
    high: float | None
    breached: bool | None
    warned: bool = False


@dataclass(frozen=True)
class Night:
    """A judged night: the metrics by name, and the warnings."""

    as_of: str
    judged: Mapping[str, JudgedValue]
    warnings: tuple[str, ...]


def monitor_metrics(params: MonitoringParams) -> tuple[MonitorMetric, ...]:
    """Return all metrics, in the order of the page."""
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
    """Judge every night of a history by the nights before it.

    Args:
        entries: `as_of` and `figures` (by name; None if undefined), in the order of nights.
        params: the bounds, k and n.
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
    """Judge one metric of one night.

    Args:
        metric: the metric and its bounds.
        value: its value in the night.
        earlier: its values in the nights before, oldest first.
        params: how many of these enter the median.
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


def format_value(value: float | None, metric: MonitorMetric, digits: int = 1) -> str:
    """Return a value with its unit and so many decimals; a dash if it is undefined."""
    if value is None:
        return "–"
    plain = f"{value:.{digits + 2}g}"
    return {"share": f"{100 * value:.{digits}f} %", "days": f"{value:.{digits}f} d"}.get(metric.unit, plain)
