"""Which data sets there are, and where: configuration."""

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
    pattern: str
    """Which files of the archive land, as a shell pattern of their paths in it."""
    md5: Annotated[str, Field(pattern="^[0-9a-f]{32}$")] | None = None
    """As the data set's authors publish it."""


class Dataset(Frozen):
    title: str
    licence: str
    url: Url | None
    """An archive (tar, packed or not), or one log."""
    sha256: Sha256 | None
    """Of the archive; null where nobody publishes it."""
    members: tuple[Member, ...] = ()
    """None: the file itself lands."""
    format: str
    """The format of the logs."""
    as_of: dt.date | None = None
    """A night to begin with."""


def load_catalogue(path: Path) -> dict[str, Dataset]:
    """The data sets of a file.

    Raises:
        ParamsError: it is missing or faulty.
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
        raise ParamsError(f"{path}: {where}: {first['msg']}", expected="a data set", fix="Mend it.") from err
    except (yaml.YAMLError, UnicodeDecodeError, AttributeError, TypeError) as err:
        what = " ".join(str(err).split())
        raise ParamsError(f"{path} holds no data sets: {what}", expected="name: {…}", fix="Mend it.") from err
