"""The monitor's page shows every metric, marks breaches, and plots defined values."""

import xml.etree.ElementTree as ET

from markupsafe import escape

from pipeline.monitoring.judging import judge_nights, monitor_metrics
from pipeline.reports.history import history, tick_texts
from pipeline.reports.monitor import render_monitor
from tests.monitoring.test_judging import PARAMS, nights


def test_every_metric_has_a_panel_that_shows_undefined_values() -> None:
    page = render_monitor(nights("hit_rate", 0.4, 0.2, 0.3, 0.14), PARAMS)
    for metric in monitor_metrics(PARAMS):
        assert escape(metric.label[1:]) in page
    assert page.count("<svg") == 1
    assert page.count("Undefined so far.") == len(monitor_metrics(PARAMS)) - 1
    assert "14.0 %" in page
    assert "at least 15.0 %, from the trailing median; outside them on 1 of 4 nights" in page


def test_the_same_history_gives_the_same_bytes_and_loads_nothing() -> None:
    found = nights("log_age_days", 3, 3, 3)
    assert render_monitor(found, PARAMS) == render_monitor(found, PARAMS)
    assert "http" not in render_monitor(found, PARAMS)


def test_a_warning_is_the_headline() -> None:
    page = render_monitor(nights("log_age_days", 3, 3, 3), PARAMS)
    assert "<h1>Age of the last play: 3.0 d, above 2.0 d (3 of the last 5 nights)</h1>" in page
    assert "1 alert</span>" in page


def test_without_an_alert_the_headline_counts_the_quiet_nights_and_names_what_was_out_of_bounds() -> None:
    page = render_monitor(nights("log_age_days", 3, 3, 3, 0, 0), PARAMS)
    assert "<h1>No alerts in the last 2 nights</h1>" in page
    assert "Out of bounds tonight" not in page
    first = render_monitor(nights("log_age_days", 0, 3), PARAMS)
    assert "<h1>No alerts in the last 2 nights, since the monitor began on" in first
    assert "not often enough for an alert:</strong> age of the last play." in first


def test_no_two_ticks_of_an_axis_read_the_same() -> None:
    def tick(value: float, digits: int = 1) -> str:
        return f"{100 * value:.{digits}f} %"

    assert tick_texts([0.0, 0.0005, 0.001, 0.0015], tick) == ["0.00 %", "0.05 %", "0.10 %", "0.15 %"]
    assert tick_texts([0.0, 0.1], tick) == ["0.0 %", "10.0 %"]


def test_a_plot_has_a_mark_for_each_breach_and_a_gap_for_undefined_values() -> None:
    found = nights("psi_hours", 0.05, 0.2, None, 0.3, 0.06)
    judged = [night.judged["psi_hours"] for night in found]
    svg = ET.fromstring(
        history([n.as_of for n in found], judged, title="t", tick=lambda v, digits=1: f"{v:.{digits}g}")
    )
    kinds = [each.get("class") for each in svg.iter("circle")]
    assert kinds == ["dot strong", "mark", "mark", "dot strong"]
    lines = [each.get("points", "").split() for each in svg.iter("polyline") if each.get("class") == "curve strong"]
    assert [len(line) for line in lines] == [2, 2]


def test_a_single_night_is_plotted() -> None:
    entry = {"as_of": "2026-01-01", "figures": {"plays_ratio": 1.0}}
    assert render_monitor(judge_nights([entry], PARAMS), PARAMS).count("<circle") == 1
