"""`netgain alert`: tell people something; also the way to try the channels."""

import logging
from typing import Annotated

import typer

from pipeline.alerting.channels import send
from pipeline.alerting.message import Alert
from pipeline.errors import SettingsError
from pipeline.settings import load_alerting


def alert(
    subject: Annotated[str, typer.Argument(help="What is told.")] = "Netgain: a trial of the alerts",
    lines: Annotated[list[str] | None, typer.Option("--line", help="What is told below; may be given again.")] = None,
) -> None:
    """Send an alert by every channel that is set (NETGAIN_ALERT_*)."""
    logging.basicConfig(format="%(message)s")
    settings = load_alerting()
    failed = send(Alert("note", subject, tuple(lines or ())), settings)
    if failed:
        raise SettingsError(
            "; ".join(failed),
            expected="channels that take it",
            fix="Mend NETGAIN_ALERT_*: docs/how-to/run-on-airflow.md.",
        )
    typer.echo(f"told: {', '.join(('log', *settings.channels))}")
