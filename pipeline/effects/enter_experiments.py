"""Enters the night's experiments into the state database and writes their page."""

from pathlib import Path

from pipeline.online.results import ExperimentResult
from pipeline.online.running import Running
from pipeline.reports.experiments import render_experiments
from pipeline.stages.context import Context
from pipeline.state.experiments import enter, latest_results
from pipeline.storage.json_files import read_json, write_text

PAGE = "experiments.html"


def enter_experiments(context: Context) -> str:
    """Enter the estimates of the night and write reports/experiments.html; return a clause for the stage's line.

    Without any experiment, now or earlier, nothing is written.
    """
    if not context.layout.experiments.exists():  # a night that an earlier version opened
        return ""
    found = read_json(context.layout.experiments)
    results = [ExperimentResult.model_validate(each) for each in found["results"]]
    running = [Running.model_validate(each) for each in found["running"]]
    enter(context.settings.state, context.as_of, list(zip(running, results, strict=True)))
    rows = latest_results(context.settings.state)
    if rows:
        write_text(page(context.settings.reports), render_experiments(rows))
    return "".join(f"; experiment {each.id}: {each.state}{f' ({each.why})' if each.why else ''}" for each in results)


def page(reports: Path) -> Path:
    """Return the path of the page of experiments."""
    return reports / PAGE
