"""Renders reports/index.html: the last night, what is served, all nights, and the ways to everything else.

The page has no script: it is read from a file, behind Airflow's login, on paper.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from pipeline.gate.wording import DASH, percent, whole
from pipeline.releases.current import nights as nights_old
from pipeline.reports.grid import Grid, grid
from pipeline.reports.night_line import NightLine
from pipeline.reports.render import environment

COMPARED = 30
"""The number of latest nights that are compared with the one before."""


def render_front_page(
    nights: Sequence[NightLine], status: Mapping[str, Any], files: Collection[str], *, checks: Mapping[str, str]
) -> str:
    """Return the page as one self-contained HTML file.

    Args:
        nights: oldest first; at least one.
        status: what is served and whether it is stale, see `pipeline.nightly.status.night_status`.
        files: the pages that exist, as paths relative to this one.
        checks: the result of a night's checks in words, by night.
    """
    latest = list(reversed(nights))
    pairs = [
        (f"{after.as_of} beside {before.as_of}", compare(before, after))
        for before, after in reversed(list(pairwise(nights[-COMPARED - 1 :])))
    ]
    template = environment().get_template("front.html.j2")
    return template.render(
        tonight=latest[0],
        status=status,
        age=_age(status),
        ways=_ways(latest[0].as_of, files),
        nights=_nights(latest, checks, files),
        pairs=pairs,
    )


def compare(before: NightLine, after: NightLine) -> Grid:
    """Return two nights side by side, a row for each figure."""
    shown = [_figures(each) for each in (before, after)]
    rows = [(name, *(each[name] for each in shown)) for name in shown[0]]
    label = f"{before.as_of} and {after.as_of}"
    return grid(label, ("figure", before.as_of, after.as_of), rows)


def _ways(as_of: str, files: Collection[str]) -> list[tuple[str, str]]:
    """Return title and file of the pages that exist; pages of experiments are found by their names."""
    known = {
        f"decision-{as_of}.html": "The decision",
        "monitor.html": "The monitor",
        "data_docs/index.html": "Data Docs: checks of the data",
        "calibration.html": "Proofs of the gate",
        f"night-{as_of}.html": "The night as the terminal showed it",
    }
    ways = [(title, file) for file, title in known.items() if file in files]
    others = sorted(file for file in files if file.startswith("experiment"))
    return ways + [(file.removesuffix(".html").replace("-", " ").replace("/", ": "), file) for file in others]


def _age(status: Mapping[str, Any]) -> str:
    served = status["served"]
    return DASH if served is None else nights_old(served["age_nights"])


def _figures(night: NightLine) -> dict[str, str]:
    gain = percent(night.gain, sign=True)
    interval = f"{percent(night.gain_low, sign=True)} to {percent(night.gain_high, sign=True)}"
    return {
        "verdict": night.verdict + (", overridden" if night.overridden else ""),
        "served from then on": night.served,
        "its accuracy": DASH if night.accuracy != night.accuracy else f"{night.metric} {night.accuracy:.4f}",
        "champion": night.champion,
        "challenger": night.challenger or DASH,
        "gain of the challenger": gain if gain == DASH else f"{gain} ({interval})",
        "added cost a month": _money(night.monthly_cost, night),
        "one-off cost": _money(night.one_off_cost, night),
        "net benefit": _money(night.net_benefit, night, f" over {night.horizon_days} days"),
        "chance that it pays": percent(night.probability, digits=0),
        "listeners scored": f"{night.n_listeners:,}",
    }


def _money(amount: float, night: NightLine, more: str = "") -> str:
    shown = whole(amount, sign=True)
    return shown if shown == DASH else f"{shown} {night.currency}{more}"


def _nights(latest: Sequence[NightLine], checks: Mapping[str, str], files: Collection[str]) -> Grid:
    heads = ("night", "verdict", "served", "challenger", "gain", "a month", "once", "net benefit", "checks")
    rows = [
        (
            _link(f"decision-{night.as_of}.html", night.as_of, files),
            night.verdict,
            night.served,
            night.challenger or DASH,
            percent(night.gain, sign=True),
            _money(night.monthly_cost, night),
            _money(night.one_off_cost, night),
            _money(night.net_benefit, night),
            _link(f"data_docs/{night.as_of}/ingest.html", checks.get(night.as_of, DASH), files),
        )
        for night in latest
    ]
    return grid("Nights, the latest first", heads, rows)


def _link(file: str, text: str, files: Collection[str]) -> str:
    return Markup('<a href="{}">{}</a>').format(file, text) if file in files else text
