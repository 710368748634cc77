"""Renders the expectations of a night's data and their results as self-contained pages.

Great Expectations' own Data Docs load scripts and styles from seven hosts, and their index is blank without them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.reports.render import environment

Report = Mapping[str, Any]
CHECKPOINTS = {
    "ingest": "Landed logs, before they are counted",
    "interactions": "Interactions, before models are fitted on them",
    "lists": "Lists, before they are served",
}
"""The checkpoints of a night, in order; each has a page."""
_STATES = {"stopped": "✕", "warned": "!", "held": "✓", "absent": "–"}
_SHOWN = {
    ("broken", "stop"): ("✕", "stops the night"),
    ("broken", "quarantine"): ("→", "excluded"),
    ("broken", "warn"): ("!", "warning"),
    ("undecided", ""): ("○", "undecided"),
    ("held", ""): ("✓", "passed"),
}


def state(report: Report | None) -> str:
    """Return `stopped`, `warned`, `held`, or `absent` if the night did not reach the checkpoint."""
    if report is None:
        return "absent"
    return "stopped" if report["failures"] else "warned" if report["warnings"] else "held"


def render_checkpoint(name: str, report: Report, *, as_of: str) -> str:
    """Return the page of one checkpoint of one night: a row for each expectation of each suite, faults first.

    Args:
        name: a key of CHECKPOINTS.
        report: what `pipeline.validation.expectations.checkpoint` returns.
        as_of: the night.
    """
    suites = [suite | {"rows": _rows(suite)} for suite in report["suites"]]
    template = environment().get_template("data_docs_checkpoint.html.j2")
    shown = {"about": CHECKPOINTS[name], "state": state(report), "states": _STATES}
    return template.render(name=name, report=report, as_of=as_of, suites=suites, **shown)


def render_index(nights: Sequence[tuple[str, Mapping[str, Report]]]) -> str:
    """Return the index of all nights, latest first, with the state and the counts of each checkpoint.

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
        facts = {"says": found["says"], "where": found["where"], "severity": found["severity"]}
        named = f"{found['kind']}({found['column']})"
        rows.append(facts | {"mark": mark, "word": word, "css": "-".join(filter(None, kind)), "named": named})
    return sorted(rows, key=lambda row: [mark for mark, _ in _SHOWN.values()].index(row["mark"]))
