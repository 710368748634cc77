"""Parse times and identifiers as logs write them."""

import datetime as dt
import re
from typing import Any

import polars as pl

from pipeline.logs.reasons import Repair

MOMENT = pl.Datetime("us", "UTC")
_ISO = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]Z$"
_ANY_ISO = re.compile(r"[0-9W-]+[T ][0-9:.,]+(?:Z|[+-][0-9:.]+)", re.ASCII)
_MINUTE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}$"
_MBID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_NUMBER = r"^(-?[0-9]+)(?:\.([0-9]{1,6})[0-9]*)?$"
_PATTERNS = tuple(
    f"{date}{time}"
    for date in (
        "%d %b %Y, ",
        "%d %b %Y ",
        "%d %B %Y, ",
        "%d %B %Y ",
        "%b %d, %Y, ",
        "%b %d, %Y ",
        "%Y-%m-%d ",
        "%Y-%m-%dT",
    )
    for time in ("%H:%M", "%H:%M:%S")
)
"""Ways to write a time that can be told apart; 01/02/2024 is not among them."""
_YEAR_1 = -62_135_596_800
_UNITS = {"ms": Repair.MILLISECONDS, "us": Repair.MICROSECONDS, "ns": Repair.NANOSECONDS}


def iso_moments(texts: pl.Series) -> pl.Series:
    """Parse ISO 8601 to UTC in microseconds; null for anything else, and for a time without Z or an offset."""
    plain = texts.str.contains(_ISO)
    moments = _strptime(texts, plain, "%Y-%m-%dT%H:%M:%SZ")
    rest = (moments.is_null() & texts.is_not_null()).arg_true()
    if rest.is_empty():
        return moments
    found = [_iso_moment(text) for text in texts.gather(rest)]
    return moments.scatter(rest, pl.Series(found, dtype=MOMENT))


def minute_moments(texts: pl.Series) -> pl.Series:
    """Parse `YYYY-MM-DD HH:MM` as UTC; null for anything else."""
    return _strptime(texts, texts.str.contains(_MINUTE), "%Y-%m-%d %H:%M")


def patterned_moments(texts: pl.Series, patterns: str) -> pl.Series:
    """Parse times by the first strptime pattern that fits, as UTC if they hold no offset; null if none fits.

    Args:
        texts: the times.
        patterns: separated by `|`.
    """
    moments = pl.Series([None] * len(texts), dtype=MOMENT)
    for pattern in patterns.split("|"):
        moments = moments.fill_null(utc(texts.str.to_datetime(pattern, time_unit="us", strict=False, exact=True)))
    return moments


def any_moments(texts: pl.Series) -> tuple[pl.Series, dict[Repair, pl.Series]]:
    """Parse each time by what it looks like: Unix time, ISO 8601, or a date such as `31 Jan 2024, 10:15`.

    A time without an offset is taken as UTC. Null for anything else.

    Returns:
        As `unix_moments`.
    """
    texts = texts.str.strip_chars()
    moments, repaired = unix_moments(texts)
    moments = moments.fill_null(iso_moments(texts.set(moments.is_not_null(), None)))
    for pattern in _PATTERNS:
        if not (rest := moments.is_null() & texts.is_not_null()).any():
            break
        moments = moments.fill_null(patterned_moments(texts.set(~rest, None), pattern))
    return moments, repaired


def whole(texts: pl.Series) -> pl.Series:
    """Return whole numbers written as fractions (`7.0`) as their digits; other texts as they are."""
    return texts.str.replace(r"^(-?[0-9]+)\.0+$", "$1")


def utc(moments: pl.Series) -> pl.Series:
    """Return timestamps of any unit in microseconds UTC; those without a zone are taken as UTC."""
    zone = getattr(moments.dtype, "time_zone", None)
    return (moments.dt.replace_time_zone("UTC") if zone is None else moments).cast(MOMENT)


def unix_moments(texts: pl.Series) -> tuple[pl.Series, dict[Repair, pl.Series]]:
    """Parse Unix times; null for texts that are not numbers.

    Numbers are seconds, which may have decimals. From 10¹¹ on, seconds would lie beyond the year 5138: such numbers are
    milliseconds, from 10¹⁴ on microseconds, from 10¹⁷ on nanoseconds (which as microseconds would lie beyond the year
    5138 again).

    Returns:
        The moments, clipped to the year 1 from below; and for each unit but seconds, a mask of the texts in it.
    """
    parts = texts.to_frame("text").select(
        pl.col("text").str.extract(_NUMBER, 1).cast(pl.Int64, strict=False).alias("n"),
        pl.col("text").str.extract(_NUMBER, 2).str.pad_end(6, "0").cast(pl.Int64, strict=False).fill_null(0).alias("f"),
    )
    found, n = parts, pl.col("n")
    unit = (
        pl.when(n >= 10**17)
        .then(pl.lit("ns"))
        .when(n >= 10**14)
        .then(pl.lit("us"))
        .when(n >= 10**11)
        .then(pl.lit("ms"))
    )
    found = found.with_columns(unit=unit)
    micros = (
        pl.when(pl.col("unit") == "ns").then(n // 1000)
        .when(pl.col("unit") == "us").then(n)
        .when(pl.col("unit") == "ms").then(n * 1000)
        .otherwise(n.clip(_YEAR_1) * 1_000_000 + pl.when(n >= 0).then("f").otherwise(0))
    )  # fmt: skip
    moments = found.select(micros.cast(MOMENT)).to_series()
    return moments, {repair: (found["unit"] == name).fill_null(False) for name, repair in _UNITS.items()}


def plain_row(frame: pl.DataFrame, row: int) -> dict[str, Any]:
    """Return a row as Python values; its times as numbers if one is beyond what Python can hold."""
    try:
        return frame.row(row, named=True)
    except (OverflowError, ValueError):
        return frame[row].with_columns(pl.selectors.temporal().to_physical()).row(0, named=True)


def mbid(expr: pl.Expr) -> pl.Expr:
    """Return a MusicBrainz identifier in lower case; null for any other text."""
    lower = expr.str.to_lowercase()
    return pl.when(lower.str.contains(_MBID)).then(lower)


def is_no_mbid(expr: pl.Expr) -> pl.Expr:
    """Return whether a text is neither blank nor a valid MusicBrainz identifier."""
    return (expr.str.strip_chars() != "").fill_null(False) & mbid(expr).is_null()


def _strptime(texts: pl.Series, where: pl.Series, pattern: str) -> pl.Series:
    # chrono is lenient (signs, single digits, leap seconds), so the regular expression decides first.
    plain = texts.to_frame("text").select(pl.when(where).then(pl.col("text"))).to_series()
    return plain.str.to_datetime(pattern, time_unit="us", strict=False, exact=True).dt.replace_time_zone("UTC")


def _iso_moment(text: str | None) -> dt.datetime | None:
    # fromisoformat accepts any character between date and time.
    if text is None or not _ANY_ISO.fullmatch(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
