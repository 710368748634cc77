"""The column map of the format `table`: which columns hold the listener, the track and the time of a play."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from pipeline.errors import LandingError
from pipeline.params.base import Frozen

FILE = "columns.yaml"
Column = Annotated[str, Field(min_length=1)]


class ColumnMap(Frozen):
    played_at: Column
    """Time of the play."""
    artist: Column
    """Name of the artist."""
    track: Column
    """Name of the track."""
    listener: Column | None = None
    """Id of the listener; null: the folder (`Source.listener`)."""
    artist_id: Column | None = None
    """Id of the artist; null, or an empty value: the name."""
    track_id: Column | None = None
    """Id of the track; null, or an empty value: artist and track."""
    ms_played: Column | None = None
    """How long the track was played [ms]."""
    seconds_played: Column | None = None
    """The same in seconds, with or without decimals; at most one of the two."""
    time: Column = "iso"
    """`iso`, `unix` (seconds; smaller units are recognised), `any` (either, or `31 Jan 2024, 10:15`), or strptime
    patterns, separated by `|`; times without an offset are read as UTC."""
    header: tuple[Column, ...] | None = None
    """Names of the columns of a CSV without a header."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Separates the columns of a CSV."""
    quote: Annotated[str, Field(min_length=1, max_length=1)] | None = '"'
    """Encloses texts of a CSV; null: texts are not quoted."""

    @model_validator(mode="after")
    def _names_its_columns(self) -> Self:
        missing = sorted(set(self.columns.values()) - set(self.header or self.columns.values()))
        if missing:
            raise ValueError(f"the header does not name {', '.join(missing)}")
        if self.delimiter in (self.quote, "\n", "\r"):
            raise ValueError(f"{self.delimiter!r} between columns and around texts")
        if self.ms_played and self.seconds_played:
            raise ValueError("ms_played and seconds_played")
        return self

    @field_validator("time")
    @classmethod
    def _tells_the_year(cls, time: str) -> str:
        if time not in ("iso", "unix", "any") and not all(map(_reads_back, time.split("|"))):
            raise ValueError("iso, unix, any, or a pattern with a date and a time, such as %d/%m/%Y %H:%M")
        return time

    @property
    def columns(self) -> dict[str, str]:
        """Return our name → the log's name of each declared column."""
        ours = {
            "listener_id": self.listener,
            "played_at": self.played_at,
            "artist_id": self.artist_id,
            "artist_name": self.artist,
            "track_id": self.track_id,
            "track_name": self.track,
            "ms_played": self.ms_played,
            "seconds_played": self.seconds_played,
        }
        return {name: column for name, column in ours.items() if column is not None}


def load_columns(root: Path) -> ColumnMap:
    """Return the column map of a landing root.

    Raises:
        LandingError: it is missing or invalid.
    """
    path = root / FILE
    fix = "See docs/how-to/add-a-format.md."
    try:
        return parse_columns(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as err:
        raise LandingError(f"no file {path}", expected="a column map for the format table", fix=fix) from err
    except (OSError, yaml.YAMLError, UnicodeDecodeError, ValueError) as err:
        raise LandingError(f"{path} is not a column map: {_first(err)}", expected="a column map", fix=fix) from err


def parse_columns(raw: Any) -> ColumnMap:
    """Return a column map from plain values.

    Raises:
        ValueError: the values are not a column map; pydantic's error names the field.
    """
    if isinstance(raw, dict) and isinstance(raw.get("header"), list):
        raw = raw | {"header": tuple(raw["header"])}
    return ColumnMap.model_validate(raw)


def _reads_back(pattern: str) -> bool:
    """Return whether a time formatted and parsed with a pattern is unchanged, to the minute."""
    import polars as pl

    moment = pl.Series([dt.datetime(2024, 11, 30, 13, 47, tzinfo=dt.UTC)])
    try:
        read = moment.dt.strftime(pattern).str.to_datetime(pattern, time_unit="us", strict=False)
    except pl.exceptions.PolarsError:
        return False
    zone = getattr(read.dtype, "time_zone", None)
    return bool(((read if zone else read.dt.replace_time_zone("UTC")) == moment).fill_null(value=False).all())


def _first(err: Exception) -> str:
    if not isinstance(err, ValidationError):
        return " ".join(str(err).split())
    first = err.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or 'it'}: {first['msg']}"
