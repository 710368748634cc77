"""`netgain why`: where an answer came from."""

import datetime as dt
import json
from typing import Annotated, Any

import typer

from pipeline.cli.console import console, echo
from pipeline.errors import ParamsError
from pipeline.settings import load_settings

_SHOWN_FILES = 5


def why(
    listener: str,
    at: Annotated[str | None, typer.Option(help="Time, ISO 8601; UTC if it names no offset. Default: now.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all of it as JSON, every landed file included.")
    ] = False,
) -> None:
    """Show the answer that a listener got at a time, and the model, code, parameters and logs that it came from."""
    from pipeline.identity.key import workspace_key
    from pipeline.identity.tokens import token_of
    from pipeline.serving.why import why as find

    settings = load_settings()
    token = token_of(listener, workspace_key(settings))
    found = find(settings.landing, settings.releases, token, _moment(at))
    if as_json:
        echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    _show(found)


def _moment(text: str | None) -> dt.datetime:
    if text is None:
        return dt.datetime.now(dt.UTC)
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as err:
        raise ParamsError(f"--at {text[:40]!r}", expected="a time such as 2026-02-12T20:15", fix="Correct it.") from err
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)


def _show(found: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    origin = found["provenance"]
    facts: dict[str, Any] = {
        "answered": found["at"],
        "impression": found["impression_id"],
        "lane": found["lane"],
        "experiment": f"{found['experiment']}, arm {found['arm']}" if found.get("experiment") else "none",
        "items": "\n".join(f"{n:2} {i['item_name'] or i['item_id']}" for n, i in enumerate(found["items"], start=1)),
        "release": found["release"],
    }
    if origin is None:
        facts["came from"] = "unknown: the release is not kept any more"
    else:
        if origin["release"] != found["release"]:
            facts["release"] = f"{origin['release']}, then {found['release']}: listeners were erased from it since"
        facts |= {
            "night": origin["as_of"],
            "recipe": f"{origin['recipe']} {_plain(origin['hyperparameters'])}",
            "fit": origin["fit"],
            "verdict": origin["sentence"],
            "code": origin["code"] or "not committed",
            "params": origin["params"],
            "landed": _landed(origin["landed"]),
        }
    for name, value in facts.items():
        table.add_row(name, Text(str(value)))
    console().print(table)


def _plain(hyperparameters: dict[str, Any] | None) -> str:
    return ", ".join(f"{k} {v}" for k, v in (hyperparameters or {}).items() if k != "family")


def _landed(landed: dict[str, Any] | None) -> str:
    if landed is None:
        return "not recorded"
    files = landed.get("files", [])
    lines = [f"{landed['n']} files, SHA-256 of their inventory {landed['sha256']}"]
    lines += [f"{file.get('path', 'a file of one listener')}  {file['sha256']}" for file in files[:_SHOWN_FILES]]
    if len(files) > _SHOWN_FILES:
        lines.append(f"… {len(files) - _SHOWN_FILES} more: --json")
    return "\n".join(lines)
