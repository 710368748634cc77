"""Renders the decision page, and sets up Jinja for all pages."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.gate.record_reader import parse_record
from pipeline.gate.spending import ANALYSES
from pipeline.gate.wording import chance, percent, small_share
from pipeline.reports.decision_view import View
from pipeline.reports.figures import number


def render(record: Mapping[str, Any]) -> str:
    """Return a decision as one self-contained HTML file; the same record gives the same bytes.

    Args:
        record: what a decision.json of any schema holds.

    Raises:
        ValueError: it is not a record.
    """
    view = View(parse_record(record))
    template = environment().get_template("decision.html.j2")
    return template.render(view=view, record=view.record, schema=record["schema"])


@cache
def environment() -> Environment:
    """Return the environment of all pages: values are escaped, and an undefined name is an error."""
    loader = PackageLoader("pipeline.reports")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(percent=percent, number=number, chance=chance, small_share=small_share)
    environment.globals.update(analyses=ANALYSES)
    environment.globals.update(passed={True: ("✓", "passed"), False: ("✕", "broken"), None: ("○", "undecided")})
    return environment
