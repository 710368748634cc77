"""`netgain token`: the tokens of listeners, to join lists with ids of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.console import echo
from pipeline.cli.listeners import read_ids
from pipeline.settings import load_settings


def token(
    listeners: Annotated[list[str] | None, typer.Argument(help="Ids of listeners, as in their logs.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file with one id a line.")] = None,
    key: Annotated[bool, typer.Option("--key", help="Print the fingerprint of the key instead.")] = False,
) -> None:
    """Print the token of each listener, a line each in the order given: what lists, tables and reports call them."""
    from pipeline.identity.key import workspace_key
    from pipeline.identity.tokens import OPEN_KEY, fingerprint, token_of

    in_force = workspace_key(load_settings())
    if key:
        secret = "no secret: NETGAIN_ID_KEY is not set" if in_force == OPEN_KEY else "of NETGAIN_ID_KEY"
        echo(f"{fingerprint(in_force)}  ({secret})")
        return
    for each in read_ids(listeners, file):
        echo(token_of(each, in_force))
