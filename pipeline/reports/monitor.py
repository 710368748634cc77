"""The monitor's page: every figure with its history, the latest night's warnings first."""

from collections.abc import Sequence

from pipeline.monitoring.watching import Judged, Night, Watch, shown, watches
from pipeline.params.monitoring import MonitoringParams
from pipeline.reports.history import history
from pipeline.reports.render import environment

NIGHTS = 60
GROUPS = {
    "lists": "What listeners did with the lists of the night before",
    "input": "What came in",
    "freshness": "How fresh it is",
}
_UNKNOWN = Judged(None, None, None, None)


def render_monitor(nights: Sequence[Night], params: MonitoringParams) -> str:
    """One self-contained HTML file; the same history gives the same bytes.

    Args:
        nights: judged, oldest first; the latest NIGHTS are drawn.
        params: what they were judged by.
    """
    last = nights[-NIGHTS:]
    groups = {
        title: [_panel(watch, last) for watch in watches(params) if watch.group == group]
        for group, title in GROUPS.items()
    }
    template = environment().get_template("monitor.html.j2")
    return template.render(nights=last, groups=groups, params=params, tonight=last[-1])


def _panel(watch: Watch, nights: Sequence[Night]) -> dict[str, object]:
    found = [night.judged.get(watch.figure, _UNKNOWN) for night in nights]
    latest, defined = found[-1], any(each.value is not None for each in found)
    plot = history([n.as_of for n in nights], found, title=watch.says, tick=lambda v: shown(v, watch))
    bounds = [
        f"{word} {shown(v, watch)}" for word, v in (("at least", latest.low), ("at most", latest.high)) if v is not None
    ]
    return {
        "says": watch.says,
        "value": shown(latest.value, watch),
        "bounds": ", ".join(bounds) or "no bound yet",
        "relative": watch.relative,
        "state": "warned" if latest.warned else "breached" if latest.breached else "held",
        "n_breached": sum(bool(each.breached) for each in found),
        "plot": plot if defined else None,
    }
