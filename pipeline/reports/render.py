"""Renders the decision page, and sets up Jinja for all pages."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.reports.decision_view import View, figure, number, percent


def render(record: Mapping[str, Any]) -> str:
    """Return a decision page as one self-contained HTML file; the same record gives the same bytes.

    Args:
        record: decision.json, as pipeline/gate/record.py writes it.
    """
    return environment().get_template("decision.html.j2").render(view=View(record), record=record)


@cache
def environment() -> Environment:
    """Return the Jinja environment of all pages: values are escaped, and undefined names raise an error."""
    loader = PackageLoader("pipeline.reports")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(percent=percent, number=number, figure=figure)
    environment.globals.update(passed={True: ("✓", "held"), False: ("✕", "broken"), None: ("○", "undecided")})
    return environment
