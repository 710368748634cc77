"""`netgain state`: back up, restore and migrate the state, and rename listeners under a key."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import echo
from pipeline.errors import ParamsError, TableError
from pipeline.settings import load_settings

app = typer.Typer(
    help="Back up, restore and migrate the state that nights leave to later nights.", no_args_is_help=True
)


@app.command()
def migrate() -> None:
    """Take over what an earlier version left: an old ledger, and listeners named by their ids. Back up first."""
    from pipeline.erasure.renaming import ids_to_tokens
    from pipeline.identity.key import own_key
    from pipeline.nightly.names import from_before_tokens
    from pipeline.nightly.workspace_lock import exclusive_night
    from pipeline.releases.migrate import migrate as take_in

    settings = load_settings()
    with exclusive_night(settings.workspace):
        counts = take_in(settings)
        done = ids_to_tokens(settings, own_key(settings)) if from_before_tokens(settings) else None
    taken = ", ".join(f"{n:,} {table}" for table, n in sorted(counts.items()))
    if done is not None:
        taken += f"{'; ' if taken else ''}listeners are tokens now in {done.releases} releases and {done.files} tables"
    echo(f"migrated: {taken}" if taken else "nothing to migrate")


@app.command()
def rekey() -> None:
    """Rename all listeners under NETGAIN_ID_KEY in a workspace that had no key. Back up first."""
    from pipeline.erasure.renaming import open_to_secret
    from pipeline.identity.key import own_key, recorded_key, require_key
    from pipeline.identity.tokens import OPEN_FINGERPRINT, OPEN_KEY
    from pipeline.nightly.workspace_lock import exclusive_night

    settings = load_settings()
    key, recorded = own_key(settings), recorded_key(settings.state)
    if key == OPEN_KEY:
        raise ParamsError("NETGAIN_ID_KEY is not set", expected="the new key", fix="Set it from your secret store.")
    if recorded is None:
        raise TableError(
            "no night has run here, so nothing has to be renamed", expected="a workspace", fix="Run the night."
        )
    if recorded != OPEN_FINGERPRINT:
        require_key(key, recorded, of="this workspace")
        echo("this workspace has that key already")
        return
    with exclusive_night(settings.workspace):
        done = open_to_secret(settings, key)
    echo(f"renamed in {done.releases} releases and {done.files} tables; the next night makes the rest anew")
    if done.lost:
        echo(f"{done.lost} listeners have no landed play any more; they were removed")


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
