"""Renders the monitor's page: the latest night's warnings, and every metric with its history."""

from collections.abc import Sequence
from functools import partial

from pipeline.monitoring.judging import JudgedValue, MonitorMetric, Night, format_value, monitor_metrics
from pipeline.params.monitoring import MonitoringParams
from pipeline.reports.grid import grid
from pipeline.reports.history import history
from pipeline.reports.render import environment

NIGHTS = 60
GROUPS = {
    "lists": "Plays against the lists of the night before",
    "input": "The logs",
    "freshness": "Freshness",
}
_UNKNOWN = JudgedValue(None, None, None, None)


def render_monitor(nights: Sequence[Night], params: MonitoringParams) -> str:
    """Return the page as one self-contained HTML file; the same history gives the same bytes.

    Args:
        nights: judged nights, oldest first; the latest NIGHTS are drawn.
        params: the bounds of the metrics.
    """
    last = nights[-NIGHTS:]
    groups = {
        title: [_panel(metric, last) for metric in monitor_metrics(params) if metric.group == group]
        for group, title in GROUPS.items()
    }
    judged = {metric.label: last[-1].judged.get(metric.figure, _UNKNOWN) for metric in monitor_metrics(params)}
    alerts = [(night.as_of, "; ".join(night.warnings)) for night in reversed(last) if night.warnings]
    template = environment().get_template("monitor.html.j2")
    return template.render(
        nights=last,
        groups=groups,
        params=params,
        tonight=last[-1],
        quiet=quiet_line(nights),
        breached=[label for label, found in judged.items() if found.breached and not found.warned],
        alerts=grid("Nights with alerts", ("night", "alerts"), alerts, prose=("alerts",)),
    )


def quiet_line(nights: Sequence[Night]) -> str:
    """Return for how many nights there has been no alert.

    Examples:
        >>> quiet_line([Night("2026-02-11", {}, ("age of the last play: 3.0 d",)), Night("2026-02-12", {}, ())])
        'No alerts in the last night'
    """
    quiet = next((n for n, night in enumerate(reversed(nights)) if night.warnings), len(nights))
    since = f", since the monitor began on {nights[0].as_of}" if quiet == len(nights) else ""
    return f"No alerts in the last {f'{quiet} nights' if quiet > 1 else 'night'}{since}"


def _panel(metric: MonitorMetric, nights: Sequence[Night]) -> dict[str, object]:
    found = [night.judged.get(metric.figure, _UNKNOWN) for night in nights]
    latest, defined = found[-1], any(each.value is not None for each in found)
    plot = history([n.as_of for n in nights], found, title=metric.label, tick=partial(format_value, metric=metric))
    bounds = [
        f"{word} {format_value(v, metric)}"
        for word, v in (("at least", latest.low), ("at most", latest.high))
        if v is not None
    ]
    return {
        "label": metric.label,
        "value": format_value(latest.value, metric),
        "bounds": ", ".join(bounds) or "no bound yet",
        "relative": metric.relative,
        "state": "warned" if latest.warned else "breached" if latest.breached else "held",
        "n_breached": sum(bool(each.breached) for each in found),
        "plot": plot if defined else None,
    }
