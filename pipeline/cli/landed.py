"""`netgain landed`: the files that each night ingested, and what has changed since."""

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.console import console, echo
from pipeline.cli.options import RecordedFormat, RecordedLogs
from pipeline.errors import LandingError, ParamsError
from pipeline.logs.manifest import TABLE, TOTALS, Finding, accept, files_in_manifest, findings
from pipeline.releases.required_state import require_state
from pipeline.settings import Settings, load_settings
from pipeline.state.clock import now
from pipeline.state.rows import entries as recorded

if TYPE_CHECKING:
    from pipeline.terminal_table import FittingTable

app = typer.Typer(help="The files that each night ingested, and what has changed since.", invoke_without_command=True)
_ALWAYS = dt.date(2000, 1, 1)


@app.callback()
def landed(
    context: typer.Context,
    logs: RecordedLogs = None,
    log_format: RecordedFormat = None,
    files: Annotated[bool, typer.Option("--files", help="List every file as well.")] = False,
) -> None:
    """List the rows that each night read: read = accepted + duplicate + quarantined."""
    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    require_state(settings)
    entries = recorded(settings.state, TABLE)
    if not entries:
        raise LandingError("no night has ingested a file yet", expected="a night's entry", fix="Run a night first.")
    out = console()
    out.print(_nights(entries))
    root, format, found = _findings(settings, logs, log_format)
    if files:
        taken = files_in_manifest(entries, root=root, format=format).values()
        out.print(_files([file for file in taken if file["taken"]]))
    for finding in found:
        out.print(f"{finding}: restore it, or `netgain landed accept`")


@app.command("accept")
def accept_(
    by: Annotated[str, typer.Option(help="Who decides.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    paths: Annotated[list[str] | None, typer.Argument(help="Which files. Default: all that changed.")] = None,
    logs: RecordedLogs = None,
    log_format: RecordedFormat = None,
) -> None:
    """Accept files that changed or are missing as they are now; the next night ingests them in this state."""
    settings = load_settings()
    require_state(settings)
    root, format, found = _findings(settings, logs, log_format)
    wanted = [finding for finding in found if not paths or finding.path in paths]
    unknown = sorted(set(paths or ()) - {finding.path for finding in found})
    if unknown or not wanted:
        what = f"{unknown[0]} has not changed" if unknown else "no landed file has changed"
        raise ParamsError(what, expected="a file that changed or is missing", fix="See `netgain landed`.")
    accept(settings.state, wanted, root=root, format=format, by=by, reason=reason, when=now())
    echo(f"accepted: {', '.join(map(str, wanted))}")


def _findings(settings: Settings, logs: Path | None, log_format: str | None) -> tuple[str, str, list[Finding]]:
    """Return root and format, those of the last night unless they are given, and what changed below the root."""
    from pipeline.identity.key import workspace_key
    from pipeline.logs.inventory import take_inventory
    from pipeline.logs.pseudonyms import PrivacyRules

    last = next((e for e in reversed(recorded(settings.state, TABLE)) if e["kind"] == "night"), None)
    if last is not None:
        logs, log_format = logs or settings.workspace / last["root"], log_format or last["format"]
    inventory = take_inventory(
        logs or settings.landing,
        log_format or "netgain",
        cache=settings.landing_cache,
        workspace=settings.workspace,
        privacy=PrivacyRules(key := workspace_key(settings)),
    )
    root = settings.workspace / inventory["root"]
    found = findings(settings.state, inventory, root=root, needed_from=_ALWAYS, key=key)
    return inventory["root"], inventory["format"], found


def _nights(entries: list[dict[str, Any]]) -> "FittingTable":
    table = _table("night", "root", "format", *_NUMBERS, "new or changed", "withdrawn")
    for entry in entries:
        if entry["kind"] == "night":
            counts = (entry["n_files"], *(entry[n] for n in TOTALS), len(entry["files"]), len(entry["withdrawn"]))
            table.add_row(entry["as_of"], entry["root"], entry["format"], *(f"{n:,}" for n in counts))
    return table


def _files(files: list[dict[str, Any]]) -> "FittingTable":
    table = _table("file", "SHA-256", "taken", "first play", "last play", "bytes", *TOTALS)
    for file in files:
        days = ((file[f"{which}_played_at"] or "–")[:10] for which in ("first", "last"))
        numbers = (file["bytes"], *(file[n] for n in TOTALS))
        table.add_row(file["path"], file["sha256"][:12], file["taken"], *days, *(f"{n:,}" for n in numbers))
    return table


_NUMBERS = ("files", *TOTALS)


def _table(*columns: str) -> "FittingTable":
    from pipeline.terminal_table import FittingTable

    return FittingTable(*columns, right=(*_NUMBERS, "bytes", "new or changed", "withdrawn"))
