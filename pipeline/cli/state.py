"""`netgain state`: back up, restore and migrate the state database."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import echo
from pipeline.errors import TableError
from pipeline.settings import load_settings

app = typer.Typer(
    help="Back up, restore and migrate the state that nights leave to later nights.", no_args_is_help=True
)


@app.command()
def migrate() -> None:
    """Move an old ledger's files into the database. Back up the ledger first."""
    from pipeline.nightly.workspace_lock import exclusive_night
    from pipeline.releases.migrate import migrate as take_in

    settings = load_settings()
    with exclusive_night(settings.workspace):
        counts = take_in(settings)
    taken = ", ".join(f"{n:,} {table}" for table, n in sorted(counts.items()))
    echo(f"migrated: {taken}" if taken else "nothing to migrate")


@app.command()
def dump(file: Annotated[Path, typer.Argument(help="The file to write, as JSON lines.")]) -> None:
    """Write all rows to a file. Back up the ledger's folders influence/, outbox/ and erasures/ with it."""
    from pipeline.state.backup import dump as write

    echo(f"{write(load_settings().state, file):,} rows written to {file}")


@app.command()
def load(file: Annotated[Path, typer.Argument(help="A file that `dump` wrote.")]) -> None:
    """Restore a backup into an empty database."""
    from pipeline.state.backup import load as read

    echo(f"{read(load_settings().state, file):,} rows loaded from {file}")


@app.command()
def init() -> None:
    """Create an empty database; the state of earlier nights is forgotten."""
    from pipeline.state.database import exists, writing
    from pipeline.state.legacy import require_none

    where = load_settings().state
    require_none(where.folder)
    if exists(where):
        raise TableError("there is a state database", expected="none", fix="Move it away first.")
    with writing(where, anew=True):
        pass
    echo("created an empty state database")
