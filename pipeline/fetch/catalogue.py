"""The catalogue of public data sets: a configuration file of addresses and formats."""

import datetime as dt
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError

from pipeline.errors import ParamsError
from pipeline.params.base import Frozen

Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+/\S*$")]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Member(Frozen):
    """A file of an archive that lands."""

    pattern: str
    """Shell pattern of its path in the archive."""
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    """Published by the data set's authors; null if they do not."""


class Dataset(Frozen):
    """A public data set of logs."""

    title: str
    licence: str
    url: Url | None
    """Address of an archive (tar, compressed or not) or of one log; null if the user has to choose it."""
    sha256: Sha256 | None
    """Of the archive; null if it is not published."""
    members: tuple[Member, ...] = ()
    """Files of the archive that land; empty if the file itself lands."""
    format: str
    """The format of the logs."""
    as_of: dt.date | None = None
    """A night to start with."""


def load_catalogue(path: Path) -> dict[str, Dataset]:
    """Load the data sets of a file, by name.

    Raises:
        ParamsError: it is missing or invalid.
    """
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        return {
            str(name): Dataset.model_validate(entry | {"members": tuple(entry.get("members", ()))})
            for name, entry in raw.items()
        }
    except FileNotFoundError as err:
        raise ParamsError(f"no file {path}", expected="data sets", fix="Unset NETGAIN_DATASETS.") from err
    except ValidationError as err:
        first = err.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ParamsError(f"{path}: {where}: {first['msg']}", expected="a data set", fix="Correct it.") from err
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError) as err:
        why = " ".join(str(err).split())
        raise ParamsError(f"{path} holds no data sets: {why}", expected="name: {…}", fix="Correct it.") from err
