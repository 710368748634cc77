"""A saved view of the runs table: MLflow shows no metric until columns are chosen.

It has the shape that the interface's "Views" menu writes: an experiment tag with an envelope of JSON. A version of
MLflow that does not know it ignores the tag.
"""

import json

VIEW_TAG = "mlflow.sharedViewState.netgain"
VIEW_NAME = "Nights: gain, cost, verdict"


def saved_view(metric: str, *, created_ms: int) -> str:
    """Return the view's envelope.

    Args:
        metric: as `ndcg_at_10`.
        created_ms: [ms] since 1970.
    """
    metrics = (metric, "gain_percent", "expected_net_benefit", "cpu_seconds", "peak_rss_mib", "coverage")
    columns = ["tags.`verdict`", *(f"metrics.`{name}`" for name in metrics)]
    state = {
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "selectedColumns": columns,
        "columnOrder": ["attributes.`Run Name`", *columns],
        "columnWidths": {"attributes.`Run Name`": 280, **dict.fromkeys(columns, 150)},
    }
    envelope = {"name": VIEW_NAME, "createdAt": created_ms, "updatedAt": created_ms, "state": json.dumps(state)}
    return json.dumps(envelope)
