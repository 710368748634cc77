"""The text of alerts: a subject and lines that say what to do. Figures and names only, never a listener's data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["verdict", "failed", "late", "note"]

_NEXT = {
    "turn": "Another night has held the workspace for too long: check its run first.",
    "open": "Fix params.yaml, the settings or the landing folder; nothing was written.",
    "validate": "See reports/data_docs/: fix the logs, or change the bound in params.yaml.",
    "split": "See reports/data_docs/: fix the logs, or change the bound in params.yaml.",
    "audit": "The lists failed their audit: see reports/data_docs/, and what changed in the recipe.",
    "record": "Start MLflow, or fix NETGAIN_MLFLOW_URI.",
    "promote": "Start MLflow, or fix NETGAIN_MLFLOW_URI.",
    "publish": "Run `netgain doctor`: it checks the releases and the disk space.",
    "monitor": "The new lists are served; see the log of the task.",
    "erase": "The new lists are served, but erasure requests are still pending: see the log of the task.",
}


@dataclass(frozen=True)
class Alert:
    """An alert, independent of the channel.

    Attributes:
        kind: `verdict` for a finished night, `failed` for a night that stopped, `late` for a night that is overdue,
            `note` for anything else.
        subject: one line.
        lines: what is known, and what to do.
        as_of: the night, or None if the alert is not about a night.
        links: URLs by name.
    """

    kind: Kind
    subject: str
    lines: tuple[str, ...]
    as_of: str | None = None
    links: Mapping[str, str] | None = None

    @property
    def text(self) -> str:
        """Return subject, lines and links as plain text, for mail and chat."""
        return "\n".join([self.subject, "", *self.lines, *(f"{n}: {url}" for n, url in (self.links or {}).items())])

    @property
    def payload(self) -> dict[str, Any]:
        """Return the JSON body of the webhook; `text` is the field that Slack and Mattermost display."""
        facts = {"kind": self.kind, "subject": self.subject, "as_of": self.as_of, "links": dict(self.links or {})}
        return {"text": self.text, **facts}


def ended(decision: Mapping[str, Any], warnings: Sequence[str], *, links: Mapping[str, str] | None = None) -> Alert:
    """Return the alert of a finished night.

    Args:
        decision: decision.json.
        warnings: the monitor's warnings.
        links: URLs by name.
    """
    verdict, as_of = decision["verdict"], decision["as_of"]
    count = f", {len(warnings)} warning{'s' * (len(warnings) > 1)}" if warnings else ""
    lines = [str(decision["sentence"]), *(f"warning: {line}" for line in warnings)]
    if verdict == "INVALID":
        lines.append("The new lists are served, but no decision was made. What to do: see `netgain explain`.")
    if warnings:
        lines.append("What to do: see reports/monitor.html, and docs/reference/monitoring.md for each metric.")
    return Alert("verdict", f"Netgain {as_of}: {verdict}{count}", tuple(lines), as_of, links)


def stopped(
    stage: str, message: str, *, as_of: str | None, served: str, links: Mapping[str, str] | None = None
) -> Alert:
    """Return the alert of a night, or of another task, that failed.

    Args:
        stage: the failed task, as the scheduler names it.
        message: the error, in one line.
        as_of: the night, or None if the task is not part of a night.
        served: a sentence on the release that is still served.
        links: URLs by name.
    """
    advice = _NEXT.get(stage, "Fix the cause; the log of the task has the full error.")
    again = "Then clear the task and all downstream tasks; finished work is kept."
    lines = (message, served, f"What to do: {advice} {again}")
    return Alert("failed", f"Netgain{' ' + as_of if as_of else ''}: stopped at {stage}", lines, as_of, links)


def late(*, as_of: str, hours: float, served: str, links: Mapping[str, str] | None = None) -> Alert:
    """Return the alert of a night that is overdue.

    Args:
        as_of: the night.
        hours: the time since it was due [h].
        served: a sentence on the release that is still served.
        links: URLs by name.
    """
    lines = (
        f"The night was due {hours:g} hours ago and has not finished.",
        served,
        "What to do: check which task is running, waiting or being retried; a task that hangs ends at its own timeout.",
    )
    return Alert("late", f"Netgain {as_of}: the lists are late", lines, as_of, links)
