"""Options that several commands have, and what their words mean."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from pipeline.logs.formats import format_names

AsOf = Annotated[str | None, typer.Option(help="The night, YYYY-MM-DD in UTC: its start is the first instant unseen.")]
Logs = Annotated[Path | None, typer.Option(help="Folder of landed logs. Default: NETGAIN_LANDING.")]
LOG_FORMATS = f"Format of the logs: {', '.join(format_names())}; or several, separated by commas. See docs/formats.md."
LogFormat = Annotated[str, typer.Option("--format", help=LOG_FORMATS)]


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
    from pipeline.as_of import parse_as_of

    return parse_as_of(text, today=today)
