"""`netgain lookup`, `releases`, `rollback`: the served release."""

from typing import Annotated

import typer

from pipeline.cli.console import console, echo
from pipeline.settings import load_settings


def lookup(
    listener: str,
    release: Annotated[str | None, typer.Option(help="A release id. Default: the served release.")] = None,
    is_token: Annotated[bool, typer.Option("--token", help="LISTENER is a token, as lists have it.")] = False,
) -> None:
    """Show the list that a listener is served, beside what the listener plays most."""
    from pipeline.identity.key import own_key
    from pipeline.releases.lookup import answer_lines, answer_table, token_in
    from pipeline.releases.lookup import lookup as look_up
    from pipeline.releases.release import current, open_release

    settings = load_settings()
    found = current(settings.releases) if release is None else open_release(settings.releases, release)
    answer = look_up(found, listener if is_token else token_in(found, listener, own_key(settings)))
    console().print(*answer_lines(answer, listener), answer_table(answer), sep="\n", highlight=False)


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
    echo(f"now serving release {now.id} instead of {before.id}; the next night's release replaces it")
