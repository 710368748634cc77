"""Renders the monitor's page: the latest night's warnings, and every metric with its history."""

from collections.abc import Sequence

from pipeline.monitoring.judging import JudgedValue, MonitorMetric, Night, format_value, monitor_metrics
from pipeline.params.monitoring import MonitoringParams
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
    template = environment().get_template("monitor.html.j2")
    return template.render(nights=last, groups=groups, params=params, tonight=last[-1])


def _panel(metric: MonitorMetric, nights: Sequence[Night]) -> dict[str, object]:
    found = [night.judged.get(metric.figure, _UNKNOWN) for night in nights]
    latest, defined = found[-1], any(each.value is not None for each in found)
    plot = history([n.as_of for n in nights], found, title=metric.label, tick=lambda v: format_value(v, metric))
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
