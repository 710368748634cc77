"""What was expected of a night's data and what became of it, as pages that call nobody.

Great Expectations' own Data Docs load scripts and styles from seven hosts, and their index is blank without them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reports.render import environment

Report = Mapping[str, Any]
CHECKPOINTS = {
    "ingest": "What has landed, before it is counted",
    "interactions": "What models learn from, before anything is fitted",
    "lists": "What listeners are served, before it is",
}
"""Places in the night where data is held against its suites, in order; a page each."""
_STATES = {"stopped": "✕", "warned": "!", "held": "✓", "absent": "–"}
_SHOWN = {
    ("broken", "stop"): ("✕", "stops the night"),
    ("broken", "quarantine"): ("→", "set aside"),
    ("broken", "warn"): ("!", "warning"),
    ("undecided", ""): ("○", "undecided"),
    ("held", ""): ("✓", "held"),
}


def state(report: Report | None) -> str:
    """`stopped`, `warned`, `held`, or `absent` where the night did not get there."""
    if report is None:
        return "absent"
    return "stopped" if report["failures"] else "warned" if report["warnings"] else "held"


def render_checkpoint(name: str, report: Report, *, as_of: str) -> str:
    """One checkpoint of one night: each suite with a row for each expectation, what is amiss first.

    Args:
        name: of CHECKPOINTS.
        report: `pipeline.validation.expectations.checkpoint`.
        as_of: the night.
    """
    suites = [suite | {"rows": _rows(suite)} for suite in report["suites"]]
    template = environment().get_template("data_docs_checkpoint.html.j2")
    shown = {"about": CHECKPOINTS[name], "state": state(report), "states": _STATES}
    return template.render(name=name, report=report, as_of=as_of, suites=suites, **shown)


def render_index(nights: Sequence[tuple[str, Mapping[str, Report]]]) -> str:
    """All nights, the latest first: the state of each checkpoint, with what was told.

    Args:
        nights: pairs of a night and its reports by checkpoint.
    """
    rows = [
        {
            "as_of": as_of,
            "cells": [(name, state(reports.get(name)), reports.get(name)) for name in CHECKPOINTS],
        }
        for as_of, reports in sorted(nights, reverse=True, key=lambda night: night[0])
    ]
    return environment().get_template("data_docs_index.html.j2").render(nights=rows, about=CHECKPOINTS, states=_STATES)


def _rows(suite: Report) -> list[dict[str, str]]:
    rows = []
    for found in suite["findings"]:
        kind = (found["outcome"], found["severity"] if found["outcome"] == "broken" else "")
        mark, word = _SHOWN[kind]
        told = {"says": found["says"], "where": found["where"], "severity": found["severity"]}
        named = f"{found['kind']}({found['column']})"
        rows.append(told | {"mark": mark, "word": word, "css": "-".join(filter(None, kind)), "named": named})
    return sorted(rows, key=lambda row: [mark for mark, _ in _SHOWN.values()].index(row["mark"]))
