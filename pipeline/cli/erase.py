"""`netgain erase`: requests the erasure of listeners."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import echo
from pipeline.cli.listeners import read_ids
from pipeline.errors import TableError
from pipeline.settings import Settings, load_settings


def erase(
    by: Annotated[str, typer.Option(help="Who requests it.")],
    reason: Annotated[str | None, typer.Option(help="Why. Default: the listener asked for it.")] = None,
    listeners: Annotated[list[str] | None, typer.Argument(help="Ids of listeners, as in their logs.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file with one id a line. In the workspace, it is removed with them.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report which files contain them.")] = False,
) -> None:
    """Erase listeners: they get the fallback list at once, and the next night removes them from all data.

    A certificate in reports/erasures/ lists what was removed.
    """
    from pipeline.erasure.requests import DEFAULT_REASON, erased, request
    from pipeline.identity.key import workspace_key
    from pipeline.releases.required_state import require_state
    from pipeline.serving.erased import announce

    settings = load_settings()
    require_state(settings)
    _require_ledger(settings)
    key = workspace_key(settings)
    names = list(dict.fromkeys(read_ids(listeners, file)))
    if dry_run:
        from pipeline.erasure.where import files_with

        for place, n_files in files_with(settings, names, key).items():
            echo(f"{n_files:6,} files in {place}")
        return
    n_new = request(settings.state, names, key=key, by=by, reason=reason or DEFAULT_REASON, file=file)
    if (who := erased(settings.state)) is not None:
        announce(settings.releases, who)
    known = len(names) - n_new
    echo(f"{n_new} listeners will be erased by the next night; {known} had been requested before")
    if file is not None:
        inside = file.resolve().is_relative_to(settings.workspace)
        echo(f"{file} holds their ids: " + ("it will be removed, too" if inside else "remove it yourself"))


def _require_ledger(settings: Settings) -> None:
    """Refuse a request in a folder where no night ran: it would wait there unseen, and nothing would be erased.

    Raises:
        TableError: there is no state database.
    """
    from pipeline.state.database import exists

    if not exists(settings.state):
        raise TableError(
            f"no night has run here: {settings.ledger} holds no state, so nothing is erased",
            expected="the workspace and the settings of the nights",
            fix="Ask there, with the same settings. Before a first night, run `netgain state init`.",
        )
