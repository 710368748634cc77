"""The time stamps of state."""

import datetime as dt


def now() -> str:
    """Return the current time as ISO 8601 in UTC, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
