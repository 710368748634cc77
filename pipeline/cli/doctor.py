"""`netgain doctor`: checks a machine and its nights, and repairs what is safe to repair."""

import json
import os
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.console import console, echo
from pipeline.errors import EXIT_UNSOUND
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from pipeline.doctor.examine import Diagnosis
    from pipeline.terminal_table import FittingTable

_COLOUR = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is safe to repair.")] = False,
    by: Annotated[str, typer.Option(help="Who asks for the repair. Default: this account.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Check environment, disk, locks, ledger, releases, last night, outbox and registry; exit status 6 on a failure."""
    from rich.progress import Progress

    from pipeline.doctor.examine import examine, examine_and_repair

    settings = load_settings()
    out = console()
    with Progress(console=out, transient=True, disable=as_json or not out.is_terminal) as bar:
        task = bar.add_task("reading releases", total=None)

        def progress(n_read: int, of: int) -> None:
            bar.update(task, completed=n_read, total=of)

        found = examine_and_repair(settings, progress, by=by or _account()) if repair else examine(settings, progress)
    if as_json:
        echo(json.dumps(_facts(found), indent=2, sort_keys=True, ensure_ascii=False))
    else:
        out.print(_table(found))
        for line in found.done:
            echo(f"done: {line}")
        if not repair and any(finding.repair for finding in found.findings):
            echo("`netgain doctor --repair` repairs findings marked with *")
    raise typer.Exit(0 if found.is_sound else EXIT_UNSOUND)


def _account() -> str:
    """Return the name of the account; in a container it may have none."""
    return os.environ.get("USER") or f"uid {os.getuid()}"


def _facts(found: "Diagnosis") -> dict[str, object]:
    keys = ("check", "level", "found", "fix")
    findings = [{k: getattr(f, k) for k in keys} | {"repairable": f.repair is not None} for f in found.findings]
    return {"sound": found.is_sound, "findings": findings, "done": list(found.done)}


def _table(found: "Diagnosis") -> "FittingTable":
    from rich.text import Text

    from pipeline.terminal_table import FittingTable

    table = FittingTable("check", "", "found", "what to do", prose=("found", "what to do"))
    for finding in found.findings:
        mark = finding.level + ("*" if finding.repair else "")
        fix = Text(finding.fix)
        table.add_row(finding.check, Text(mark, style=_COLOUR[finding.level]), Text(finding.found), fix)
    return table
