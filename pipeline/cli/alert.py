"""`netgain alert`: sends an alert, also to test the channels."""

import logging
from typing import Annotated

import typer

from pipeline.alerting.channels import send
from pipeline.alerting.message import Alert
from pipeline.cli.console import echo
from pipeline.errors import SettingsError
from pipeline.settings import load_alerting


def alert(
    subject: Annotated[str, typer.Argument(help="The subject.")] = "Netgain: a test of the alerts",
    lines: Annotated[list[str] | None, typer.Option("--line", help="A line of the text; repeatable.")] = None,
) -> None:
    """Send an alert by every configured channel (NETGAIN_ALERT_*)."""
    logging.basicConfig(format="%(message)s")
    settings = load_alerting()
    failed = send(Alert("note", subject, tuple(lines or ())), settings)
    if failed:
        raise SettingsError(
            "; ".join(failed),
            expected="channels that accept the alert",
            fix="Check NETGAIN_ALERT_*: docs/how-to/run-on-airflow.md.",
        )
    echo(f"sent: {', '.join(('log', *settings.channels))}")
