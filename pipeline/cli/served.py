"""`netgain lookup`, `releases`, `rollback`: the served release."""

from typing import Annotated

import typer

from pipeline.cli.console import console
from pipeline.settings import load_settings


def lookup(
    listener: str,
    is_token: Annotated[bool, typer.Option("--token", help="LISTENER is a token, as lists have it.")] = False,
) -> None:
    """Show the list that a listener is served; unknown listeners get the fallback list."""
    from pipeline.identity.key import own_key
    from pipeline.releases.lookup import answer_table, served_token
    from pipeline.releases.lookup import lookup as look_up

    settings = load_settings()
    token = listener if is_token else served_token(settings.releases, listener, own_key(settings))
    console().print(answer_table(look_up(settings.releases, token), listener))


def releases() -> None:
    """List all releases, newest first."""
    from pipeline.releases.lookup import releases_table

    settings = load_settings()
    console().print(releases_table(settings.releases, settings.state, keep=settings.keep_releases))


def rollback(
    by: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    to: Annotated[str | None, typer.Option(help="A release id. Default: the release served before.")] = None,
) -> None:
    """Serve an earlier release again; recorded in the ledger."""
    from pipeline.releases.required_state import require_state
    from pipeline.releases.rollback import roll_back

    settings = load_settings()
    require_state(settings)
    before, now = roll_back(settings.releases, settings.state, to=to, by=by, reason=reason)
    typer.echo(f"now serving release {now.id} instead of {before.id}; the next night's release replaces it")
