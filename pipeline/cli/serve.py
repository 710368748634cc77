"""`netgain serve`: the service that answers from the served release."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from pipeline.errors import ReleaseError
from pipeline.settings import Settings, load_settings


def serve(  # noqa: PLR0917  # typer passes options by name
    host: Annotated[str, typer.Option(help="Address to listen on; other ones than loopback need --token-file.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any free one.")] = 8080,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes; they share the index.")] = 1,
    token_file: Annotated[Path | None, typer.Option(help="A file with the token that callers must send.")] = None,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0,
            help="Requests a second of one client; 0 for no limit. [default: 1000 with a token, no limit without]",
        ),
    ] = None,
    segment_seconds: Annotated[
        float, typer.Option(min=0.1, max=3600, help="Age at which events are moved into the landing folder [s].")
    ] = 60.0,
    newcomers: Annotated[
        bool,
        typer.Option("--newcomers/--no-newcomers", help="Load the served model to take newcomers; 90 MB a worker."),
    ] = True,
    quiet: Annotated[bool, typer.Option("--quiet", help="Write no line for each request.")] = False,
) -> None:
    """Answer for listeners over HTTP from the served release, and record impressions, plays and feedback."""
    from pipeline.releases.shared import following
    from pipeline.serving.options import Options, read_token
    from pipeline.serving.run import serve as run
    from pipeline.serving.telemetry import Limits

    settings = load_settings()
    token = None if token_file is None else read_token(token_file)
    options = Options(
        releases=settings.releases,
        landing=settings.landing,
        counts=Path(),
        id_key=_key(settings),
        token=token,
        rate=(0.0 if token is None else 1000.0) if rate is None else rate,
        workers=workers,
        limits=Limits(seconds=segment_seconds),
        newcomers=newcomers,
        log=not quiet,
    )
    with following(settings):
        run(options, host=host, port=port)


def _key(settings: Settings) -> bytes:
    """Return this machine's key, after a look at the served release: with another key, no listener would be found.

    Raises:
        SettingsError: the served release has another key.
    """
    from pipeline.identity.key import own_key
    from pipeline.releases.lookup import require_key_of
    from pipeline.releases.release import current

    key = own_key(settings)
    with contextlib.suppress(ReleaseError):  # the server waits for a whole release
        require_key_of(current(settings.releases), key)
    return key
