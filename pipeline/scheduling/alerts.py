"""Airflow callbacks that send alerts about a night (pipeline/alerting)."""

import contextlib
import datetime as dt
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.alerting import message
from pipeline.alerting.channels import send
from pipeline.scheduling.links import base_url, decision_page
from pipeline.settings import load_alerting, load_settings

Context = Mapping[str, Any]
_AFTER = frozenset({"spark_stop", "report", "close", "verdict"})
"""Tasks that run, and may fail, after another task has stopped the night."""


def task_failed(workspace: Path) -> Callable[[Context], None]:
    """Return an on_failure_callback that marks the release as stale and sends an alert."""

    def alert_failure(context: Context) -> None:
        task = context["task"]
        error = " ".join(str(context.get("exception") or "see the log").split())
        # Rendered values: a command has them in its environment, a function in its arguments.
        as_of = (getattr(task, "env", None) or {}).get("AS_OF") or getattr(task, "op_kwargs", {}).get("as_of")
        if task.task_id not in _AFTER:
            _mark(workspace, as_of, task.task_id, error)
        alert = message.stopped(
            task.task_id, error, as_of=as_of, served=served(workspace), links={"log": str(context["ti"].log_url)}
        )
        send(alert, load_alerting())

    return alert_failure


def night_ended(workspace: Path, as_of: str) -> str:
    """Send the verdict of a night with the monitor's warnings, and return the verdict and its sentence.

    Args:
        workspace: the folder of dvc.yaml.
        as_of: the night.
    """
    decision = json.loads((workspace / "data" / "decision.json").read_text(encoding="utf-8"))
    settings = load_settings(workspace=workspace)
    page = settings.reports / f"monitor-{as_of}.json"
    warnings = json.loads(page.read_text(encoding="utf-8"))["warnings"] if page.exists() else []
    links = {"decision": decision_page(as_of)}
    send(message.ended(decision, warnings, links=links), load_alerting())
    return f"{decision['verdict']}: {decision['sentence']}"


def lists_are_late(workspace: str, hours: float, context: Context) -> None:
    """Send an alert that a run has missed its deadline.

    Args:
        workspace: the folder of dvc.yaml.
        hours: the time since the night was due [h].
        context: Airflow's facts of the run.
    """
    run = context["dag_run"]
    as_of = str((run.get("conf") or {}).get("as_of") or run.get("data_interval_end") or run["run_after"])[:10]
    links = {"run": f"{base_url()}/dags/{run['dag_id']}/runs/{quote(run['dag_run_id'])}"}
    send(
        message.late(as_of=as_of, hours=hours, served=served(Path(workspace), due=as_of), links=links), load_alerting()
    )


def served(workspace: Path, *, due: str | None = None) -> str:
    """Return a sentence on the release that is served meanwhile, with its age.

    Args:
        workspace: the folder of dvc.yaml.
        due: the night whose lists should be served; the default is the failed night.
    """
    from pipeline.releases.current import describe_served

    releases = load_settings(workspace=workspace).releases
    found = describe_served(releases, due=_date(due))
    return f"Still served: {found}." if found else f"No complete release is served from {releases}."


def _mark(workspace: Path, as_of: str | None, stage: str, why: str) -> None:
    from pipeline.releases.current import mark_stale

    night = _date(as_of)
    if night is not None:
        with contextlib.suppress(OSError):  # the alert must be sent even if the mark cannot be written
            mark_stale(load_settings(workspace=workspace).releases, night=night, stage=stage, why=why)


def _date(text: str | None) -> dt.date | None:
    """Return the date, or None for a task without a night and for a template that was never rendered."""
    try:
        return None if text is None else dt.date.fromisoformat(text)
    except ValueError:
        return None
