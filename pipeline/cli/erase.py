"""`netgain erase`: requests the erasure of listeners."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import echo
from pipeline.errors import ParamsError
from pipeline.settings import load_settings


def erase(
    by: Annotated[str, typer.Option(help="Who requests it.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "the listener asked for it",
    listeners: Annotated[list[str] | None, typer.Argument(help="Ids of listeners, as in their logs.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with one id a line.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only report which files contain them.")] = False,
) -> None:
    """Erase listeners: they get the fallback list at once, and the next night removes them from all data.

    A certificate in reports/erasures/ lists what was removed.
    """
    from pipeline.erasure.requests import erased, request
    from pipeline.releases.required_state import require_state
    from pipeline.serving.erased import announce

    settings = load_settings()
    require_state(settings)
    names = [*(listeners or []), *(_ids(file) if file is not None else [])]
    if dry_run:
        from pipeline.erasure.carry_out import where

        for place, n_files in where(settings, names).items():
            echo(f"{n_files:6,} files in {place}")
        return
    n_new = request(settings.state, names, key=settings.id_key, by=by, reason=reason)
    if (who := erased(settings.state)) is not None:
        announce(settings.releases, who)
    known = len(set(names)) - n_new
    echo(f"{n_new} listeners will be erased by the next night; {known} had been requested before")


def _ids(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as err:
        raise ParamsError(f"{file} cannot be read: {err}", expected="one id a line", fix="Check the file.") from err
