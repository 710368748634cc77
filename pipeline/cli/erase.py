"""`netgain erase`: listeners who leave."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import ParamsError
from pipeline.settings import load_settings


def erase(
    by: Annotated[str, typer.Option(help="Who asks for it.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "the listener asked for it",
    listeners: Annotated[list[str] | None, typer.Argument(help="Ids of listeners, as their logs have them.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with an id a line.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell where they are.")] = False,
) -> None:
    """Have listeners erased everywhere by the next night; a certificate in reports/erasures/ says what was removed."""
    from pipeline.erasure.requests import request

    settings = load_settings()
    names = [*(listeners or []), *(_ids(file) if file is not None else [])]
    if dry_run:
        from pipeline.erasure.carry_out import where

        for place, n_files in where(settings, names).items():
            typer.echo(f"{n_files:6,} files in {place}")
        return
    n_new = request(settings.state, names, key=settings.id_key, by=by, reason=reason)
    typer.echo(f"{n_new} listeners are erased by the next night, {len(set(names)) - n_new} had been asked for before")


def _ids(file: Path) -> list[str]:
    try:
        return [line.strip() for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as err:
        raise ParamsError(f"{file} cannot be read: {err}", expected="an id a line", fix="Check the file.") from err
