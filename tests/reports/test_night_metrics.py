"""A night's figures as Prometheus reads them."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pipeline.reports.night_metrics import metrics_text

FACTS = {
    "seconds": 61.5,
    "stage_seconds": {"ingest": 2.5, "fit@als": 4.0},
    "rows": {"read": 10, "accepted": 7, "duplicate": 2, "quarantined": 1},
    "decision": {"verdict": "KEEP"},
    "release": {"n_listeners": 600},
    "monitor": ["old logs"],
    "outbox": [],
    "recipes": [
        {"recipe": "als", "ndcg": 0.2, "cpu_seconds": 3.0, "peak_rss_bytes": 2e8, "cost_per_month": 12.5},
        {"recipe": "popular", "ndcg": 0.1, "cpu_seconds": None, "peak_rss_bytes": None, "cost_per_month": None},
    ],
}


@pytest.fixture(scope="module")
def samples():
    text = metrics_text(FACTS, ended=1_770_000_000.0)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (("last_success_timestamp_seconds",), 1_770_000_000.0),
        (("seconds",), 61.5),
        (("stage_seconds", "fit@als"), 4.0),
        (("rows", "accepted"), 7),
        (("verdict", "KEEP"), 1),
        (("verdict", "PROMOTE"), 0),
        (("recipe_cost_per_month", "als"), 12.5),
        (("recipe_ndcg", "popular"), 0.1),
        (("monitor_warnings",), 1),
        (("outbox_nights",), 0),
        (("listeners",), 600),
    ],
)
def test_each_figure_is_a_sample(samples, key, value):
    assert samples[(f"netgain_night_{key[0]}", *key[1:])] == value


def test_rows_add_up_and_what_was_not_measured_has_no_sample(samples):
    read = samples["netgain_night_rows", "read"]
    assert read == sum(samples["netgain_night_rows", what] for what in ("accepted", "duplicate", "quarantined"))
    assert ("netgain_night_recipe_cost_per_month", "popular") not in samples
