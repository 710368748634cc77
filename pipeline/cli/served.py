"""`netgain lookup`, `releases`, `rollback`: what is served."""

from typing import Annotated

import typer

from pipeline.cli.console import console
from pipeline.settings import load_settings


def lookup(listener: str) -> None:
    """The list that a listener is served, or the fallback for a stranger."""
    from pipeline.logs.pseudonyms import pseudonym
    from pipeline.releases.lookup import answer_table
    from pipeline.releases.lookup import lookup as look_up

    settings = load_settings()
    name = listener if settings.id_key is None else pseudonym(settings.id_key, listener)
    console().print(answer_table(look_up(settings.releases, name)))


def releases() -> None:
    """All releases, the newest first."""
    from pipeline.releases.lookup import releases_table

    console().print(releases_table(load_settings()))


def rollback(
    by: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    to: Annotated[str | None, typer.Option(help="A release. Default: the one served before.")] = None,
) -> None:
    """Serve an earlier release again, on record."""
    from pipeline.releases.required_state import require_state
    from pipeline.releases.rollback import roll_back

    settings = load_settings()
    require_state(settings)
    before, now = roll_back(settings.releases, settings.state, to=to, by=by, reason=reason)
    typer.echo(f"release {now.id} is served, {before.id} no more; the next night's release takes its place")
