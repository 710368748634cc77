"""Backups of the state database as JSON Lines: a line with the version of the schema, then a line for each row."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.errors import TableError
from pipeline.state.database import reading, writing
from pipeline.state.location import Where
from pipeline.state.schema import LOGS, META, METADATA, VERSION
from pipeline.storage.atomic import atomic_path

_FORMAT = "netgain_state"
_OURS = 0o600


def dump(where: Where, path: Path) -> int:
    """Write all rows to a file that only its owner can read, as it contains the digests and the salt of erasures.

    It does not contain the files that rows refer to (influence/, outbox/), or the ids of pending erasures (erasures/).

    Returns:
        The number of rows.

    Raises:
        TableError: the database is damaged.
    """
    rows = [text for _, text in lines(where)]
    with atomic_path(path, mode=_OURS) as temporary:
        header = json.dumps({_FORMAT: VERSION})
        temporary.write_text("".join(f"{line}\n" for line in (header, *rows)), encoding="utf-8")
    return len(rows)


def load(where: Where, path: Path) -> int:
    """Load the rows of a dump into an empty database, all of them or none.

    Returns:
        The number of rows.

    Raises:
        TableError: the database is not empty, or the file is not a whole dump of this version.
    """
    rows = list(_parsed(path))
    with writing(where, anew=True) as connection:
        if not is_empty(connection):
            raise TableError("the state database is not empty", expected="an empty one", fix="Move it away first.")
        for name, row in rows:
            connection.execute(sa.insert(METADATA.tables[name]).values(**row))
    return len(rows)


def is_empty(connection: sa.Connection) -> bool:
    """Return whether no table has a row, apart from the schema's version."""
    others = [sa.select(table) for table in METADATA.sorted_tables if table is not META]
    others.append(sa.select(META).where(META.c.key != "schema"))
    return not any(connection.execute(query.limit(1)).first() for query in others)


def lines(where: Where) -> Iterator[tuple[str, str]]:
    """Yield each row's table and its JSON, in the order in which rows were entered."""
    with reading(where) as connection:
        for table in METADATA.sorted_tables:
            for row in connection.execute(sa.select(table).order_by(*table.primary_key)).mappings():
                kept = {name: value for name, value in row.items() if table.name not in LOGS or name != "id"}
                if table is not META or row["key"] != "schema":
                    text = json.dumps({"table": table.name, "row": kept}, sort_keys=True, ensure_ascii=False)
                    yield table.name, text


def _parsed(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8")
        if not text.endswith("\n"):
            raise ValueError("it is cut off")
        header, *rows = [json.loads(line) for line in text.split("\n") if line]
        if header != {_FORMAT: VERSION}:
            raise ValueError(f"it begins with {str(header)[:60]}")
        for each in rows:
            table = METADATA.tables[each["table"]]
            if not each["row"].keys() <= {column.name for column in table.c}:
                raise ValueError(f"a row of {each['table']} has other columns")
            yield each["table"], each["row"]
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise TableError(
            f"{path} cannot be loaded: {err}", expected=f"a dump with schema {VERSION}", fix="See `netgain state dump`."
        ) from err
