"""`netgain spark`: one Spark server for several runs of `dvc repro`."""

import typer

from pipeline.settings import load_settings

app = typer.Typer(no_args_is_help=True, help="One Spark server for several runs of `dvc repro`.")


@app.command()
def start() -> None:
    """Start a server that the stages of this folder share."""
    from pipeline.runtime.spark_server import start as start_server
    from pipeline.runtime.spark_session import shared_server

    settings = load_settings()
    if shared_server(settings) is None:
        start_server(settings, dies_with_us=False)
    typer.echo("Spark is up for this folder; `netgain spark stop` ends it")


@app.command()
def stop() -> None:
    """Stop it."""
    from pipeline.runtime.spark_server import stop as stop_server

    typer.echo("stopped" if stop_server(load_settings()) else "no server was running")
