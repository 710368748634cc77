"""Renders the decision page, and sets up Jinja for all pages."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.gate.record_reader import parse_record
from pipeline.gate.spending import ANALYSES
from pipeline.gate.wording import DASH, chance, percent, small_share
from pipeline.reports import decision_grids as grids
from pipeline.reports import decision_plots as plots
from pipeline.reports.decision_view import View
from pipeline.reports.figures import number
from pipeline.reports.guardrail_view import far_line, guardrail_rows


def render(record: Mapping[str, Any]) -> str:
    """Return a decision as one self-contained HTML file; the same record gives the same bytes.

    Args:
        record: what a decision.json of any schema holds.

    Raises:
        ValueError: it is not a record.
    """
    view = View(parse_record(record))
    template = environment().get_template("decision.html.j2")
    return template.render(view=view, record=view.record, grids=_grids(view, record["schema"]), plots=_plots(view))


def _grids(view: View, schema: int) -> dict[str, Any]:
    found, change = view.record, view.record.lanes.refresh
    return {
        "challengers": grids.challengers(view),
        "certainty": grids.certainty(view),
        "worth": grids.worth(view),
        "flips": grids.flips(view),
        "near": grids.guardrails([row for row in view.guardrails if not row.far], "Guardrails"),
        "far": grids.guardrails([row for row in view.guardrails if row.far], "Limits on cost that are far"),
        "far_line": far_line(view.guardrails),
        "unjudged": any(row.passed is None for row in view.guardrails),
        "refresh": grids.refresh(found),
        "refresh_broken": [row for row in guardrail_rows(found, change.gates if change else ()) if row.passed is False],
        "limits": grids.limits(view),
        "metrics": grids.metrics(view),
        "takes": grids.takes(view),
        "reasons": [(name, grids.explained(each.family)) for name, each in found.recipes.items()],
        "assumptions": grids.assumptions(view),
        "sources": grids.sources(view, schema),
    }


def _plots(view: View) -> dict[str, plots.Sizes | None]:
    return {
        "accuracy": plots.accuracy_against_cost(view),
        "net_benefit": plots.net_benefit(view),
        "sensitivity": plots.sensitivity(view),
    }


@cache
def environment() -> Environment:
    """Return the environment of all pages: values are escaped, and an undefined name is an error."""
    loader = PackageLoader("pipeline.reports")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(percent=percent, number=number, chance=chance, small_share=small_share)
    environment.globals.update(analyses=ANALYSES, dash=DASH)
    return environment
