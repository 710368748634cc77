"""Options that several commands share, and the parsing of their values."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

from pipeline.logs.formats import format_names

AsOf = Annotated[str | None, typer.Option(help="The night, YYYY-MM-DD: its first instant (UTC) is the first unseen.")]
Logs = Annotated[Path | None, typer.Option(help="Folder of landed logs. Default: NETGAIN_LANDING.")]
LOG_FORMATS = (
    f"Format of the logs: {', '.join(format_names())}; several, separated by commas; or auto, each file's own by its "
    "content. See docs/reference/formats.md."
)
RecordedLogs = Annotated[Path | None, typer.Option(help="Folder of landed logs. Default: that of the last night.")]
RecordedFormat = Annotated[
    str | None, typer.Option("--format", help="Format of the logs. Default: that of the last night.")
]
LogFormat = Annotated[str, typer.Option("--format", help=LOG_FORMATS)]


def night_of(as_of: str | None) -> dt.date:
    """Return the night that an option names; the default is today's.

    Raises:
        ParamsError: it is not a date, or lies in the future.
    """
    today = dt.datetime.now(dt.UTC).date()
    return today if as_of is None else date(as_of, today=today)


def date(text: str, *, today: dt.date | None = None) -> dt.date:
    """Return the date of a text YYYY-MM-DD; with `today`, later dates are refused.

    Raises:
        ParamsError: it is not a date, or later than `today`.
    """
    from pipeline.as_of import parse_as_of

    return parse_as_of(text, today=today)
