"""Renders the page of experiments."""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reports.experiment_view import ExperimentView
from pipeline.reports.render import environment


def render_experiments(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the page as one self-contained HTML file; the same rows give the same bytes.

    Args:
        rows: the last row of each experiment, in the order in which they were opened.
    """
    views = [ExperimentView(row) for row in reversed(rows)]
    return environment().get_template("experiments.html.j2").render(views=views)
