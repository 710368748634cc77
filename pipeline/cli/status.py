"""`netgain status`: the served release, its age, and how the last night ended."""

import datetime as dt
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.console import console, echo
from pipeline.errors import EXIT_STALE
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from rich.table import Table


def status(
    as_of: Annotated[str | None, typer.Option(help="The night that is due, YYYY-MM-DD. Default: today's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The facts as JSON.")] = False,
) -> None:
    """Show the served release and its age; exit status 0 if it is fresh, 5 if it is stale or missing."""
    from pipeline.as_of import parse_as_of
    from pipeline.nightly.status import night_status
    from pipeline.releases.required_state import require_state

    due = dt.datetime.now(dt.UTC).date() if as_of is None else parse_as_of(as_of)
    settings = load_settings()
    require_state(settings)
    facts = night_status(settings, due=due)
    if as_json:
        echo(json.dumps(facts, indent=2, sort_keys=True, ensure_ascii=False))
    else:
        console().print(_table(facts))
    raise typer.Exit(EXIT_STALE if facts["stale"] else 0)


def _table(facts: dict[str, Any]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    served = facts["served"]
    if served is not None:
        table.add_row("served", f"{served['release']}, recipe {served['recipe']}, {served['n_listeners']:,} listeners")
        table.add_row("age", _age(served, facts["due"]))
    if served is not None and (back := served["rolled_back"]) is not None:
        old = back["from"] or "a damaged release"
        table.add_row("rolled back", Text(f"from {old} by {back['by']}, {back['when']}: {back['reason']}"))
    verdict = "\n".join(["STALE", *facts["why"]]) if facts["stale"] else "fresh"
    table.add_row("state", Text(verdict, style="red" if facts["stale"] else "green"))
    table.add_row("last night", Text(_last(facts["last_night"])))
    n, oldest = facts["outbox"]["entries"], facts["outbox"]["oldest"]
    table.add_row("outbox", f"{n} waiting for MLflow, oldest from {oldest}: `netgain outbox`" if n else "empty")
    return table


def _age(served: dict[str, Any], due: str) -> str:
    from pipeline.releases.current import nights

    return f"{nights(served['age_nights'])} (made by the night of {served['night']}; {due} is due)"


def _last(last: dict[str, Any] | None) -> str:
    if last is None:
        return "no night has been opened"
    words = {"at work": "running", "gone": "not finished: its process is gone", "silent": "not finished, no heartbeat"}
    how = f"ended: {last['ended']}" if last["state"] == "ended" else words[last["state"]]
    since = "" if last["silent_seconds"] is None else f", last heartbeat {last['silent_seconds']:,} s ago"
    who = f"{last['owner']}, " if last["owner"] else ""
    return f"{last['night']} {how}{since} (lease {last['lease']}: {who}process {last['process']} on {last['host']})"
