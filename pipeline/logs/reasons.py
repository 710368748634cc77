"""Why rows go to quarantine, and what readers repair."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a row is in quarantine; a row with several faults gets the first of this list."""

    UNREADABLE = "unreadable file"
    LONG_LINE = "line too long"
    NOT_UTF8 = "not UTF-8"
    NOT_JSON = "not JSON"
    NOT_OBJECT = "not a JSON object"
    QUOTES = "broken quotes"
    COLUMNS = "wrong number of columns"
    UNSTORABLE = "unstorable text"
    NOT_MUSIC = "not music"
    NOT_PLAY = "an event, not a play"
    PLAYING_NOW = "playing now, not played"
    ERASED = "erased listener"
    MISSING_LISTENER = "missing listener"
    BAD_TIMESTAMP = "bad timestamp"
    BEFORE_2002 = "timestamp before 2002"
    FROM_2100 = "timestamp from 2100 on"
    AHEAD = "timestamp ahead of the clock"
    MISSING_ARTIST = "missing artist"
    MISSING_TRACK = "missing track"
    NEGATIVE_DURATION = "negative duration"
    BAD_DURATION = "bad duration"


NO_FAULT = frozenset({Reason.NOT_MUSIC, Reason.NOT_PLAY, Reason.PLAYING_NOW, Reason.ERASED})
"""Reasons that are not a fault of the logs: they do not count towards `ingest.max_quarantine_share`."""

JUDGED = frozenset(
    {
        Reason.UNSTORABLE,
        Reason.MISSING_LISTENER,
        Reason.BAD_TIMESTAMP,
        Reason.BEFORE_2002,
        Reason.FROM_2100,
        Reason.AHEAD,
        Reason.MISSING_ARTIST,
        Reason.MISSING_TRACK,
        Reason.NEGATIVE_DURATION,
        Reason.BAD_DURATION,
    }
)
"""Reasons that `settle` finds, in every format."""


class Repair(StrEnum):
    """What readers repair, and count: rows of a file that became plays by it."""

    BYTE_ORDER_MARK = "byte order mark removed"
    UTF_16 = "UTF-16 to UTF-8"
    MILLISECONDS = "time in milliseconds"
    MICROSECONDS = "time in microseconds"
    NANOSECONDS = "time in nanoseconds"
    NO_MBID = "bad MBID left out"
