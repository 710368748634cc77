"""The date of a night, `as_of`: where it is read and how it is parsed."""

import datetime as dt
import re
from pathlib import Path

import yaml

from pipeline.errors import ParamsError

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def parse_as_of(text: str, *, today: dt.date | None = None) -> dt.date:
    """Return the date of a night.

    Args:
        text: YYYY-MM-DD.
        today: if given, a later date is refused: its logs cannot have landed.

    Raises:
        ParamsError: the text is not a date, or the date lies in the future.
    """
    try:
        if not _DATE.fullmatch(text):
            raise ValueError(text)
        as_of = dt.date.fromisoformat(text)
    except ValueError as err:
        raise ParamsError(
            f"as_of = {text[:40]!r}", expected="a date YYYY-MM-DD", fix="Give --as-of the night's date in UTC."
        ) from err
    if today is not None and as_of > today:
        raise ParamsError(
            f"as_of = {as_of} lies in the future", expected=f"a date up to {today}", fix="Give a night that has come."
        )
    return as_of


def read_as_of(night_yaml: Path) -> dt.date:
    """Return the date of the night that is open in a workspace.

    Args:
        night_yaml: the workspace's night/night.yaml.

    Raises:
        ParamsError: the file is missing or holds no date.
    """
    try:
        text = str(yaml.safe_load(night_yaml.read_text(encoding="utf-8"))["as_of"])
    except FileNotFoundError as err:
        raise ParamsError(
            f"no file {night_yaml}", expected="an open night", fix="Run `netgain night --as-of DATE` first."
        ) from err
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as err:
        raise ParamsError(f"{night_yaml} names no night", expected="as_of", fix="Open the night again.") from err
    return parse_as_of(text)
