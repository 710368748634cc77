"""The command `netgain`: its commands, its version, and the exit status and message of each error."""

import errno
import functools
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli import (
    alert,
    decisions,
    doctor,
    erase,
    experiment,
    export,
    formats,
    landed,
    nights,
    outbox,
    quarantine,
    repro,
    serve,
    served,
    sources,
    spark,
    state,
    status,
    token,
    tune,
    why,
)
from pipeline.cli.console import echo
from pipeline.errors import EXIT_STAGE_FAILED, NetgainError
from pipeline.places import local_path
from pipeline.settings import load_settings, silence_telemetry
from pipeline.storage.permissions import restrict

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Nightly music recommendations that promote a model only when it pays.",
)
COMMANDS: dict[str, dict[str, Callable[..., None] | typer.Typer]] = {
    "A night": {
        "night": nights.night,
        "status": status.status,
        "doctor": doctor.doctor,
        "outbox": outbox.app,
        "state": state.app,
    },
    "What is served": {
        "serve": serve.serve,
        "lookup": served.lookup,
        "why": why.why,
        "export": export.export,
        "releases": served.releases,
        "rollback": served.rollback,
        "promote": decisions.promote,
        "approve": decisions.approve,
    },
    "What was decided": {
        "explain": decisions.explain,
        "what-if": decisions.what_if,
        "replay": decisions.replay,
        "calibrate": decisions.calibrate,
    },
    "Logs and listeners": {
        "erase": erase.erase,
        "token": token.token,
        "fetch": sources.fetch_,
        "simulate": sources.simulate,
        "simulate-compare": sources.simulate_compare,
        "landed": landed.app,
        "quarantine": quarantine.app,
        "formats": formats.formats,
    },
    "Experiments": {"experiment": experiment.app, "tune": tune.tune, "spark": spark.app},
    "A night in steps, for schedulers": {
        "open": nights.open_,
        "repro": repro.repro,
        "stage": nights.stage,
        "effects": repro.effects,
        "data-docs": nights.data_docs,
        "report": repro.report,
        "close": repro.close,
        "alert": alert.alert,
    },
}


_READ_RELEASES = frozenset({"status", "doctor", "serve", "lookup", "why", "export", "releases"})
_CHANGE_RELEASES = frozenset({"night", "open", "doctor", "rollback", "promote", "erase"})
"""Also those that may mark what is served as stale."""


def _with_shared_releases(name: str, command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that sees the releases of the store, where they are on one, and carries its changes there."""
    if name not in _READ_RELEASES | _CHANGE_RELEASES:
        return command

    @functools.wraps(command)
    def shared(**values: Any) -> None:
        from pipeline.releases.shared import give, take

        settings = load_settings()
        take(settings, served_only=name == "serve")
        try:
            command(**values)
        finally:
            if name in _CHANGE_RELEASES:
                give(settings)

    return shared


def _with_local_paths(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that refuses an address, `s3://…`, for any of its paths before it does anything."""

    @functools.wraps(command)
    def checked(**values: Any) -> None:
        for option, value in values.items():
            if isinstance(value, Path):
                local_path(value, named=f"the value of {option.replace('_', '-')}")
        command(**values)

    return checked


for panel, commands in COMMANDS.items():
    for name, command in commands.items():
        if isinstance(command, typer.Typer):
            for each in command.registered_commands:
                if each.callback is not None:
                    each.callback = _with_local_paths(each.callback)
            app.add_typer(command, name=name, rich_help_panel=panel)
        else:
            app.command(name, rich_help_panel=panel)(_with_local_paths(_with_shared_releases(name, command)))


def _print_version(wanted: bool) -> None:
    if wanted:
        echo(f"netgain {version('netgain')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options of `netgain` itself."""


_INTERRUPTED = 130
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def main() -> None:
    """Run the command line. An error that the user can act on is printed as one line, not as a traceback."""
    silence_telemetry()
    try:
        restrict()
        app()
    except NetgainError as err:
        echo(f"netgain: {' '.join(str(err).split())}", err=True)
        sys.exit(err.exit_status)
    except OSError as err:
        if err.errno not in _NO_ROOM:
            raise
        echo(f"netgain: no room on the disk: {err}. Make some, and run it again; see `netgain doctor`", err=True)
        sys.exit(EXIT_STAGE_FAILED)
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # typer prints nothing on Ctrl-C, nor on SIGTERM, which a night turns into one
            echo("netgain: interrupted; run it again to go on from where it stopped", err=True)
        raise
