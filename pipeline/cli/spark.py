"""`netgain spark`: one Spark server for several runs of `dvc repro`."""

import typer

from pipeline.cli.console import echo
from pipeline.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="One Spark server for several runs of `dvc repro`.")


@app.command()
def start() -> None:
    """Start a server for the stages of this folder."""
    from pipeline.runtime.spark_server import start as start_server
    from pipeline.runtime.spark_session import shared_server

    settings = load_settings()
    if shared_server(settings) is None:
        start_server(settings, dies_with_us=False)
    echo("the Spark server of this folder is running; `netgain spark stop` ends it")


@app.command()
def stop() -> None:
    """Stop the server."""
    from pipeline.runtime.spark_server import stop as stop_server

    echo("stopped" if stop_server(load_settings()) else "no server was running")
