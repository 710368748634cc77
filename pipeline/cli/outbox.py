"""`netgain outbox`: records of nights that wait for delivery to MLflow."""

from typing import TYPE_CHECKING

import typer

from pipeline.cli.console import console, echo
from pipeline.releases.required_state import require_state
from pipeline.settings import load_settings
from pipeline.state.outbox import Waiting, waiting

if TYPE_CHECKING:
    from pipeline.terminal_table import FittingTable

app = typer.Typer(help="Records of nights that wait for delivery to MLflow.", invoke_without_command=True)


@app.callback()
def outbox(context: typer.Context) -> None:
    """List the waiting records, oldest first."""
    if context.invoked_subcommand is None:
        settings = load_settings()
        require_state(settings)
        entries = waiting(settings.state)
        if entries:
            console().print(_table(entries))
        echo("`netgain outbox replay` delivers them" if entries else "nothing waits for MLflow")


@app.command()
def replay() -> None:
    """Deliver the waiting records now, in order, without a time limit."""
    from pipeline.tracking.replay import replay as deliver

    settings = load_settings()
    require_state(settings)
    done = deliver(settings)
    for line in done.delivered.values():
        echo(line)
    if done.error is not None:
        echo(f"{len(done.delivered)} delivered, {len(waiting(settings.state))} still wait")
        raise done.error
    if not done.delivered:
        echo("nothing waits for MLflow")


def _table(entries: tuple[Waiting, ...]) -> "FittingTable":
    from pipeline.terminal_table import FittingTable

    table = FittingTable("night", "what", "KiB", "key", right=("KiB",))
    what = {"record": "record", "promote": "alias champion"}
    for entry in entries:
        table.add_row(entry.as_of, what[entry.kind], f"{entry.n_bytes() / 1024:,.0f}", entry.key)
    return table
