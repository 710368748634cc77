"""Ids of impressions, and finding the event of one: ids begin with their time, and so do the names of segments."""

import datetime as dt
import json
import re
import secrets
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from pipeline.serving.segments import FOLDER, OPEN_FOLDER, SUFFIX

ID = re.compile(r"[0-9a-f]{12}-[0-9a-f]{16}")
_LONGEST = dt.timedelta(hours=1)
"""No segment is open longer; the server closes one after a minute."""


class Ids:
    """Makes ids: the time [ms since 1970], and 64 random bits, which cannot be guessed."""

    def __init__(self) -> None:
        self._numbers = count(secrets.randbits(24))
        self._own = secrets.token_hex(5)
        self._millisecond, self._id, self._at = 0, "", ""
        self._second, self._to_the_second = 0, ""

    def new(self) -> tuple[str, str]:
        """Return an id and its time, ISO 8601 in UTC."""
        millisecond = time.time_ns() // 1_000_000
        if millisecond != self._millisecond:
            self._millisecond, self._id = millisecond, f"{millisecond:012x}-{self._own}"
            second = millisecond // 1000
            if second != self._second:  # to format a time takes longer than all else of an impression
                self._second, self._to_the_second = second, f"{dt.datetime.fromtimestamp(second, dt.UTC):%FT%T}"
            self._at = f"{self._to_the_second}.{millisecond % 1000:03d}Z"
        return f"{self._id}{next(self._numbers) & 0xFFFFFF:06x}", self._at


def time_of(impression_id: str) -> dt.datetime:
    """Return the time of an impression."""
    return dt.datetime.fromtimestamp(int(impression_id[:12], 16) / 1000, dt.UTC)


def segments_at(landing: Path, at: dt.datetime, *, before: dt.timedelta = _LONGEST) -> list[Path]:
    """Return the segments that may hold events from `before` a time up to it, the latest first.

    Args:
        landing: the landing folder.
        at: the time.
        before: how far back to look.
    """
    low, high = ((at - span).strftime("%Y%m%dT%H%M%S") for span in (before + _LONGEST, dt.timedelta(seconds=-2)))
    found = [
        path
        for folder in (OPEN_FOLDER, FOLDER)
        for path in (landing / folder).glob(f"*{SUFFIX}")
        if low <= path.name[:15] <= high
    ]
    return sorted(found, key=lambda path: path.name, reverse=True)


def find_impression(landing: Path, impression_id: str) -> dict[str, Any] | None:
    """Return the event of an answer; None if the landing folder has no such event."""
    wanted = f'"event_id":"{impression_id}"'.encode()
    for path in segments_at(landing, time_of(impression_id)):
        for line in lines_with(path, wanted):
            return line
    return None


def lines_with(path: Path, wanted: bytes) -> Iterator[dict[str, Any]]:
    """Yield the impressions of a segment whose line holds some bytes, in the order of the file."""
    try:
        file = path.open("rb")
    except FileNotFoundError:  # moved meanwhile: it is in the landing folder now
        file = (path.parent.parent / FOLDER / path.name).open("rb")
    with file:
        for line in file:
            if wanted in line and line.endswith(b"\n") and line.startswith(b'{"kind":"impression"'):
                event = json.loads(line)
                if isinstance(event, dict) and "items" in event:
                    yield event
