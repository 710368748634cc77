"""Renders the figures as a page."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.accuracy.measure import METRICS
from bench.accuracy.table import PUBLISHED, SOURCE
from pipeline.reports.dot_plot import Row, dot_plot
from pipeline.reports.render import environment
from pipeline.reports.scatter import Point, scatter

SHOWN = "ndcg_at_20"


def render(rows: Sequence[Mapping[str, Any]], *, n_items: int, n_seeds: int) -> str:
    """Return one self-contained HTML file of the rows, best first."""
    template = environment().from_string((Path(__file__).parent / "page.html.j2").read_text(encoding="utf-8"))
    return template.render(
        rows=rows, published=PUBLISHED, source=SOURCE, metrics=METRICS, n_items=n_items, n_seeds=n_seeds,
        dots=_dots(rows), scatter=_scatter(rows),
    )  # fmt: skip


def _dots(rows: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for row in rows:
        shown = row["metrics"][SHOWN]
        low, high = shown["interval"]
        lines.append(Row(row["name"], shown["mean"], low, high, strong=row is rows[0]))
    for name, values in PUBLISHED.items():
        if values[SHOWN]:
            lines.append(Row(name, None, mark=values[SHOWN]))
    target = PUBLISHED["LightGCN++"][SHOWN]
    return dot_plot(lines, title="NDCG@20 of ours and theirs", axis="NDCG@20", tick=lambda v: f"{v:g}", line=target)


def _scatter(rows: Sequence[Mapping[str, Any]]) -> str:
    points = []
    for row in rows:
        cost, value = max(row["fit_cpu_seconds"], 0.01), row["metrics"][SHOWN]["mean"]
        beaten = any(
            other["fit_cpu_seconds"] <= row["fit_cpu_seconds"] and other["metrics"][SHOWN]["mean"] > value
            for other in rows
        )
        points.append(Point(row["name"], cost, value, *row["metrics"][SHOWN]["interval"], not beaten, row is rows[0]))
    return scatter(points, title="NDCG@20 against cost", x_axis="CPU seconds of a fit", y_axis="NDCG@20")
