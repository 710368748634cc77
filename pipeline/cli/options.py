"""Options that several commands have, and what their words mean."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

AsOf = Annotated[str | None, typer.Option(help="The night, YYYY-MM-DD in UTC: its start is the first instant unseen.")]
Logs = Annotated[Path | None, typer.Option(help="Folder of landed logs. Default: NETGAIN_LANDING.")]
LogFormat = Annotated[
    str, typer.Option("--format", help="Format of the logs, or several: see docs/reference/formats.md.")
]


def night_of(as_of: str | None) -> dt.date:
    """The night that is meant: today's, where none is named.

    Raises:
        ParamsError: it is no date, or is to come.
    """
    today = dt.datetime.now(dt.UTC).date()
    return today if as_of is None else date(as_of, today=today)


def date(text: str, *, today: dt.date | None = None) -> dt.date:
    """A date, YYYY-MM-DD; with `today`, none after it.

    Raises:
        ParamsError: it is none.
    """
    from pipeline.stages.context import parse_as_of

    return parse_as_of(text, today=today)
