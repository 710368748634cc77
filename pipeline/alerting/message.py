"""What people are told of a night: one subject, and lines that say what to do. Figures and names, never a listener."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["verdict", "failed", "late", "note"]

_NEXT = {
    "turn": "Another night holds the workspace for too long: look at its run first.",
    "open": "Mend params.yaml, the settings or the landing folder; nothing was written.",
    "validate": "See reports/data_docs/: mend the logs, or change the bound on record in params.yaml.",
    "split": "See reports/data_docs/: mend the logs, or change the bound on record in params.yaml.",
    "audit": "The lists are not fit to be served: see reports/data_docs/, and what changed in the recipe.",
    "record": "MLflow: start it, or mend NETGAIN_MLFLOW_URI.",
    "promote": "MLflow: start it, or mend NETGAIN_MLFLOW_URI.",
    "publish": "See `netgain doctor`: what is served, and the disk of the releases.",
    "monitor": "Lists are served all the same; see the log.",
    "erase": "Lists are served; who asked to be erased still waits: see the log.",
}


@dataclass(frozen=True)
class Alert:
    """What is sent.

    Attributes:
        kind: `verdict` of a night that ended, `failed` for one that stopped, `late` for lists that are not there in
            time, `note` for anything else.
        subject: one line.
        lines: what is known, and what to do.
        as_of: the night, where it is of one.
        links: addresses by name.
    """

    kind: Kind
    subject: str
    lines: tuple[str, ...]
    as_of: str | None = None
    links: Mapping[str, str] | None = None

    @property
    def text(self) -> str:
        """Subject, lines and links, for mail and for chats."""
        return "\n".join([self.subject, "", *self.lines, *(f"{n}: {url}" for n, url in (self.links or {}).items())])

    @property
    def payload(self) -> dict[str, Any]:
        """JSON of the webhook; `text` is what Slack, Mattermost and their like show."""
        told = {"kind": self.kind, "subject": self.subject, "as_of": self.as_of, "links": dict(self.links or {})}
        return {"text": self.text, **told}


def ended(decision: Mapping[str, Any], warnings: Sequence[str], *, links: Mapping[str, str] | None = None) -> Alert:
    """A night that came to its end.

    Args:
        decision: decision.json.
        warnings: of the monitor.
        links: addresses by name.
    """
    verdict, as_of = decision["verdict"], decision["as_of"]
    count = f", {len(warnings)} warning{'s' * (len(warnings) > 1)}" if warnings else ""
    lines = [str(decision["sentence"]), *(f"warning: {line}" for line in warnings)]
    if verdict == "INVALID":
        lines.append("Lists are served all the same. What to do: see the faults in `netgain explain`.")
    if warnings:
        lines.append("What to do: see reports/monitor.html, and docs/reference/monitoring.md for each figure.")
    return Alert("verdict", f"Netgain {as_of}: {verdict}{count}", tuple(lines), as_of, links)


def stopped(stage: str, said: str, *, as_of: str | None, served: str, links: Mapping[str, str] | None = None) -> Alert:
    """A night that stopped, or another piece of work of Netgain.

    Args:
        stage: the task that failed, as the scheduler names it.
        said: why, in one line.
        as_of: the night, where it is of one.
        served: what is served meanwhile, a sentence.
        links: addresses by name.
    """
    what = _NEXT.get(stage, "Mend the cause; the log of the task has all that was said.")
    lines = (said, served, f"What to do: {what} Then clear the task with all that follow it: what is done is kept.")
    return Alert("failed", f"Netgain{' ' + as_of if as_of else ''}: stopped at {stage}", lines, as_of, links)


def late(*, as_of: str, hours: float, served: str, links: Mapping[str, str] | None = None) -> Alert:
    """Lists that are not there in time.

    Args:
        as_of: the night.
        hours: since it was due [h].
        served: what is served meanwhile, a sentence.
        links: addresses by name.
    """
    lines = (
        f"The night was due {hours:g} hours ago and is not over.",
        served,
        "What to do: see which task runs, waits or is tried again; a task that hangs is ended by its own timeout.",
    )
    return Alert("late", f"Netgain {as_of}: the lists are late", lines, as_of, links)
