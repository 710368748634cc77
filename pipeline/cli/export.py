"""`netgain export`: lists for other programs."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import echo
from pipeline.cli.listeners import read_ids
from pipeline.places import local_path
from pipeline.settings import load_settings


def export(
    target: Annotated[
        str,
        typer.Argument(
            help="A file named .parquet or .csv, or a database: postgresql://… or sqlite:///…",
            envvar="NETGAIN_EXPORT_TARGET",
        ),
    ],
    listeners: Annotated[
        Path | None,
        typer.Option(help="A file with an id of your service a line: only these are exported, under these ids."),
    ] = None,
    table: Annotated[str, typer.Option(help="Name of the table in a database.")] = "netgain_lists",
    release: Annotated[str | None, typer.Option(help="A release id. Default: the served release.")] = None,
) -> None:
    """Write the lists of a release to a file or into a table of a database; an earlier one is replaced as a whole."""
    from pipeline.identity.key import own_key
    from pipeline.releases.release import current, open_release
    from pipeline.serving.export import lists_of, write_database, write_file

    settings = load_settings()
    file = None if "://" in target else settings.workspace / local_path(target, named="the target")
    found = current(settings.releases) if release is None else open_release(settings.releases, release)
    ids = None if listeners is None else read_ids(None, listeners)
    lists = lists_of(found, listeners=ids, key=own_key(settings))
    if file is None:
        write_database(target, table, lists)
        where = f"the table {table}"
    else:
        write_file(file, lists)
        where = target
    n = len(lists["listener_id"].unique())
    echo(f"{lists.num_rows:,} rows of {n:,} listeners of release {found.id} are in {where}")
